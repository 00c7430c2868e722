"""Chunk files of a zarr array that its metadata do not lead to, and so would not be read.

A chunk that is not there is fill by definition. Where the metadata lost the separator of chunk
names, or are older than the array's last growth, all or some are "not there" that are.
"""

from __future__ import annotations

import itertools
import os
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.compute.sources.arrays.foreign_store import foreign_store, read_key
from voxlake.compute.sources.listing import SHOWN, listed
from voxlake.compute.sources.location import local_path
from voxlake.ngff.grid.box import grid_shape
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import zarr

_CHUNK = re.compile(r"(?:c[./])?\d+(?:[./]\d+)*")
"""The name of a chunk below the folder of its array, in any version and encoding."""


@dataclass(frozen=True, slots=True)
class ChunkNames:
    """How an array names its chunk files."""

    grid: tuple[int, ...]
    """How many of them there are along each axis."""
    prefix: str
    separator: str

    def of(self, cell: tuple[int, ...]) -> str:
        """Return the name of the chunk at `cell`.

        Examples
        --------
        >>> ChunkNames((2, 3), "c/", "/").of((1, 0))
        'c/1/0'
        """
        return self.prefix + self.separator.join(map(str, cell))

    def reads(self, name: str) -> bool:
        """Return whether a file of that name is read."""
        numbers = name.removeprefix(self.prefix).split(self.separator)
        is_ours = name.startswith(self.prefix) and all(map(str.isdecimal, numbers))
        if not is_ours or len(numbers) != len(self.grid):
            return False
        pairs = zip(numbers, self.grid, strict=True)
        return all(n == str(int(n)) and int(n) < count for n, count in pairs)

    def unread(self) -> Iterator[str]:
        """Yield names that would not be read, and would be there after the usual mishaps."""
        others = {("c/", "/"), ("c.", "."), ("", "."), ("", "/")} - {(self.prefix, self.separator)}
        rank = len(self.grid)
        for prefix, separator in sorted(others):
            yield ChunkNames(self.grid, prefix, separator).of((0,) * rank)
        for axis, count in enumerate(self.grid):
            yield self.of((*(0,) * axis, count, *(0,) * (rank - axis - 1)))


def chunk_names(array: zarr.Array[Any]) -> ChunkNames:
    """Return how the metadata of an array say that its chunks are named."""
    metadata: Any = array.metadata  # of version 2 or 3, which have no base in common
    grid = grid_shape(array.shape, array.shards or array.chunks)
    if metadata.zarr_format == 2:
        return ChunkNames(grid, "", metadata.dimension_separator)
    encoding = metadata.chunk_key_encoding
    prefix = f"c{encoding.separator}" if encoding.name == "default" else ""
    return ChunkNames(grid, prefix, encoding.separator)


def check_chunk_files(address: str, array: zarr.Array[Any], what: str) -> None:
    """Raise SourceError if chunk files lie in an array that would not be read.

    Of a folder or a ``.zip`` file all names are looked at; elsewhere the likely ones are asked for.
    """
    names = chunk_names(array)
    path = local_path(address)
    if path is None:
        there = _likely(address, array.path, names)
    elif path.is_file():
        there = _in_zip(path, array.path)
    else:
        there = _in_folder(path / array.path)
    found = (name for name in there if _CHUNK.fullmatch(name) and not names.reads(name))
    unread = list(itertools.islice(found, SHOWN + 1))
    if unread:
        raise SourceError(
            f"{what} has chunk files that its metadata do not lead to: {listed(sorted(unread))}; "
            f"they say a shape of {array.shape} and names such as {names.of((0,) * array.ndim)}. "
            "Restore the metadata (shape, dimension_separator or chunk_key_encoding), or remove "
            "files that are left over"
        )


def _in_folder(folder: Path) -> Iterator[str]:
    for parent, _, files in os.walk(folder):
        below = os.path.relpath(parent, folder).replace(os.sep, "/")
        for file in files:
            yield file if below == "." else f"{below}/{file}"


def _in_zip(path: Path, inner: str) -> Iterator[str]:
    prefix = f"{inner}/" if inner else ""
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            if name.startswith(prefix):
                yield name.removeprefix(prefix)


def _likely(address: str, inner: str, names: ChunkNames) -> Iterator[str]:
    store = foreign_store(address)
    if store is None:
        return
    prefix = f"{inner}/" if inner else ""
    for name in names.unread():
        if read_key(store, prefix + name) is not None:
            yield name
