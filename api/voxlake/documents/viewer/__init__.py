"""What Neuroglancer and its kin read and send."""
