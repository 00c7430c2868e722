"""A source without a file: a phantom with image and labels of any size."""
