"""The files of a precomputed scale on this machine, held to its info without decoding them."""

from __future__ import annotations

import math
import os
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from voxlake.compute.sources.arrays.precomputed_chunks import PACKED
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.compute.sources.arrays.precomputed_info import Info, Scale, Sharding

_CHUNK = re.compile(r"(-?\d+)-(-?\d+)_(-?\d+)-(-?\d+)_(-?\d+)-(-?\d+)(\..*)?")
_SHARD = re.compile(r"([0-9a-f]+)(\.(?:shard|index|data).*)")
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def check_scale(folder: Path, info: Info, scale: Scale) -> None:
    """Raise SourceError unless every chunk or shard in `folder` is whole, and one that is read.

    Files that are neither are passed over.
    """
    for name, size in _files(folder):
        if size == 0 and (_CHUNK.fullmatch(name) or _SHARD.fullmatch(name)):
            raise SourceError(f"precomputed file {folder / name} is empty; restore it")
        if scale.sharding is None:
            _check_chunk(folder / name, size, info, scale)
        elif _SHARD.fullmatch(name):
            _check_shard(folder / name, size, scale.sharding)


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    if not folder.is_dir():
        raise SourceError(f"precomputed scale {folder} is not there; restore it")
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file():
                yield entry.name, entry.stat().st_size


def _check_chunk(file: Path, size: int, info: Info, scale: Scale) -> None:
    named = _CHUNK.fullmatch(file.name)
    if named is None:
        return
    numbers = [int(number) for number in named.groups()[:6]]
    low, high, suffix = numbers[::2], numbers[1::2], named[7] or ""
    if suffix and suffix not in PACKED:
        raise SourceError(
            f"precomputed chunk {file} is packed in a way that voxlake does not read; unpack it, "
            f"or pack it as one of {', '.join(PACKED)}"
        )
    if not any(_on_grid(low, high, scale, chunk) for chunk in scale.chunk_sizes):
        raise SourceError(
            f"precomputed chunk {file} is not on the grid of chunks {scale.chunk} from "
            f"{scale.voxel_offset} that info gives, and would not be read; restore info or the file"
        )
    if suffix and file.with_name(file.name.removesuffix(suffix)).exists():
        raise SourceError(f"precomputed chunk {file} is there without {suffix}, too; remove one")
    extents = (hi - lo for lo, hi in zip(low, high, strict=True))
    whole = math.prod(extents) * info.num_channels * np.dtype(info.data_type).itemsize
    if scale.encoding == "raw" and not suffix and size != whole:
        raise SourceError(
            f"precomputed chunk {file} has {size} bytes instead of {whole}; restore it"
        )


def _on_grid(low: list[int], high: list[int], scale: Scale, chunk: tuple[int, ...]) -> bool:
    each = zip(low, high, chunk, scale.size, scale.voxel_offset, strict=True)
    return all(
        0 <= lo - offset < size and (lo - offset) % n == 0 and hi == min(lo + n, offset + size)
        for lo, hi, n, size, offset in each
    )


def _check_shard(file: Path, size: int, sharding: Sharding) -> None:
    """Follow the shard's index to its minishard indices, and those to the chunks.

    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/sharded.md
    """
    named = _SHARD.fullmatch(file.name)
    if named is None or named[2] != ".shard" or len(named[1]) != sharding.digits:
        raise SourceError(
            f"precomputed file {file} is no shard that is read: those are called "
            f"{'0' * sharding.digits}.shard and so on; write the volume again"
        )
    index_end = 16 << sharding.minishard_bits
    if size < index_end:
        raise _torn(file, size)
    with file.open("rb") as opened:
        index = np.frombuffer(opened.read(index_end), "<u8").reshape(-1, 2) + index_end
        for start, stop in index[index[:, 1] > index[:, 0]].tolist():
            if stop > size or _last_byte(opened, start, stop, sharding) + index_end > size:
                raise _torn(file, size)


def _last_byte(opened: BinaryIO, start: int, stop: int, sharding: Sharding) -> int:
    """Return where the last chunk of a minishard ends, after the shard's index."""
    opened.seek(start)
    body = opened.read(stop - start)
    try:
        if sharding.minishard_index_encoding == "gzip":
            body = zlib.decompress(body, _GZIP_WINDOW)
        _, starts, sizes = np.frombuffer(body, "<u8").reshape(3, -1)
    except (zlib.error, ValueError) as error:
        raise SourceError(
            f"precomputed shard {opened.name} has a minishard index that does not decode "
            f"({error}); restore it"
        ) from error
    # Each start is stored as its distance from the end of the chunk before it.
    return int(starts.sum()) + int(sizes.sum())


def _torn(file: Path, size: int) -> SourceError:
    return SourceError(
        f"precomputed shard {file} is truncated: its index leaves the file's {size} bytes; "
        "restore it"
    )
