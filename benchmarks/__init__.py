"""Benchmarks: voxlake beside its peers, in one run, on equal codecs, with equal output."""
