"""Whether all parts of an HDF5 dataset are there: filters, virtual sources, files of raw voxels.

Where a virtual source is missing, or a file of raw voxels ends, the HDF5 library gives fill values
and no error.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from typing import TYPE_CHECKING

import h5py

from voxlake.compute.sources.files.hdf5_links import follow, open_file
from voxlake.compute.sources.files.hdf5_virtual import check_numbers, is_in, parts_of
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.compute.sources.files.hdf5_links import Reach
    from voxlake.compute.sources.files.hdf5_virtual import Part

_NAMES = {
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32017: "sz",
    32024: "sz3",
    32026: "blosc2",
}
"""Of the filters in the HDF Group's register, those that are met."""
_MOST_DEPTH = 16
"""Virtual datasets made of virtual ones."""


def check_filters(dataset: h5py.Dataset, what: str) -> None:
    """Raise SourceError unless all filters of the chunks can be undone here."""
    plist = dataset.id.get_create_plist()
    codes = [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]
    if all(map(h5py.h5z.filter_avail, codes)):
        return
    if importlib.util.find_spec("hdf5plugin"):
        importlib.import_module("hdf5plugin")  # registers what it has
    absent = [code for code in codes if not h5py.h5z.filter_avail(code)]
    if absent:
        names = ", ".join(f"{_NAMES.get(code, 'unknown')} (number {code})" for code in absent)
        error = SourceError(
            f"{what} is coded with the filter {names}, which is not installed; install a plug-in "
            "that decodes it"
        )
        error.add_note("pip install hdf5plugin, or name the plug-in's folder in HDF5_PLUGIN_PATH")
        raise error


def check_parts(dataset: h5py.Dataset, reach: Reach, depth: int = 0) -> None:
    """Hold chunks, virtual sources and files of raw voxels to what the dataset promises.

    Raises
    ------
    SourceError
        If one is not there, too small, coded with an unknown filter, or out of reach.
    """
    check_filters(dataset, reach.what)
    _check_chunks(dataset, reach)
    _check_external(dataset, reach)
    if not _is_virtual(dataset):
        return
    if depth == _MOST_DEPTH:
        raise SourceError(f"{reach.what} is virtual, of itself; mend the file")
    covered = 0
    for part in parts_of(dataset):
        _check_source(dataset, part, reach, depth)
        covered += part.voxels
    check_numbers(dataset, reach)
    plist = dataset.id.get_create_plist()
    is_filled = plist.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED
    if covered < math.prod(dataset.shape) and not is_filled:
        raise SourceError(
            f"{reach.what} is virtual: its parts have {covered} of {math.prod(dataset.shape)} "
            "voxels, and no fill value is set for the others; complete it, or set one"
        )


def chunks_of(dataset: h5py.Dataset, reach: Reach) -> tuple[int, ...] | None:
    """Return the chunks that reading decodes, of the first source if the dataset is virtual."""
    if not _is_virtual(dataset):
        return _chunks(dataset)
    first = next(parts_of(dataset), None)
    chunks = _chunks(_source(dataset, first, reach)) if first else None
    return None if chunks is None else (1,) * (dataset.ndim - len(chunks)) + chunks[-dataset.ndim :]


# What h5py asks of how a dataset was made it keeps with the dataset, and the HDF5 library ends the
# process if that of a virtual one is kept until it exits: here it is asked each time, and let go.


def _is_virtual(dataset: h5py.Dataset) -> bool:
    return bool(dataset.id.get_create_plist().get_layout() == h5py.h5d.VIRTUAL)


def _chunks(dataset: h5py.Dataset) -> tuple[int, ...] | None:
    plist = dataset.id.get_create_plist()
    return tuple(plist.get_chunk()) if plist.get_layout() == h5py.h5d.CHUNKED else None


def _check_chunks(dataset: h5py.Dataset, reach: Reach) -> None:
    size = dataset.file.id.get_filesize()
    for index in range(dataset.id.get_num_chunks() if _chunks(dataset) else 0):
        info = dataset.id.get_chunk_info(index)
        if info.byte_offset is not None and info.byte_offset + info.size > size:
            raise SourceError(f"{reach.what} is truncated; restore {dataset.file.filename}")


def _check_external(dataset: h5py.Dataset, reach: Reach) -> None:
    """Hold files of raw voxels to their extents; the library pads short ones with fill values."""
    plist = dataset.id.get_create_plist()
    files = [plist.get_external(index) for index in range(plist.get_external_count())]
    needed = dataset.size * dataset.dtype.itemsize
    for name, offset, size in files:
        path = reach.file(dataset.file.filename, os.fsdecode(name))
        taken = min(size, needed)
        if path.stat().st_size < offset + taken:
            raise SourceError(
                f"{reach.what} has voxels in {path}, which is truncated: {offset + taken} bytes "
                f"are needed, and it has {path.stat().st_size}; restore it"
            )
        needed -= taken
    if files and needed:
        raise SourceError(f"{reach.what} has files for all but {needed} of its bytes; mend it")


def _source(dataset: h5py.Dataset, part: Part, reach: Reach) -> h5py.Dataset:
    """Return the dataset that a part of a virtual one is taken from."""
    file = open_file(reach.file(dataset.file.filename, part.file), reach.what)
    found = follow(file, f"/{part.name}", reach)
    if not isinstance(found, h5py.Dataset):
        raise SourceError(
            f"{reach.what} is in part the dataset {part.name} of {file.filename}, which is not "
            "there; restore that file"
        )
    return found


def _check_source(virtual: h5py.Dataset, part: Part, reach: Reach, depth: int) -> None:
    source = _source(virtual, part, reach)
    if not is_in(part, source):
        raise SourceError(
            f"{reach.what} is in part the dataset {part.name} of {source.file.filename}, of the "
            f"shape {source.shape}, which is not what it should be made of; restore that file"
        )
    check_parts(source, reach, depth + 1)
