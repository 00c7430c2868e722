"""Secrets: kept in files, kept out of texts, and what they sign."""
