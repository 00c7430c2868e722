"""What NGFF 0.4, 0.5 and 0.6 say that the metadata of images and labels MUST be."""
