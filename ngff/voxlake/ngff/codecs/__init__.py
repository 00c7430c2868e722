"""Codecs of others: read before they are decoded, or written for viewers."""
