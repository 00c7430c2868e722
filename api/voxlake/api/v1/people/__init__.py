"""Users, groups, permissions and usage, as bossDB answers them."""
