"""TIFF: its directories, pages and places, plain and as OME-TIFF."""
