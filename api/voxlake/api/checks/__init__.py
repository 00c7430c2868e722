"""What may be wrong with an installation: looked at by ``voxlake doctor``, and by a gateway."""
