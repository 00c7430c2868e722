"""Voxels, pictures and annotations, as bossDB's clients ask for them."""
