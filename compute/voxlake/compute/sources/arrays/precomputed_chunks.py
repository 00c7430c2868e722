"""Chunks of an unsharded precomputed volume, also where each is packed in a file of its own.

CloudVolume packs every chunk by default, and on file systems says how by a suffix: ``.gz``,
``.br``, ``.zstd``, ``.xz`` or ``.bz2``. TensorStore looks for the names without suffix alone, and
takes what it does not find for 0. So chunks are fetched and unpacked here, and TensorStore decodes
them from memory.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from voxlake.compute.sources.arrays.bounded import UNPACK_ERRORS, unpack
from voxlake.compute.sources.arrays.foreign_store import read_key, received
from voxlake.compute.sources.arrays.tensorstore_array import open_array, read_array
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.compute.sources.arrays.precomputed_info import Info, Scale

PACKED = {".gz": "gzip", ".br": "brotli", ".zstd": "zstd", ".xz": "lzma", ".bz2": "bz2"}
"""How a chunk is packed, by the suffix of its file."""

_CODED = 1 << 20
"""Bytes by which a coded chunk may be larger than its voxels."""


def read_chunks(store: ts.KvStore, info: Info, scale: Scale, box: Box, what: str) -> np.ndarray:
    """Return `box` (x, y, z, channel, from 0) of a scale, in Fortran order.

    Raises
    ------
    SourceError
        If a chunk cannot be read, unpacked or decoded. Chunks that are not there are 0.
    """
    context = ts.Context()
    memory = ts.KvStore.open({"driver": "memory"}, context=context).result()
    memory["info"] = json.dumps(_info_of(info, scale)).encode()
    names = scale.chunk_names(Box(box.start[:3], box.stop[:3]))
    keys = [f"{scale.key}/{name}" for name in names]
    for key, body in _bodies(store, keys, _most_bytes(info, scale)).items():
        memory[key] = body
    spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "memory"}}
    return read_array(open_array(spec, what, context), what, box)


def _most_bytes(info: Info, scale: Scale) -> int:
    """Return how many bytes a chunk may have, before TensorStore decodes it."""
    voxels = math.prod(scale.chunk) * info.num_channels * np.dtype(info.data_type).itemsize
    return voxels if scale.encoding == "raw" else 2 * voxels + _CODED


def _info_of(info: Info, scale: Scale) -> dict[str, Any]:
    document = info.model_dump(mode="json") | {"scales": [scale.model_dump(exclude_none=True)]}
    return {"@type": "neuroglancer_multiscale_volume", **document}


def _bodies(store: ts.KvStore, keys: list[str], most: int) -> dict[str, bytes]:
    """Return the chunks that are there, unpacked; several are fetched at a time."""
    answers = [(key, store.read(key)) for key in keys]
    bodies = {key: received(answer, store, key) for key, answer in answers}
    for key, body in bodies.items():
        if body is None:
            bodies[key] = _packed_body(store, key, most)
    return {key: body for key, body in bodies.items() if body is not None}


def _packed_body(store: ts.KvStore, key: str, most: int) -> bytes | None:
    for suffix, kind in PACKED.items():
        body = read_key(store, key + suffix)
        if body is not None:
            try:
                return unpack(kind, body, most)
            except UNPACK_ERRORS as error:
                raise SourceError(
                    f"chunk {store.url}{key}{suffix} cannot be unpacked ({error}); restore it"
                ) from error
    return None
