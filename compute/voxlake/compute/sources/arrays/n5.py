"""An N5 dataset, or the finest scale of an N5 group: in a folder, a bucket or on the web.

The location is that of the dataset itself (where its ``attributes.json`` lies), or of a container
and a path inside it: ``em.n5::/volumes/raw``. Of a group with the scales ``s0``, ``s1``, ... the
first is read. A block that is not there is 0, as N5 defines. The fingerprint covers the attributes:
blocks that are rewritten in place, unseen by them, do not change it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.arrays.foreign_store import (
    foreign_store,
    kvstore_spec,
    read_json,
)
from voxlake.compute.sources.arrays.n5_attributes import arrange_n5, n5_calibration, parse_dataset
from voxlake.compute.sources.arrays.n5_blocks import check_blocks, check_packed_sizes
from voxlake.compute.sources.arrays.tensorstore_array import open_array, read_array
from voxlake.compute.sources.fingerprint import fingerprint_files, fingerprint_text
from voxlake.compute.sources.images.slice_image import SUFFIXES
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import ZARR_MARKERS, local_path, split_inner
from voxlake.compute.sources.source import native
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    import tensorstore as ts

    from voxlake.compute.sources.arrays.n5_attributes import Documents
    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

ATTRIBUTES = "attributes.json"
_SUFFIX = ".n5"
_FINEST = "s0"


def open_n5(location: str) -> Source | None:
    """Open a dataset or multiscale group of an N5 container.

    Raises
    ------
    SourceError
        If it is an N5 container without such a dataset, or cannot be read.
    """
    address, inner = split_inner(location)
    is_named = _is_named(address) or (bool(inner) and not _is_zarr(address))
    store = _store(address, is_named=is_named)
    if store is None:
        return None
    try:
        dataset = _find(store, inner.strip("/"))
        if dataset is not None:
            return _source(location, store, *dataset)
    except SourceError:
        if is_named or not _is_of_another_kind(local_path(address)):
            raise
        return None
    if is_named:
        raise _no_dataset(location)
    return None


def _store(address: str, *, is_named: bool) -> ts.KvStore | None:
    path = local_path(address)
    if path is not None and not path.is_dir():
        return None
    return foreign_store(address, is_named=is_named)


def _is_named(address: str) -> bool:
    """Whether the address itself says that this is N5."""
    return any(part.endswith(_SUFFIX) for part in address.partition("?")[0].lower().split("/"))


def _is_zarr(address: str) -> bool:
    """Whether a path inside of the address is one inside of a zarr."""
    folder = local_path(address)
    if folder is not None:
        return any((folder / marker).exists() for marker in ZARR_MARKERS)
    return any(part.endswith(".zarr") for part in address.partition("?")[0].lower().split("/"))


def _is_of_another_kind(folder: Path | None) -> bool:
    """Whether an ``attributes.json`` there that is not N5's is no fault: others use that name.

    The reader of zarr asks a server, too, and says what is wrong.
    """
    if folder is None:
        return True
    names = [item.name.lower() for item in folder.iterdir()]
    return any(name in ZARR_MARKERS or name.endswith(SUFFIXES) for name in names)


def _find(store: ts.KvStore, path: str) -> tuple[str, Documents] | None:
    """Return where a dataset lies, and its attributes, then those of the group that named it."""
    prefix = f"{path}/" if path else ""
    document = read_json(store, f"{prefix}{ATTRIBUTES}") or {}
    if _is_dataset(document):
        return prefix, (document,)
    finest = read_json(store, f"{prefix}{_FINEST}/{ATTRIBUTES}") or {}
    return (f"{prefix}{_FINEST}/", (finest, document)) if _is_dataset(finest) else None


def _is_dataset(document: dict[str, Any]) -> bool:
    return {"dimensions", "dataType"} <= document.keys()


def _source(location: str, store: ts.KvStore, path: str, documents: Documents) -> Source:
    what = f"N5 {location}"
    attributes = parse_dataset(documents[0], what)
    arrangement = arrange_n5(attributes.dimensions, documents, what)
    address, _ = split_inner(location)
    array = open_array({"driver": "n5", "kvstore": kvstore_spec(address, path)}, what)
    root = local_path(address)
    folder = None if root is None else root / path
    files = [] if folder is None else [folder / ATTRIBUTES]

    def read(box: Box) -> np.ndarray:
        check_packed_sizes(store, path, attributes, box)
        return read_array(array, what, box)

    def check() -> None:
        if folder is not None:
            check_blocks(folder, attributes)

    return ArrangedSource(
        dtype=native(np.dtype(array.dtype.numpy_dtype), what),
        arrangement=arrangement,
        fingerprint=fingerprint_files(files, "n5", fingerprint_text(json.dumps(documents))),
        read_stored=read,
        stored_block=attributes.block,
        calibration=n5_calibration(arrangement.stored, documents),
        check_stored=check,
    )


def _no_dataset(location: str) -> SourceError:
    address, inner = split_inner(location)
    names = _inside(local_path(address), inner)
    there = f"; in it are {listed(names)}" if names else ""
    return SourceError(
        f"N5 {location} is no dataset, nor a group with the scale {_FINEST}{there}; "
        f"name a dataset: {address}::/PATH"
    )


def _inside(path: Path | None, inner: str) -> list[str]:
    folder = None if path is None else path / inner.strip("/")
    if folder is None or not folder.is_dir():
        return []
    return sorted(item.name for item in folder.iterdir() if item.is_dir())
