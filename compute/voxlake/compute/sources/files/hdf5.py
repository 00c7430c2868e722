"""A dataset of an HDF5 file: ``file.h5`` with one in it, or ``file.h5::/path/to/dataset``.

It may be virtual, or be reached by soft and external links: all of its files have to be there, in
the folder of the file or below it, or anywhere with ``?links=anywhere`` at the end.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import h5py
import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.arrangement import arrange_named, axis_name
from voxlake.compute.sources.array_attributes import axis_names_of, calibration_of, check_unpacked
from voxlake.compute.sources.files.hdf5_links import ANYWHERE, Reach, follow, names_in, open_file
from voxlake.compute.sources.files.hdf5_parts import check_filters, check_parts, chunks_of
from voxlake.compute.sources.files.hdf5_virtual import check_extents
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import named_file, split_inner
from voxlake.compute.sources.source import native
from voxlake.ngff.grid.axes import AXIS_TYPES
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
_BIG_DATA_VIEWER = re.compile(r"/t\d{5}/(s\d{2})/\d+/cells")
"""The name of a level as BigDataViewer has it: time, setup, level."""


def open_hdf5(location: str) -> Source | None:
    """Open a dataset: its axes as attributes or its dimensions name them, else by their number.

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
    check_extents(dataset, reach)
    if dataset.size == 0:  # which may be so because a part is missing
        check_parts(dataset, reach)
    check_unpacked(dataset.attrs, what)
    arrangement = arrange_named(_axis_names(dataset), dataset.shape or (), what)
    dtype = _dtype(dataset)
    return ArrangedSource(
        dtype=native(dtype, what),
        arrangement=arrangement,
        fingerprint=fingerprint_files([path], "hdf5", dataset.name),
        read_stored=partial(_read, dataset, dtype, location),
        stored_block=chunks_of(dataset, reach),
        calibration=calibration_of(dataset.attrs, arrangement.stored),
        check_stored=partial(check_parts, dataset, reach),
    )


def _dtype(dataset: h5py.Dataset) -> np.dtype:
    """Return the type of the voxels, in the byte order of the file.

    BigDataViewer keeps 16 bits without a sign as if they had one, unless its setup names a type.
    https://github.com/bigdataviewer/bigdataviewer-core/pull/157
    """
    stored: np.dtype = dataset.dtype
    level = _BIG_DATA_VIEWER.fullmatch(str(dataset.name))
    if level is None or stored != np.dtype("i2").newbyteorder(stored.byteorder):
        return stored
    setup = dataset.file.get(level[1])
    said = "uint16" if setup is None else setup.attrs.get("dataType", "uint16")
    return np.dtype(stored.str.replace("i", "u")) if said in {"uint16", b"uint16"} else stored


def _read(dataset: h5py.Dataset, dtype: np.dtype, location: str, box: Box) -> np.ndarray:
    """Read the chunks that `box` touches; the HDF5 library serves one thread at a time."""
    try:
        voxels: np.ndarray = dataset[box.slices]
    except (OSError, RuntimeError) as error:
        raise SourceError(
            f"box {box} of {location} cannot be read ({error}); restore the file"
        ) from error
    return voxels if dtype == voxels.dtype else voxels.view(dtype)


def _axis_names(dataset: h5py.Dataset) -> tuple[str | None, ...]:
    """Return the names that attributes, labels or scales give the dimensions; none if none do."""
    return axis_names_of(dataset.attrs) or tuple(map(_dimension_name, dataset.dims))


def _dimension_name(dimension: h5py.DimensionManager) -> str | None:
    """Return the label of a dimension, else the name of its scale that is understood, or any."""
    names = [dimension.label, *dimension.keys()]
    names += [str(scale.name).rpartition("/")[2] for scale in dimension.values()]
    named = [name for name in names if name]
    return next((name for name in named if axis_name(name) in AXIS_TYPES), next(iter(named), None))


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
