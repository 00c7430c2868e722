"""Sources of one file with a volume: HDF5, MRC, NIfTI, npy, raw."""
