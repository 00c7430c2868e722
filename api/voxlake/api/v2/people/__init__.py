"""People: who asks, who else there is, and who may do what."""
