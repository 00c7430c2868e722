"""The blocks of an N5 dataset on this machine: each file's header against the attributes.

A block begins with its mode (0 here) and rank, each a big-endian uint16, then its extents, each a
big-endian uint32: https://github.com/saalfeldlab/n5 (file-system specification).
"""

from __future__ import annotations

import math
import os
import struct
from typing import TYPE_CHECKING

from voxlake.ngff.grid.box import grid_shape
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.compute.sources.arrays.n5_attributes import DatasetAttributes


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
            if int(entry.name) >= counts[0]:
                raise SourceError(
                    f"N5 has blocks at {entry.path}, beyond its dimensions "
                    f"{attributes.dimensions}, which would not be read; restore its "
                    "attributes.json, or remove what is left over"
                )
            if len(counts) == 1:
                yield entry.path
            else:
                yield from _block_files(entry.path, counts[1:], attributes)


def _check_block(file: str, attributes: DatasetAttributes) -> None:
    rank = len(attributes.block)
    layout = struct.Struct(f">HH{rank}I")
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
