"""The tree of names: nodes, how they change, and the words that find them."""
