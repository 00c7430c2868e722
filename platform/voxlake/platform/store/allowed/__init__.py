"""Which stores, sources and hosts may be asked, of those that somebody else named."""
