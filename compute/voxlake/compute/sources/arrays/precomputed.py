"""A scale of a Neuroglancer precomputed volume: a folder, ``s3://`` or ``http(s)://``.

``precomputed://ADDRESS``, or the address itself, of the folder with the ``info``; then
``?scale=N`` or ``?scale=KEY`` for another scale than the first. Image or segmentation, sharded or
not, coded raw, jpeg, png or compressed_segmentation. Voxels are counted from 0: ``voxel_offset``
is dropped. A chunk that is not there is 0. The fingerprint covers the info: chunks rewritten
in place do not change it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.arrangement import Arrangement, arrange
from voxlake.compute.sources.arrays.foreign_store import (
    foreign_store,
    kvstore_spec,
    local_folder,
    read_json,
    split_options,
)
from voxlake.compute.sources.arrays.precomputed_check import check_scale
from voxlake.compute.sources.arrays.precomputed_chunks import read_chunks
from voxlake.compute.sources.arrays.precomputed_info import (
    KINDS,
    Info,
    Scale,
    parse_info,
    select_scale,
)
from voxlake.compute.sources.arrays.tensorstore_array import (
    TensorStoreArray,
    open_array,
    shown_block,
)
from voxlake.compute.sources.fingerprint import fingerprint_files, fingerprint_text
from voxlake.compute.sources.source import check_inside
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    import tensorstore as ts

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.axes import VoxelSize
    from voxlake.ngff.grid.box import Box

PREFIX = "precomputed://"
INFO = "info"


@dataclass(frozen=True, slots=True)
class PrecomputedSource:
    """One scale."""

    what: str
    store: ts.KvStore = field(repr=False)
    info: Info = field(repr=False)
    scale: Scale
    array: TensorStoreArray = field(repr=False)
    """The scale; if it is not sharded, missing chunks are errors to it."""
    arrangement: Arrangement
    fingerprint: str
    folder: Path | None
    """Where the info lies, if that is on this machine."""

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return np.dtype(self.info.data_type)

    @property
    def axes(self) -> tuple[str, ...]:
        """Channels where there are several."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the scale along each axis."""
        return self.arrangement.shape

    @property
    def voxel_size(self) -> VoxelSize | None:
        """The ``resolution`` of the scale."""
        return self.scale.voxel_size

    @property
    def block(self) -> tuple[int, ...]:
        """The chunk size, with all channels."""
        return shown_block(self.arrangement, (*self.scale.chunk, self.info.num_channels))

    def read(self, box: Box) -> np.ndarray:
        """Read the chunks that `box` touches."""
        check_inside(box, self)
        return self.arrangement.read(box, self.dtype, self._read_stored)

    def _read_stored(self, box: Box) -> np.ndarray:
        if self.scale.sharding is not None:
            return self.array.read(box)
        found = self.array.read_if_whole(box)
        if found is not None:
            return found
        # A chunk that is missing may be there under another name.
        return read_chunks(self.store, self.info, self.scale, box, self.what)

    def check(self) -> None:
        """Hold every chunk or shard to the info (of a local volume)."""
        if self.folder is not None:
            check_scale(self.folder / self.scale.key, self.info, self.scale)


def open_precomputed(location: str) -> Source | None:
    """Open a scale of a precomputed volume.

    Raises
    ------
    SourceError
        If it is named as one and there is none, or its info is wrong.
    """
    is_named = location.startswith(PREFIX)
    address, options = split_options(location.removeprefix(PREFIX), "scale")
    store = _store(address, is_named=is_named)
    if store is None:
        return None
    try:
        document = read_json(store, INFO)
    except SourceError:
        if is_named:
            raise
        return None  # the readers after this one ask there, too, and say what is wrong
    if not is_named and (document is None or document.get("type") not in KINDS):
        return None
    if document is None:
        raise SourceError(f"{location} has no info; check the address")
    return _source(location, store, document, options.get("scale", ""))


def _store(address: str, *, is_named: bool) -> ts.KvStore | None:
    path = local_folder(address)
    if path is not None and not path.is_absolute() and is_named:
        raise SourceError(
            f"{PREFIX}{address} depends on the working directory; give an absolute path"
        )
    if path is not None and not (path / INFO).is_file():
        if is_named:
            raise SourceError(f"{PREFIX}{address} has no info; check the path")
        return None
    store = foreign_store(address)
    if store is None and is_named:
        raise SourceError(
            f"{PREFIX}{address} is no folder, s3:// or http(s):// address; public buckets of "
            "Google Cloud Storage are at https://storage.googleapis.com/BUCKET/PATH"
        )
    return store


def _source(
    location: str, store: ts.KvStore, document: dict[str, Any], name: str
) -> PrecomputedSource:
    what = f"precomputed {location}"
    info = parse_info(document, what)
    number = select_scale(info, name, what)
    scale = info.scales[number]
    address, _ = split_options(location.removeprefix(PREFIX), "scale")
    spec: dict[str, Any] = {
        "driver": "neuroglancer_precomputed",
        "kvstore": kvstore_spec(address),
        "scale_index": number,
    }
    if scale.sharding is None:
        spec["fill_missing_data_reads"] = False
    array = TensorStoreArray(what, open_array(spec, what))
    folder = local_folder(address)
    files = [] if folder is None else [folder / INFO]
    text = fingerprint_text(json.dumps(document, sort_keys=True), scale.key)
    return PrecomputedSource(
        what=what,
        store=store,
        info=info,
        scale=scale,
        array=array,
        arrangement=arrange("xyzc", (*scale.size, info.num_channels), what),
        fingerprint=fingerprint_files(files, "precomputed", text),
        folder=folder,
    )
