"""Sources of one image file: TIFF, PNG and their kin."""
