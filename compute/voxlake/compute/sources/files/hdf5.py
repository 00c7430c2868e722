"""A dataset of an HDF5 file: ``file.h5`` with one in it, or ``file.h5::/path/to/dataset``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import h5py
import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, complete_voxel_size
from voxlake.compute.sources.arrangement import arrange_by_rank
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import named_file, split_inner
from voxlake.compute.sources.source import native
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.axes import VoxelSize
    from voxlake.ngff.grid.box import Box

SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")


def open_hdf5(location: str) -> Source | None:
    """Open a dataset: axes by the labels of its dimensions, else by their number.

    Raises
    ------
    SourceError
        If the file or the dataset is not there or torn, or if it is not clear which is meant.
    """
    outer, inner = split_inner(location)
    path = named_file(outer, SUFFIXES)
    if path is None:
        return None
    try:
        # No lock: it fails on read-only and some network file systems, and nothing is written.
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise SourceError(f"HDF5 {path} cannot be read ({error}); restore the file") from error
    dataset = _dataset(file, path, inner)
    what = f"HDF5 {location}"
    labels = [dimension.label for dimension in dataset.dims]
    return ArrangedSource(
        dtype=native(dataset.dtype, what),
        arrangement=arrange_by_rank(dataset.shape or (), what, labels),
        fingerprint=fingerprint_files([path], "hdf5", dataset.name),
        read_stored=partial(_read, dataset, location),
        stored_block=dataset.chunks,
        voxel_size=_voxel_size(dataset),
        check_stored=partial(_check, dataset, location),
    )


def _read(dataset: h5py.Dataset, location: str, box: Box) -> np.ndarray:
    """Read the chunks that `box` touches; the HDF5 library serves one thread at a time."""
    try:
        voxels: np.ndarray = dataset[box.slices]
    except (OSError, RuntimeError) as error:
        raise SourceError(
            f"box {box} of {location} cannot be read ({error}); restore the file"
        ) from error
    return voxels


def _check(dataset: h5py.Dataset, location: str) -> None:
    """Hold the chunks of the dataset to the size of the file."""
    size = dataset.file.id.get_filesize()
    for index in range(dataset.id.get_num_chunks() if dataset.chunks else 0):
        info = dataset.id.get_chunk_info(index)
        if info.byte_offset is not None and info.byte_offset + info.size > size:
            raise SourceError(f"HDF5 {location} is truncated; restore the file")


def _voxel_size(dataset: h5py.Dataset) -> VoxelSize | None:
    """Return the attribute ``element_size_um`` (z, y, x) of ImageJ's and ilastik's plugins."""
    try:
        z, y, x = np.asarray(dataset.attrs["element_size_um"], float).ravel()
    except (KeyError, ValueError, TypeError):
        return None
    return complete_voxel_size({"z": z, "y": y, "x": x}, "micrometer")


def _dataset(file: h5py.File, path: Path, inner: str) -> h5py.Dataset:
    names = _dataset_names(file)
    name = inner.strip("/") or (names[0] if len(names) == 1 else "")
    if name not in names:
        wrong = f"no dataset {inner!r}" if inner else "not exactly one dataset"
        raise SourceError(
            f"HDF5 {path} has {wrong}, but {listed(names) or 'none'}; name one: {path}::/NAME"
        )
    return file[name]


def _dataset_names(file: h5py.File) -> list[str]:
    names: list[str] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            names.append(name)

    file.visititems(visit)
    return names
