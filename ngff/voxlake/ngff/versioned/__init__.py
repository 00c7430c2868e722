"""Versioned documents: numbered, created if absent, never changed."""
