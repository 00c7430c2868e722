"""The catalog is mended, or made anew from the store."""
