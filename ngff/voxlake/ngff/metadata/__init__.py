"""OME-Zarr metadata: one model inside; 0.5 written; 0.4, 0.5 and 0.6 read."""

from voxlake.ngff.metadata.model import Level, Multiscale
from voxlake.ngff.metadata.reading import read_labels_names, read_multiscale
from voxlake.ngff.metadata.writing import group_document, labels_document

__all__ = [
    "Level",
    "Multiscale",
    "group_document",
    "labels_document",
    "read_labels_names",
    "read_multiscale",
]
