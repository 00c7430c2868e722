"""Commands about people: users, groups, tokens, and what is shared."""
