"""An N5 dataset, or the finest scale of an N5 group: a folder, ``s3://`` or ``http(s)://``.

The location is that of the dataset itself (where its ``attributes.json`` lies), or of a container
and a path inside it: ``em.n5::/volumes/raw``. Of a group with the scales ``s0``, ``s1``, ... the
first is read. A block that is not there is 0, as N5 defines. The fingerprint covers the attributes:
blocks that are rewritten in place, unseen by them, do not change it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.arrays.foreign_store import (
    foreign_store,
    kvstore_spec,
    local_folder,
    read_json,
)
from voxlake.compute.sources.arrays.n5_attributes import (
    DatasetAttributes,
    arrange_n5,
    n5_voxel_size,
    parse_dataset,
)
from voxlake.compute.sources.arrays.n5_blocks import check_blocks
from voxlake.compute.sources.arrays.tensorstore_array import (
    TensorStoreArray,
    open_array,
    shown_block,
)
from voxlake.compute.sources.fingerprint import fingerprint_files, fingerprint_text
from voxlake.compute.sources.location import split_inner
from voxlake.compute.sources.source import check_inside, native
from voxlake.compute.sources.tiles.numbering import listed
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    import tensorstore as ts

    from voxlake.compute.sources.arrangement import Arrangement
    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.axes import VoxelSize
    from voxlake.ngff.grid.box import Box

ATTRIBUTES = "attributes.json"
_SUFFIX = ".n5"
_FINEST = "s0"


@dataclass(frozen=True, slots=True)
class N5Source:
    """One dataset."""

    array: TensorStoreArray = field(repr=False)
    attributes: DatasetAttributes = field(repr=False)
    arrangement: Arrangement
    voxel_size: VoxelSize | None
    fingerprint: str
    folder: Path | None
    """Where the blocks lie, if that is on this machine."""

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return native(np.dtype(self.array.array.dtype.numpy_dtype), self.array.what)

    @property
    def axes(self) -> tuple[str, ...]:
        """By the attributes of the dataset and its group, else by their number."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.arrangement.shape

    @property
    def block(self) -> tuple[int, ...]:
        """The block size of the dataset."""
        return shown_block(self.arrangement, self.attributes.block)

    def read(self, box: Box) -> np.ndarray:
        """Read the blocks that `box` touches."""
        check_inside(box, self)
        return self.arrangement.read(box, self.dtype, self.array.read)

    def check(self) -> None:
        """Hold the header of every block to the attributes (of a local dataset)."""
        if self.folder is not None:
            check_blocks(self.folder, self.attributes)


@dataclass(frozen=True, slots=True)
class _Found:
    """A dataset inside a store."""

    path: str
    documents: tuple[dict[str, Any], ...]
    """Its attributes, then those of its group if it was named by that."""


def open_n5(location: str) -> Source | None:
    """Open a dataset or multiscale group of an N5 container.

    Raises
    ------
    SourceError
        If it is an N5 container without such a dataset, or cannot be read.
    """
    address, inner = split_inner(location)
    store = _store(address)
    if store is None:
        return None
    is_named = bool(inner) or _is_named(address)
    try:
        found = _find(store, inner.strip("/"))
    except SourceError:
        if is_named or local_folder(address) is not None:
            raise
        return None  # the reader of zarr asks that server, too, and says what is wrong
    if found is None:
        if is_named:
            raise _no_dataset(location)
        return None
    return _source(location, found)


def _store(address: str) -> ts.KvStore | None:
    path = local_folder(address)
    if path is not None and not path.is_dir():
        return None
    return foreign_store(address)


def _is_named(address: str) -> bool:
    """Whether the address itself says that this is N5."""
    return any(part.endswith(_SUFFIX) for part in address.partition("?")[0].lower().split("/"))


def _find(store: ts.KvStore, path: str) -> _Found | None:
    prefix = f"{path}/" if path else ""
    document = read_json(store, f"{prefix}{ATTRIBUTES}")
    if _is_dataset(document):
        return _Found(prefix, (document or {},))
    finest = read_json(store, f"{prefix}{_FINEST}/{ATTRIBUTES}")
    if not _is_dataset(finest):
        return None
    return _Found(f"{prefix}{_FINEST}/", (finest or {}, document or {}))


def _is_dataset(document: dict[str, Any] | None) -> bool:
    return document is not None and {"dimensions", "dataType"} <= document.keys()


def _source(location: str, found: _Found) -> N5Source:
    what = f"N5 {location}"
    attributes = parse_dataset(found.documents[0], what)
    arrangement = arrange_n5(attributes.dimensions, found.documents, what)
    address, _ = split_inner(location)
    spec = {"driver": "n5", "kvstore": kvstore_spec(address, found.path)}
    array = TensorStoreArray(what, open_array(spec, what))
    root = local_folder(address)
    folder = None if root is None else root / found.path
    native(np.dtype(array.array.dtype.numpy_dtype), what)
    return N5Source(
        array=array,
        attributes=attributes,
        arrangement=arrangement,
        voxel_size=n5_voxel_size(arrangement.stored, found.documents),
        fingerprint=_fingerprint(found, folder),
        folder=folder,
    )


def _fingerprint(found: _Found, folder: Path | None) -> str:
    files = [] if folder is None else [folder / ATTRIBUTES]
    return fingerprint_files(files, "n5", fingerprint_text(json.dumps(found.documents)))


def _no_dataset(location: str) -> SourceError:
    address, inner = split_inner(location)
    names = _inside(local_folder(address), inner)
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
