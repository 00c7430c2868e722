"""A scale of a Neuroglancer precomputed volume: a folder, ``s3://``, ``gs://``, ``http(s)://``.

``precomputed://ADDRESS``, or the address itself, of the folder with the ``info``; then
``?scale=N`` or ``?scale=KEY`` for another scale than the finest. Image or segmentation, sharded or
not, coded raw, jpeg, png or compressed_segmentation. The ``voxel_offset`` is the place of the first
voxel. A chunk that is not there is 0. The fingerprint covers the info: chunks rewritten in place do
not change it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.arrays.foreign_store import (
    foreign_store,
    kvstore_spec,
    read_json,
    split_options,
)
from voxlake.compute.sources.arrays.precomputed_check import check_scale
from voxlake.compute.sources.arrays.precomputed_chunks import read_chunks
from voxlake.compute.sources.arrays.precomputed_info import KINDS, parse_info, select_scale
from voxlake.compute.sources.arrays.tensorstore_array import is_missing, open_array, read_array
from voxlake.compute.sources.fingerprint import fingerprint_files, fingerprint_text
from voxlake.compute.sources.location import local_path
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    import tensorstore as ts

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

PREFIX = "precomputed://"
INFO = "info"


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
    path = local_path(address)
    if path is not None and not path.is_absolute() and is_named:
        raise SourceError(
            f"{PREFIX}{address} depends on the working directory; give an absolute path"
        )
    if path is not None and not (path / INFO).is_file():
        if is_named:
            raise SourceError(f"{PREFIX}{address} has no info; check the path")
        return None
    store = foreign_store(address, is_named=is_named)
    if store is None and is_named:
        raise SourceError(
            f"{PREFIX}{address} is no folder, and no address of s3://, gs:// or http(s)://; write "
            "one of these"
        )
    return store


def _source(location: str, store: ts.KvStore, document: dict[str, Any], name: str) -> Source:
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
    array = open_array(spec, what)
    folder = local_path(address)
    files = [] if folder is None else [folder / INFO]
    text = fingerprint_text(json.dumps(document, sort_keys=True), scale.key)

    def read(box: Box) -> np.ndarray:
        try:
            return read_array(array, what, box)
        except SourceError as error:
            if scale.sharding is not None or not is_missing(error):
                raise
        # A chunk that is missing may be there under another name.
        return read_chunks(store, info, scale, box, what)

    def check() -> None:
        if folder is not None:
            check_scale(folder / scale.key, info, scale)

    return ArrangedSource(
        arrangement=arrange("xyzc", (*scale.size, info.num_channels), what),
        dtype=np.dtype(info.data_type),
        fingerprint=fingerprint_files(files, "precomputed", text),
        read_stored=read,
        stored_block=(*scale.chunk, info.num_channels),
        calibration=scale.calibration(info.finest),
        check_stored=check,
    )
