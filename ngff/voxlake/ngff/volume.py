"""Volumes: one level, opened with TensorStore."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from voxlake.ngff.box import Box
from voxlake.platform import store
from voxlake.platform.errors import (
    CorruptDataError,
    InvalidInputError,
    NotFoundError,
    ObjectNotFoundError,
    StoreError,
)
from voxlake.platform.store import StoreURL, as_tensorstore
from voxlake.platform.store.failures import explain_text

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

CACHE_BYTES = 256 << 20
"""Decoded chunks kept for the next read; each read asks the store whether they still hold."""


class Pending[T]:
    """An answer to come: ``.result()`` waits for it, ``await`` does in a coroutine.

    A TensorStore future whose failures are voxlake's errors.
    """

    def __init__(self, future: ts.Future[T], action: str, url: StoreURL) -> None:
        self._future, self._action, self._url = future, action, url

    def result(self) -> T:
        """Wait for the answer; raises CorruptDataError or StoreError if there is none."""
        try:
            return self._future.result()
        except (ValueError, OSError) as error:
            raise explain(self._action, self._url, error) from error

    def __await__(self) -> Generator[Any, None, T]:
        try:
            return (yield from self._future.__await__())
        except (ValueError, OSError) as error:
            raise explain(self._action, self._url, error) from error


@dataclass(frozen=True, slots=True)
class Volume:
    """The voxels of one level."""

    url: StoreURL
    """Address of the array."""
    array: ts.TensorStore
    """The array as TensorStore has it open."""
    metadata: dict[str, Any]
    """The array's metadata document."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return tuple(self.array.shape)

    @property
    def box(self) -> Box:
        """All voxels."""
        return Box.of_shape(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(self.array.dtype.numpy_dtype)

    @property
    def chunk(self) -> tuple[int, ...]:
        """Smallest readable block."""
        return _extents(self.array.chunk_layout.read_chunk)

    @property
    def shard(self) -> tuple[int, ...]:
        """Smallest writable block: the write grid."""
        return _extents(self.array.chunk_layout.write_chunk)

    @property
    def fill(self) -> int | float:
        """Value of voxels that are not stored."""
        value = self.array.fill_value
        return 0 if value is None else value.item()

    def shard_box(self, cell: tuple[int, ...]) -> Box:
        """Return the voxels of the shard at `cell` of the write grid, clipped to the volume."""
        start = tuple(index * step for index, step in zip(cell, self.shard, strict=True))
        stop = tuple(lo + step for lo, step in zip(start, self.shard, strict=True))
        return Box(start, stop) & self.box

    def shard_url(self, cell: tuple[int, ...]) -> StoreURL:
        """Return the address of the object that holds the shard at `cell` of the write grid."""
        return self.url / shard_key(self.metadata, cell)

    def read(self, box: Box) -> Pending[npt.NDArray[Any]]:
        """Return the voxels of `box`, in C order.

        Raises
        ------
        OutOfBoundsError
            At once, if the box is not inside the volume.
        CorruptDataError, StoreError
            With the answer.
        """
        box.check_inside(self.box, str(self.url))
        return Pending(self.array[box.slices].read(order="C"), "read", self.url)

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> Pending[None]:
        """Write `voxels` into `box`; writers of other voxels of the same shard lose nothing.

        Every shard that the box touches is read, changed and written back if no one else wrote
        it meanwhile, else read again (compare-and-swap), in one transaction.
        """
        box.check_inside(self.box, str(self.url))
        if voxels.shape != box.shape or voxels.dtype != self.dtype:
            raise InvalidInputError(
                f"{voxels.dtype} voxels of shape {voxels.shape} were given for box {box} of "
                f"{self.dtype}; give {self.dtype} of shape {box.shape}"
            )
        future = self.array[box.slices].write(voxels)
        return Pending(_committed(future), "write", self.url)


def open_volume(url: StoreURL) -> Volume:
    """Open the zarr array (v3, or v2 to read) at `url`.

    Raises
    ------
    NotFoundError
        If there is no array.
    CorruptDataError, StoreError
        If its metadata cannot be understood, or read.
    """
    spec = {
        "driver": _driver(url),
        "kvstore": as_tensorstore(url),
        # An unconditional DELETE of a shard that became all fill would lose other writers' voxels.
        "store_data_equal_to_fill_value": True,
    }
    try:
        array = ts.open(spec, open=True, context=_context()).result()
    except (ValueError, OSError) as error:
        raise explain("open", url, error) from error
    return Volume(url, array, dict(array.spec().to_json()["metadata"]))


def shard_key(metadata: dict[str, Any], cell: tuple[int, ...]) -> str:
    """Return the key of a shard below its array (zarr v3, "chunk key encoding"; zarr v2)."""
    if "zarr_format" in metadata and metadata["zarr_format"] == 2:
        return str(metadata.get("dimension_separator", ".")).join(map(str, cell))
    encoding = metadata.get("chunk_key_encoding", {"name": "default"})
    default = encoding["name"] == "default"
    separator = encoding.get("configuration", {}).get("separator", "/" if default else ".")
    parts = [*(["c"] if default else []), *map(str, cell)]
    return str(separator).join(parts)


def explain(
    action: str, url: StoreURL, error: Exception
) -> CorruptDataError | StoreError | NotFoundError:
    """Return our error for what TensorStore says only in words."""
    text = str(error)
    if "NOT_FOUND" in text or "does not exist" in text:
        return NotFoundError(f"{url} is no zarr array; check the address and the level")
    corrupt = ("DATA_LOSS", "INVALID_ARGUMENT", "decod", "Digest mismatch", "FAILED_PRECONDITION")
    if any(sign in text for sign in corrupt) and action != "write":
        first = text.split(" [")[0]
        return CorruptDataError(f"cannot {action} {url}: stored bytes are damaged ({first})")
    return explain_text(action, url, error)


def _driver(url: StoreURL) -> str:
    try:
        store.head(url / "zarr.json")
    except ObjectNotFoundError:
        return "zarr" if _has(url / ".zarray") else "zarr3"
    return "zarr3"


def _has(url: StoreURL) -> bool:
    try:
        store.head(url)
    except ObjectNotFoundError:
        return False
    return True


@cache
def _context() -> ts.Context:
    return ts.Context({"cache_pool": {"total_bytes_limit": CACHE_BYTES}})


def _committed(future: ts.WriteFutures) -> ts.Future[None]:
    return future.commit


def _extents(grid: ts.ChunkLayout.Grid) -> tuple[int, ...]:
    # The stubs allow grids that leave an axis open; those of an opened array do not.
    return tuple(int(extent or 0) for extent in grid.shape or ())
