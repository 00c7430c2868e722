"""Collections, experiments, channels and coordinate frames, as bossDB answers them."""
