"""A gateway of several processes: each is a whole gateway, and all listen at one address."""
