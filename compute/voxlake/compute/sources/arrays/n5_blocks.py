"""The headers of the blocks of an N5 dataset, held against the attributes.

A block begins with its mode (0 here) and rank, each a big-endian uint16, then its extents, each a
big-endian uint32: https://github.com/saalfeldlab/n5 (file-system specification).
"""

from __future__ import annotations

import math
import os
import struct
from typing import TYPE_CHECKING

from voxlake.compute.sources.arrays.bounded import check_size
from voxlake.compute.sources.arrays.foreign_store import received
from voxlake.ngff.codecs.blosc_heads import HEAD_BYTES
from voxlake.ngff.grid.box import grid_shape
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import tensorstore as ts

    from voxlake.compute.sources.arrays.n5_attributes import DatasetAttributes
    from voxlake.ngff.grid.box import Box


def check_packed_sizes(
    store: ts.KvStore, path: str, attributes: DatasetAttributes, box: Box
) -> None:
    """Raise SourceError if a block of `box` (x first) unpacks to more than a block may have.

    TensorStore takes what blosc promises, and stops at the voxels of all others.
    """
    if attributes.packing != "blosc":
        return
    begun = _layout(attributes).size
    most = math.prod(attributes.block) * attributes.item_size
    keys = [path + "/".join(map(str, cell)) for cell in box.cells(attributes.block)]
    heads = [(key, store.read(key, byte_range=slice(0, begun + HEAD_BYTES))) for key in keys]
    for key, answer in heads:
        head = received(answer, store, key)
        try:
            check_size("blosc", (head or b"")[begun:], most)
        except SourceError as error:
            raise SourceError(
                f"N5 block {store.url}{key} is damaged: {error}; restore it"
            ) from error


def _layout(attributes: DatasetAttributes) -> struct.Struct:
    """Return that of the header of a block: mode, rank, extents."""
    return struct.Struct(f">HH{len(attributes.block)}I")


def check_blocks(folder: Path, attributes: DatasetAttributes) -> None:
    """Raise SourceError unless every block that is there is read, and its header fits.

    Blocks that are stored as they are must have all their voxels, too; whether compressed ones
    decode is seen when they are read.
    """
    counts = grid_shape(attributes.dimensions, attributes.block)
    for file in _block_files(str(folder), counts, attributes):
        _check_block(file, attributes)


def _block_files(
    folder: str, counts: tuple[int, ...], attributes: DatasetAttributes
) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.isdecimal():
                continue
            if int(entry.name) >= counts[0] or entry.name != str(int(entry.name)):
                raise SourceError(
                    f"N5 has blocks at {entry.path}, where its dimensions "
                    f"{attributes.dimensions} have none, which would not be read; restore its "
                    "attributes.json, or remove what is left over"
                )
            if len(counts) == 1:
                yield entry.path
            else:
                yield from _block_files(entry.path, counts[1:], attributes)


def _check_block(file: str, attributes: DatasetAttributes) -> None:
    rank = len(attributes.block)
    layout = _layout(attributes)
    with open(file, "rb") as opened:  # noqa: PTH123  (a Path for each of many blocks is slow)
        head = opened.read(layout.size)
        size = os.fstat(opened.fileno()).st_size
    if len(head) < layout.size:
        raise SourceError(f"N5 block {file} is truncated: it has {size} bytes; restore it")
    mode, stored_rank, *extents = layout.unpack(head)
    fits = all(n <= most for n, most in zip(extents, attributes.block, strict=True))
    if (mode, stored_rank) != (0, rank) or not fits:
        raise SourceError(
            f"N5 block {file} has mode {mode}, rank {stored_rank} and extents {extents}, which do "
            f"not fit blocks of {attributes.block}; restore it"
        )
    needed = layout.size + math.prod(extents) * attributes.item_size
    if attributes.is_raw and size < needed:
        raise SourceError(
            f"N5 block {file} is truncated: it has {size} of {needed} bytes; restore it"
        )
