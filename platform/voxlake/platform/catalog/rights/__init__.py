"""Who may do what: grants, what is shared, and links."""
