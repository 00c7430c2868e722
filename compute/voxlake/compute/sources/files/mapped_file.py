"""Voxels that lie raw in one file, plain or packed whole, as a source."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import IO, TYPE_CHECKING, Literal

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.calibration import UNKNOWN, Calibration
from voxlake.compute.sources.source import native
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.compute.sources.arrangement import Arrangement

UNPACK: dict[str, type[gzip.GzipFile | bz2.BZ2File]] = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File}
"""Opens a packed file for reading what is in it, by the suffix."""

UNPACK_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What reading a torn packed file raises."""


@dataclass(frozen=True)
class MappedFile:
    """An array behind a header."""

    path: Path
    dtype: np.dtype
    """With the byte order of the file."""
    offset: int
    """Bytes before the first voxel."""
    shape: tuple[int, ...]
    trailing: int = 0
    """Bytes that may follow the last voxel."""
    order: Literal["C", "F"] = "C"
    """Whether the last axis is the fastest in the file, or the first."""
    member: Callable[[], IO[bytes]] | None = field(default=None, repr=False)
    """Opens what is packed inside the file, if it is a part of it."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_packed(self) -> bool:
        """Whether the file is unpacked, whole and once, when it is first read."""
        return self.member is not None or self.path.suffix.lower() in UNPACK

    @property
    def block(self) -> tuple[int, ...]:
        """What is read as a whole: a row as it lies in the file, and all of a packed file."""
        if self.is_packed:
            return self.shape
        row = [1] * len(self.shape)
        fastest = -1 if self.order == "C" else 0
        row[fastest] = self.shape[fastest]
        return tuple(row)

    def voxels(self) -> np.ndarray:
        """Return the map of all voxels, after a look at the size of the file.

        Raises
        ------
        SourceError
            If the file is shorter than it should be, longer, or does not unpack.
        """
        if not self.is_packed:
            self._check_size()  # to touch a map beyond the end of its file ends the process
        with self._lock:
            return self._map

    def check(self) -> None:
        """Hold the size of the file to what it should be; a packed one is unpacked whole."""
        self.voxels()

    @cached_property
    def _map(self) -> np.ndarray:
        return self._unpacked() if self.is_packed else self._memmap(self.path)

    def _unpacked(self) -> np.ndarray:
        """Unpack once, into a file that has no name, and map that."""
        try:
            with tempfile.TemporaryFile() as unpacked:
                with self._open_packed() as packed:
                    while unpacked.tell() <= self._most and (part := packed.read(1 << 20)):
                        unpacked.write(part)
                self._check_fits(unpacked.tell())
                return self._memmap(unpacked)
        except SourceError:
            raise
        except UNPACK_ERRORS as error:
            raise SourceError(
                f"{self.path} cannot be unpacked ({error}); restore the file, and see that the "
                "folder for temporary files has room"
            ) from error

    def _open_packed(self) -> IO[bytes] | gzip.GzipFile | bz2.BZ2File:
        if self.member is not None:
            return self.member()
        return UNPACK[self.path.suffix.lower()](self.path)

    @property
    def _least(self) -> int:
        """Bytes up to the last voxel."""
        return self.offset + math.prod(self.shape) * self.dtype.itemsize

    @property
    def _most(self) -> int:
        return self._least + self.trailing

    def _memmap(self, file: Path | IO[bytes]) -> np.ndarray:
        return np.memmap(file, self.dtype, "r", self.offset, self.shape, self.order)

    def _check_size(self) -> None:
        try:
            self._check_fits(self.path.stat().st_size)
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read ({error}); restore the file") from error

    def _check_fits(self, size: int) -> None:
        least = self._least
        if size < least:
            raise SourceError(
                f"{self.path} is truncated: {self._holds()} take {least} bytes, and it has {size}; "
                "restore the file"
            )
        if size > self._most:
            raise SourceError(
                f"{self.path} holds more than it should: {self._holds()} take {least} bytes, and "
                f"it has {size}; check what is said of its shape, type and offset"
            )

    def _holds(self) -> str:
        extents = " x ".join(map(str, self.shape))
        return f"{self.offset} bytes of header and {extents} voxels of {self.dtype.name}"


def mapped_source(
    file: MappedFile,
    arrangement: Arrangement,
    fingerprint: str,
    calibration: Calibration = UNKNOWN,
) -> ArrangedSource:
    """Return the source of a file; float16 is read as float32, which holds it exactly."""
    return ArrangedSource(
        arrangement=arrangement,
        dtype=native(file.dtype, str(file.path)),
        fingerprint=fingerprint,
        read_stored=lambda box: file.voxels()[box.slices],
        stored_block=file.block,
        calibration=calibration,
        check_stored=file.check,
    )
