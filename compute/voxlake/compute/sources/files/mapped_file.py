"""Voxels that lie raw in one file, plain or packed whole, as a source."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tempfile
import zlib
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.source import check_inside, native
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.arrangement import Arrangement
    from voxlake.ngff.grid.axes import VoxelSize
    from voxlake.ngff.grid.box import Box

UNPACK: dict[str, type[gzip.GzipFile | bz2.BZ2File]] = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File}
"""Opens a packed file for reading what is in it, by the suffix."""

UNPACK_ERRORS = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""What reading a torn packed file raises."""


@dataclass(frozen=True, slots=True)
class _Map:
    """The map of a file, made at the first use."""

    lock: Lock = field(default_factory=Lock)
    made: list[np.ndarray] = field(default_factory=list)
    """Empty, or that one."""


@dataclass(frozen=True, slots=True)
class MappedFile:
    """An array in C order behind a header; float16 is read as float32, which holds it exactly."""

    path: Path
    stored_dtype: np.dtype
    """With the byte order of the file."""
    offset: int
    """Bytes before the first voxel."""
    arrangement: Arrangement
    fingerprint: str
    voxel_size: VoxelSize | None = None
    trailing: int = 0
    """Bytes that may follow the last voxel."""
    _map: _Map = field(default_factory=_Map, repr=False)

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        dtype = native(self.stored_dtype, str(self.path))
        return np.dtype("f4") if dtype == np.float16 else dtype

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes as voxlake orders them."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.arrangement.shape

    @property
    def block(self) -> tuple[int, ...]:
        """A row as it lies in the file; all of a packed file."""
        if self._is_packed:
            return self.shape
        fastest = self.arrangement.stored[-1]
        return tuple(
            extent if name == fastest else 1
            for name, extent in zip(self.axes, self.shape, strict=True)
        )

    @property
    def _is_packed(self) -> bool:
        return self.path.suffix.lower() in UNPACK

    def read(self, box: Box) -> np.ndarray:
        """Copy `box` out of the map."""
        check_inside(box, self)
        return self.arrangement.read(box, self.dtype, self._read_stored)

    def _read_stored(self, box: Box) -> np.ndarray:
        voxels = self._mapped()
        if not self._is_packed:
            self._check_size()  # to touch a map beyond the end of its file ends the process
        return np.array(voxels[box.slices])

    def check(self) -> None:
        """Hold the size of the file to what it should be; a packed one is unpacked whole."""
        self._mapped()
        if not self._is_packed:
            self._check_size()

    def _mapped(self) -> np.ndarray:
        with self._map.lock:
            if not self._map.made:
                self._map.made.append(self._unpacked() if self._is_packed else self._plain())
            return self._map.made[0]

    def _plain(self) -> np.ndarray:
        self._check_size()
        return self._memmap(self.path)

    def _unpacked(self) -> np.ndarray:
        """Unpack once, into a file that has no name, and map that."""
        try:
            with tempfile.TemporaryFile() as unpacked:
                with UNPACK[self.path.suffix.lower()](self.path) as packed:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
                self._check_fits(unpacked.tell())
                return self._memmap(unpacked)
        except SourceError:
            raise
        except UNPACK_ERRORS as error:
            raise SourceError(
                f"{self.path} cannot be unpacked ({error}); restore the file, and see that the "
                "folder for temporary files has room"
            ) from error

    def _memmap(self, file: Path | IO[bytes]) -> np.ndarray:
        shape = self.arrangement.stored_shape
        return np.memmap(file, self.stored_dtype, "r", self.offset, shape)

    def _check_size(self) -> None:
        try:
            self._check_fits(self.path.stat().st_size)
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read ({error}); restore the file") from error

    def _check_fits(self, size: int) -> None:
        voxels = int(np.prod(self.arrangement.stored_shape, dtype=object))
        least = self.offset + voxels * self.stored_dtype.itemsize
        if size < least:
            raise SourceError(
                f"{self.path} is truncated: {self._holds()} take {least} bytes, and it has {size}; "
                "restore the file"
            )
        if size > least + self.trailing:
            raise SourceError(
                f"{self.path} holds more than it should: {self._holds()} take {least} bytes, and "
                f"it has {size}; check what is said of its shape, type and offset"
            )

    def _holds(self) -> str:
        extents = " x ".join(map(str, self.arrangement.stored_shape))
        return f"{self.offset} bytes of header and {extents} voxels of {self.stored_dtype.name}"
