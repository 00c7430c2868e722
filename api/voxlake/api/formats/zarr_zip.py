"""OME-Zarr 0.5 in a ZIP file (NGFF RFC-9): one level, chunks coded as voxlake stores them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

from voxlake.api.formats.cutout import Blocks, Cutout, as_bytes, joined
from voxlake.api.formats.format import Format
from voxlake.api.formats.zip_parts import END_BYTES, MEMBER_BYTES, Member, zip_parts
from voxlake.ngff.grid.box import Box
from voxlake.ngff.metadata.model import Level, Multiscale
from voxlake.ngff.metadata.writing import VERSION, encoded, group_document

CHUNK_EDGE = 64
"""Voxels along each edge of a chunk, where there are as many."""
ZSTD_LEVEL = 1
DOCUMENT_BYTES = 8 << 10
"""What the metadata take, at most."""
COMMENT = json.dumps({"ome": {"version": VERSION}}).encode()
"""By which readers know such a file."""


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the file as its chunks are coded."""
    return zip_parts(_members(cutout, blocks), COMMENT)


def _members(cutout: Cutout, blocks: Blocks) -> Iterator[Member]:
    voxels = joined(cutout, blocks)
    yield "zarr.json", [encoded(group_document(_multiscale(cutout)))]
    yield "0/zarr.json", [encoded(_array_document(cutout))]
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
    chunk = _chunk(cutout)
    whole = Box.of_shape(cutout.shape)
    for tile in whole.tiles(chunk):
        place = "/".join(str(lo // n) for lo, n in zip(tile.start, chunk, strict=True))
        body = compressor.compress(as_bytes(_padded(voxels[tile.slices], chunk)))
        yield f"0/c/{place}", [body]


def _padded(part: npt.NDArray[Any], chunk: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return a chunk that is whole, as zarr stores those at the edge too."""
    if part.shape == chunk:
        return part
    return np.pad(part, [(0, n - m) for n, m in zip(chunk, part.shape, strict=True)])


def _chunk(cutout: Cutout) -> tuple[int, ...]:
    return tuple(min(n, CHUNK_EDGE) for n in cutout.shape)


def _multiscale(cutout: Cutout) -> Multiscale:
    level = Level("0", cutout.scale, cutout.translation)
    return Multiscale(cutout.dataset, cutout.axes, (level,), VERSION)


def _array_document(cutout: Cutout) -> dict[str, Any]:
    little: dict[str, Any] = {"name": "bytes"}
    if cutout.dtype.itemsize > 1:
        little["configuration"] = {"endian": "little"}
    zstd = {"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": True}}
    grid = {"name": "regular", "configuration": {"chunk_shape": list(_chunk(cutout))}}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(cutout.shape),
        "data_type": cutout.dtype.name,
        "chunk_grid": grid,
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if cutout.dtype.kind == "f" else 0,
        "codecs": [little, zstd],
        "dimension_names": list(cutout.names),
        "attributes": {},
    }


def measure(cutout: Cutout) -> int:
    """Return the bytes of the file, at most."""
    chunk = _chunk(cutout)
    counts = [-(-n // m) for n, m in zip(cutout.shape, chunk, strict=True)]
    chunks = math.prod(counts)
    voxels = chunks * math.prod(chunk)
    # What cannot be compressed grows by 1 / 256 at most, and some bytes a chunk (zstd).
    bodies = voxels * cutout.dtype.itemsize * 257 // 256 + chunks * (64 + MEMBER_BYTES)
    return bodies + DOCUMENT_BYTES + END_BYTES


def _format(name: str, media_type: str, suffix: str) -> Format:
    return Format(
        name,
        media_type,
        suffix,
        encode,
        measure,
        is_exact=False,
        joins=True,
        accepts=lambda cutout: cutout.is_usual,
    )


ZARR = _format("zarr", "application/zip", ".zarr.zip")
OZX = _format("ozx", "application/x-ozx", ".ozx")
