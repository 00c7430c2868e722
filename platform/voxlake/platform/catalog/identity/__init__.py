"""Who there is: users, groups, and the ways in which they are known."""
