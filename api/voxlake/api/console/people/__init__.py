"""Pages of people: who one is, tokens, groups, users, views that are shared, usage, changes."""
