"""Datasets are made: created, empty, registered, replaced."""
