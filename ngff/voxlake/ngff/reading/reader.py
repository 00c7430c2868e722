"""Read boxes of arrays that are coded as voxlake writes, each shard in one state of its object.

What is decoded of a shard is of one state of its object, whoever writes to it meanwhile: a file is
read by what was opened, and an object of S3 on the condition of its ETag. What is kept, indices and
decoded chunks, is kept by that state, which the store is asked for by each read: never is it stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.ngff.reading.box_reading import BoxReading
from voxlake.ngff.reading.bucket import read_objects
from voxlake.ngff.reading.decoded import DecodedChunks, decoded_chunks
from voxlake.ngff.reading.libzstd import has_libzstd
from voxlake.ngff.reading.loading import is_loaded, load_reader
from voxlake.ngff.reading.pieces import pieces_of
from voxlake.ngff.reading.reading import BEGUN
from voxlake.ngff.reading.shard import ShardPart
from voxlake.ngff.shards.format import ShardFormat, find_shard_format, is_coded_so
from voxlake.ngff.shards.index_cache import index_of
from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError
from voxlake.platform.store.adapters import is_in_tensorstore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class ShardReader:
    """Reads boxes of one array."""

    volume: Volume
    box: Box
    """All voxels."""
    coding: ShardFormat
    kept: DecodedChunks | None
    """Where decoded chunks are kept; None if they are not."""

    @classmethod
    def of(cls, volume: Volume, cache_bytes: int) -> ShardReader | None:
        """Return the reader of a volume; None if TensorStore reads it."""
        coding = find_shard_format(volume)
        if coding is None or not can_read(volume.url, volume.metadata):
            return None
        if not is_in_tensorstore(volume.url):
            load_reader()  # before which TensorStore would read
        keeps = coding.chunk_bytes * 8 <= cache_bytes
        return cls(volume, volume.box, coding, decoded_chunks(cache_bytes) if keeps else None)

    def is_to_read(self, box: Box) -> bool:
        """Return whether this is to read a box, and not TensorStore."""
        return self.box.contains(box) and is_loaded(box.size * self.coding.dtype.itemsize)

    def read(self, box: Box) -> BoxReading:
        """Begin to read a box that lies in the volume."""
        reading = BoxReading(box, self.coding)
        cells = box.cells(self.coding.shard)
        if self.volume.url.is_local:
            reading.add([partial(self._read_file, reading, cell) for cell in cells])
            reading.begun()
            BEGUN.follow(reading)
        else:
            shards = ((cell, self.volume.shard_url(cell)) for cell in cells)
            read_objects(reading, shards, self.kept)
        return reading

    def _read_file(self, reading: BoxReading, cell: Cell) -> None:
        try:
            opened = store.open_ranges(self.volume.shard_url(cell))
        except ObjectNotFoundError as error:
            store.check_absent(error)
            reading.put_fill(cell)
            return
        entries = index_of(self.coding, opened)
        part = ShardPart(reading, opened.info, entries, self.kept if opened.is_settled else None)
        left = part.put_known(pieces_of(self.coding, cell, reading.box))
        reading.add(part.works(left, opened))


def can_read(url: StoreURL, metadata: Mapping[str, Any]) -> bool:
    """Return whether an array can be read here: by its coding, and its store.

    Stores of other kinds may tell no states of objects.
    """
    return (url.is_local or url.is_bucket) and is_coded_so(metadata) and has_libzstd()
