"""People on the wire: users, groups, tokens, shares, links, usage."""
