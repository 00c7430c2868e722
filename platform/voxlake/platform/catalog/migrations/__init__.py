"""Migrations of the catalog, run by `open_catalog`; applied ones are never changed."""
