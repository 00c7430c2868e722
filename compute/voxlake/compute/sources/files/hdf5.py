"""A dataset of an HDF5 file: ``file.h5`` with one in it, or ``file.h5::/path/to/dataset``.

It may be virtual, or be reached by soft and external links: all of its files have to be there, in
the folder of the file or below it, or anywhere with ``?links=anywhere`` at the end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import h5py
import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, complete_voxel_size
from voxlake.compute.sources.arrangement import arrange_by_rank
from voxlake.compute.sources.files.hdf5_links import ANYWHERE, Reach, follow, names_in, open_file
from voxlake.compute.sources.files.hdf5_parts import check_filters, check_parts, chunks_of
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
        If the file or the dataset is not there or torn, if it is not clear which is meant, or if a
        link leads out of the folder, or a filter is not installed.
    """
    name = location.removesuffix(ANYWHERE)
    outer, inner = split_inner(name)
    path = named_file(outer, SUFFIXES)
    if path is None:
        return None
    what = f"HDF5 {name}"
    reach = Reach(what, path.resolve().parent, anywhere=name != location)
    file = open_file(path, what)
    dataset = _dataset(file, path, inner, reach)
    check_filters(dataset, what)
    labels = [dimension.label for dimension in dataset.dims]
    return ArrangedSource(
        dtype=native(dataset.dtype, what),
        arrangement=arrange_by_rank(dataset.shape or (), what, labels),
        fingerprint=fingerprint_files([path], "hdf5", dataset.name),
        read_stored=partial(_read, dataset, location),
        stored_block=chunks_of(dataset, reach),
        voxel_size=_voxel_size(dataset),
        check_stored=partial(check_parts, dataset, reach),
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


def _voxel_size(dataset: h5py.Dataset) -> VoxelSize | None:
    """Return the attribute ``element_size_um`` (z, y, x) of ImageJ's and ilastik's plugins."""
    try:
        z, y, x = np.asarray(dataset.attrs["element_size_um"], float).ravel()
    except (KeyError, ValueError, TypeError):
        return None
    return complete_voxel_size({"z": z, "y": y, "x": x}, "micrometer")


def _dataset(file: h5py.File, path: Path, inner: str, reach: Reach) -> h5py.Dataset:
    """Return the dataset that is meant: the one that is named, else the only one.

    A link counts only if there is no dataset besides.
    """
    names, links = names_in(file)
    only = names or links
    name = inner.strip("/") or (only[0] if len(only) == 1 else "")
    found = follow(file, f"/{name}", reach) if name else None
    if not isinstance(found, h5py.Dataset):
        wrong = f"no dataset {inner!r}" if inner else "not exactly one dataset"
        raise SourceError(
            f"HDF5 {path} has {wrong}, but {listed(names + links) or 'none'}; "
            f"name one: {path}::/NAME"
        )
    return found
