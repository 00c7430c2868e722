"""Volumes: one level, opened with TensorStore."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from voxlake.ngff.codecs.blosc_heads import BloscChunks
from voxlake.ngff.grid.box import Box, cell_box, grid_shape
from voxlake.ngff.metadata.probing import read_v3
from voxlake.ngff.metadata.reading import parse_document
from voxlake.ngff.metadata.seal import require_seal
from voxlake.ngff.pending import Pending, explain
from voxlake.ngff.reading.decoded import half_of
from voxlake.ngff.reading.reader import ShardReader, can_read
from voxlake.ngff.shards.keys import cell_of_key, shard_key
from voxlake.platform import store
from voxlake.platform.deadline import wait_for
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ObjectNotFoundError,
    OutOfBoundsError,
)
from voxlake.platform.store import StoreURL, as_tensorstore
from voxlake.platform.store.adapters import is_in_tensorstore
from voxlake.platform.store.failures import store_failures

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import numpy.typing as npt

    from voxlake.ngff.codecs.blosc_heads import Head

_MOST_LOOKED_AT = 1000
"""Shards of a box; if there are more, one request costs less than to look at their voxels."""

_AT_ONCE = 1 << 18
"""Voxels that are compared at a time, about: the first others end it."""

_NOWHERE: dict[str, Any] = {"driver": "memory"}
"""Where TensorStore is told that an array is which it never reads or writes."""

CACHE_BYTES = 256 << 20
"""Decoded chunks kept for the next read; each read asks the store whether they still hold."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The voxels of one level."""

    url: StoreURL
    """Address of the array."""
    array: ts.TensorStore
    """The array as TensorStore has it open."""
    metadata: dict[str, Any]
    """The array's metadata document."""
    blosc: BloscChunks | None = None
    """Its chunks, if blosc compressed them."""
    reader: ShardReader | None = None
    """Reads it if it is coded as voxlake writes; TensorStore reads others."""

    shape: tuple[int, ...] = field(init=False, repr=False)
    """Voxels along each axis."""
    dtype: np.dtype[Any] = field(init=False, repr=False)
    """Type of a voxel."""
    chunk: tuple[int, ...] = field(init=False, repr=False)
    """Smallest readable block."""
    shard: tuple[int, ...] = field(init=False, repr=False)
    """Smallest writable block: the write grid."""

    def __post_init__(self) -> None:
        layout = self.array.chunk_layout  # which TensorStore takes long to tell
        for name, fact in {
            "shape": tuple(self.array.shape),
            "dtype": np.dtype(self.array.dtype.numpy_dtype),
            "chunk": _extents(layout.read_chunk),
            "shard": _extents(layout.write_chunk),
        }.items():
            object.__setattr__(self, name, fact)

    @property
    def box(self) -> Box:
        """All voxels."""
        return Box.of_shape(self.shape)

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a decoded chunk."""
        return math.prod(self.chunk) * self.dtype.itemsize

    @property
    def zarr_format(self) -> int:
        """Version of zarr that the array is stored in: 2 or 3."""
        return int(self.metadata.get("zarr_format", 3))

    @property
    def grid(self) -> tuple[int, ...]:
        """Shards along each axis."""
        return grid_shape(self.shape, self.shard)

    @property
    def fill(self) -> int | float:
        """Value of voxels that are not stored."""
        value = self.array.fill_value
        return 0 if value is None else value.item()

    def shard_box(self, cell: tuple[int, ...]) -> Box:
        """Return the voxels of the shard at `cell` of the write grid, clipped to the volume.

        Raises
        ------
        OutOfBoundsError
            If no voxel of the volume is in that shard.
        """
        whole = cell_box(cell, self.shard)
        clipped = whole & self.box
        if clipped.is_empty:
            raise OutOfBoundsError(f"shard {cell} is {whole}; {self.url} has only {self.box}")
        return clipped

    def has_shard(self, cell: tuple[int, ...]) -> bool:
        """Return whether the shard at `cell` of the write grid is one of the volume's."""
        grid = self.grid
        return len(cell) == len(grid) and all(i < n for i, n in zip(cell, grid, strict=True))

    def shard_cell(self, number: int) -> tuple[int, ...]:
        """Return the cell of the shard of that number, in C order, of the write grid."""
        return tuple(int(index) for index in np.unravel_index(number, self.grid))

    def shard_number(self, cell: tuple[int, ...]) -> int:
        """Return the number, in C order, of the shard at `cell` of the write grid."""
        return int(np.ravel_multi_index(cell, self.grid))

    @property
    def shards_url(self) -> StoreURL:
        """Address below which the objects of its shards lie, maybe beside others."""
        return self.url

    def shard_url(self, cell: tuple[int, ...]) -> StoreURL:
        """Return the address of the object that holds the shard at `cell` of the write grid."""
        return self.url / self.shard_key(cell)

    def shard_key(self, cell: tuple[int, ...]) -> str:
        """Return the key, below the array, of the object of `shard_url`."""
        return shard_key(self.metadata, cell)

    def cell_of(self, key: str) -> tuple[int, ...] | None:
        """Return the cell of the shard at a key below the array; None if it has no such shard."""
        cell = cell_of_key(self.metadata, key)
        return cell if cell is not None and self.has_shard(cell) else None

    def decoding_bytes(self, box: Box) -> int:
        """Return how many bytes of decoded chunks are in memory at once while `box` is read.

        As many chunks are decoded at the same time as there are processors.
        """
        return min(box.count_cells(self.chunk), os.cpu_count() or 1) * self.chunk_bytes

    def read(self, box: Box) -> Pending[npt.NDArray[Any]]:
        """Return the voxels of `box`, in C order.

        Raises
        ------
        OutOfBoundsError
            At once, if the box is not inside the volume.
        StoreLinkError
            At once or with the answer, if a shard of a local store is behind a symbolic link.
        CorruptDataError, StoreError
            With the answer.
        ConflictError
            With the answer, if the array is being deleted.
        """
        if self.reader is not None and self.reader.is_to_read(box):
            reading = self.reader.read(box)
            return Pending(lambda: reading, "read", self, doubts=lambda _: reading.lacks_shards)
        box.check_inside(self.box, str(self.url))
        self._check_links("read", box)
        ask = partial(self.array[box.slices].read, order="C")
        return Pending(ask, "read", self, self.heads(box), partial(self._may_lack_shards, box))

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> Pending[None]:
        """Write `voxels` into `box`; writers of other voxels of the same shard lose nothing.

        Every shard that the box touches is read, changed and written back once, however many
        chunks of it change. On S3 it is written if no one else wrote it meanwhile, else read again
        (compare-and-swap). On a local store the shards are locked, so this may wait, before it
        returns, for others who write to them. A writer that is killed leaves each shard as it was
        or as it was to be, and its locks go with it. `voxels` are copied before this returns.

        Each shard changes at once; a reader may see one of them changed and another not yet.

        Raises
        ------
        OutOfBoundsError, InvalidInputError
            At once, if the box is not inside the volume, or `voxels` do not fit it.
        UnsupportedError
            At once, if TensorStore does not speak to the store.
        StoreError
            At once, if a local store cannot be locked, or a shard is behind a symbolic link.
        CorruptDataError, StoreError
            With the answer; CorruptDataError if what is stored there is damaged.
        """
        self.check_fits(box, voxels)
        _check_spoken_to(self.url)
        self._check_links("write", box)
        self._check_heads("write", box)
        lock = self._lock(box) if self.url.is_local else None
        transaction = ts.Transaction()
        self.array.with_transaction(transaction)[box.slices].write(voxels).copy.result()
        future = transaction.commit_async()
        if lock is not None:
            future.add_done_callback(lambda _: lock.release())
        return Pending(lambda: future, "write", self)

    def check_fits(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Raise OutOfBoundsError or InvalidInputError unless `voxels` can be written to `box`."""
        box.check_inside(self.box, str(self.url))
        if voxels.shape != box.shape or voxels.dtype != self.dtype:
            raise InvalidInputError(
                f"{voxels.dtype} voxels of shape {voxels.shape} were given for box {box} of "
                f"{self.dtype}; give {self.dtype} of shape {box.shape}"
            )

    @contextmanager
    def locked(self, box: Box) -> Iterator[None]:
        """Keep `write` from the shards that `box` touches, on a local store, for a ``with`` block.

        On S3 there are no locks; what is written meanwhile has to be conditional.
        """
        lock = self._lock(box) if self.url.is_local else None
        try:
            yield
        finally:
            if lock is not None:
                lock.release()

    def check_there(self) -> None:
        """Raise ConflictError if the array is gone: that a shard is not stored says nothing then.

        Whoever deletes an array deletes its document before its first shard.
        """
        try:
            store.head(self.url / self._document)
        except ObjectNotFoundError as error:
            raise self._gone() from error

    def ask_there(self) -> Generator[Any, None, None]:
        """Do as `check_there`, in a coroutine."""
        if self.url.is_local:
            self.check_there()
            return
        try:
            yield from store.ask_head(self.url / self._document).__await__()
        except ObjectNotFoundError as error:
            raise self._gone() from error

    def _gone(self) -> ConflictError:
        return ConflictError(
            f"{self.url} was deleted or replaced meanwhile; open its dataset again"
        )

    def _may_lack_shards(self, box: Box, voxels: npt.NDArray[Any]) -> bool:
        """Return whether a shard of `box` may not be stored: all `voxels` of it are fill."""
        if box.count_cells(self.shard) > _MOST_LOOKED_AT:
            return True
        parts = (cell_box(cell, self.shard) & box for cell in box.cells(self.shard))
        return any(_is_full_of(self.fill, voxels[part.within(box).slices]) for part in parts)

    def _check_links(self, action: str, box: Box) -> None:
        """Raise StoreLinkError if a shard of `box` is behind a link, which TensorStore follows."""
        if self.url.is_local:
            store.check_links(action, self.url, map(self.shard_key, box.cells(self.shard)))

    def heads(self, box: Box) -> Sequence[Head]:
        """Ask for what has to be looked at before the chunks of `box` are decoded."""
        return () if self.blosc is None else self.blosc.ask(box)

    def _check_heads(self, action: str, box: Box) -> None:
        try:
            for head in self.heads(box):
                head.wait()
        except (ValueError, OSError) as error:
            raise explain(action, self.url, error) from error

    def _lock(self, box: Box) -> store.FileLock:
        """Lock the shards that `box` touches: each has a byte of the array's metadata file."""
        cells = list(box.cells(self.shard))
        positions = [self.shard_number(cell) for cell in cells]
        try:
            with store_failures("lock", self.url):
                lock = store.FileLock((self.url / self._document).path, positions)
                for cell in cells:
                    shard = self.shard_url(cell).path
                    store.empty_abandoned(shard.with_name(f"{shard.name}.__lock"))
                return lock
        except ObjectNotFoundError as error:
            raise self._gone() from error

    @property
    def _document(self) -> str:
        return ".zarray" if self.zarr_format == 2 else "zarr.json"


def open_volume(url: StoreURL, cache_bytes: int = CACHE_BYTES) -> Volume:
    """Open the zarr array (v3, or v2 to read) at `url`.

    Volumes opened with the same `cache_bytes` share that cache; 0 keeps nothing, which is right
    for work that reads every voxel once.

    Raises
    ------
    NotFoundError
        If there is no array.
    UnsupportedError
        If TensorStore has not the array's data type or one of its codecs, or is to read it and
        does not speak to its store.
    CorruptDataError, StoreError
        If its metadata cannot be understood, or read.
    """
    driver, document, is_ours = _look_at(url)
    kvstore = as_tensorstore(url) if is_in_tensorstore(url) or not is_ours else _NOWHERE
    context = _context(0 if is_ours else cache_bytes)
    spec = {
        "driver": driver,
        "kvstore": kvstore,
        # An unconditional DELETE of a shard that became all fill would lose other writers' voxels.
        "store_data_equal_to_fill_value": True,
    }
    array = _open_known({**spec, "metadata": document}, context) if is_ours else None
    if array is None:
        try:
            array = wait_for(ts.open(spec, open=True, context=context))
        except (ValueError, OSError) as error:
            raise explain("open", url, error) from error
    volume = Volume(url, array, dict(array.spec().to_json()["metadata"]))
    reader = ShardReader.of(volume, cache_bytes)
    if reader is None:
        _check_spoken_to(url)
    return replace(volume, blosc=BloscChunks.of(volume, kvstore, context), reader=reader)


def _check_spoken_to(url: StoreURL) -> None:
    """Raise UnsupportedError if TensorStore does not speak to the store."""
    if not is_in_tensorstore(url):
        as_tensorstore(url)


def _open_known(spec: dict[str, Any], context: ts.Context) -> ts.TensorStore | None:
    """Open an array by the document that was read, which is not read once more.

    None: the document is wrong; opened without it, the array says how.
    """
    try:
        return wait_for(ts.open(spec, open=True, assume_metadata=True, context=context))
    except (ValueError, OverflowError):
        return None


def _look_at(url: StoreURL) -> tuple[str, dict[str, Any], bool]:
    """Return the TensorStore driver of an array, its document, and whether we read its voxels.

    Its document must be as it was sealed.
    """
    stored = read_v3(url, ".zarray")
    if stored is not None:
        document = parse_document(stored.body, url / "zarr.json")
        require_seal(document, url / "zarr.json")
        return "zarr3", document, _is_ours(url, document)
    older = store.read_if_there(url / ".zarray")
    if older is None:
        raise NotFoundError(f"{url} is no zarr array; check the address and the level")
    return "zarr", parse_document(older.body, url / ".zarray"), False


def _is_ours(url: StoreURL, document: dict[str, Any]) -> bool:
    try:
        return can_read(url, document)
    except (LookupError, TypeError, AttributeError):
        return False  # what is wrong with it is said when it is opened


@cache
def _context(cache_bytes: int) -> ts.Context:
    """Return where TensorStore keeps chunks of what it alone can read, and we none."""
    return ts.Context({"cache_pool": {"total_bytes_limit": half_of(cache_bytes)}})


def _is_full_of(fill: complex, voxels: npt.NDArray[Any]) -> bool:
    """Return whether all voxels are `fill`; mostly the first few tell."""
    if not voxels.size:
        return False
    rows = max(1, _AT_ONCE * len(voxels) // voxels.size)
    slabs = chain(
        (voxels[:1, ..., :1],), (voxels[z : z + rows] for z in range(0, len(voxels), rows))
    )
    if np.isnan(fill):
        return all(np.isnan(slab).all() for slab in slabs)
    return all((slab == fill).all() for slab in slabs)


def _extents(grid: ts.ChunkLayout.Grid) -> tuple[int, ...]:
    # The stubs allow grids that leave an axis open; those of an opened array do not.
    return tuple(int(extent or 0) for extent in grid.shape or ())
