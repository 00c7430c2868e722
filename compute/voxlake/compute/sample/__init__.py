"""Sample data: a real image with its labels, or a phantom of the kind where there is no net."""

from voxlake.compute.sample.fib25 import BASE_URL, open_sample, phantom_sample
from voxlake.compute.sample.folder import SampleFolder, write_sample_folder
from voxlake.compute.sample.sample import Sample

__all__ = [
    "BASE_URL",
    "Sample",
    "SampleFolder",
    "open_sample",
    "phantom_sample",
    "write_sample_folder",
]
