"""An MRC file: ``.mrc``, ``.mrcs``, ``.map``, ``.rec``, ``.st``, ``.ali``, plain, gzip or bzip2.

MRC2014 and what IMOD writes. Bytes (mode 0) are signed, unless IMOD's stamp says otherwise; half
floats (mode 12) are read as float32. The header's order of axes is honoured. A stack of volumes has
times. https://www.ccpem.ac.uk/mrc_format/mrc2014.php,
https://bio3d.colorado.edu/imod/doc/mrc_format.txt
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import mrcfile.dtypes
import mrcfile.utils
import numpy as np

from voxlake.compute.sources.arrangement import Arrangement, arrange
from voxlake.compute.sources.files.mapped_file import (
    UNPACK,
    UNPACK_ERRORS,
    MappedFile,
    mapped_source,
)
from voxlake.compute.sources.files.mrc_places import mrc_calibration
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import named_file
from voxlake.compute.sources.source import native
from voxlake.ngff.grid.units import exact
from voxlake.platform.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from voxlake.compute.sources.calibration import Calibration
    from voxlake.compute.sources.source import Source

_PLAIN = (".mrc", ".mrcs", ".map", ".rec", ".st", ".ali")
SUFFIXES = _PLAIN + tuple(plain + packed for plain in _PLAIN for packed in UNPACK)
_IMOD_STAMP = 1146047817
_IMOD_SIGNED = 1
_IMOD_ORIGIN_AS_MRC = 4
_IMOD_FIELDS = 152
"""Byte of the header where the stamp and the flags begin."""
_MODES = range(256)
"""Modes of files; one beyond was read in the wrong byte order."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The first 1024 bytes."""

    path: Path
    body: bytes
    order: Literal["<", ">"]

    def __getitem__(self, name: str) -> int:
        """Return an integer field by its name in the standard."""
        return int(self._record[name])

    @property
    def _record(self) -> np.void:
        dtype = mrcfile.dtypes.HEADER_DTYPE.newbyteorder(self.order)
        record: np.void = np.frombuffer(self.body, dtype, 1)[0]
        return record

    @property
    def is_marked(self) -> bool:
        """Whether it has the letters that have marked MRC files since the year 2000."""
        return bytes(self._record["map"]).startswith(b"MAP")

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels, in the byte order of the file."""
        stamp, flags = self._imod()
        if self["mode"] == 0 and stamp == _IMOD_STAMP and not flags & _IMOD_SIGNED:
            return np.dtype("u1")
        try:
            dtype: np.dtype = mrcfile.utils.dtype_from_mode(self["mode"])
        except ValueError as error:
            raise UnsupportedError(
                f"MRC {self.path} has voxels of mode {self['mode']}; voxlake reads 0, 1, 2, 6 and "
                "12: convert it (IMOD: newstack -mode)"
            ) from error
        native(dtype, f"MRC {self.path}")
        return dtype.newbyteorder(self.order)

    def _imod(self) -> tuple[int, int]:
        """Return IMOD's stamp and flags."""
        stamp, flags = np.frombuffer(self.body, f"{self.order}i4", 2, _IMOD_FIELDS)
        return int(stamp), int(flags)

    @property
    def arrangement(self) -> Arrangement:
        """Axes as they are stored, with times first in a stack of volumes."""
        placed = [self[name] - 1 for name in ("maps", "mapr", "mapc")]
        # Old files leave the order open.
        names = ["xyz"[n] for n in placed] if sorted(placed) == [0, 1, 2] else ["z", "y", "x"]
        sections, rows = self["nz"], (self["ny"], self["nx"])
        if min(sections, *rows) < 1:
            raise self.wrong(f"extents of {sections} x {rows[0]} x {rows[1]}")
        if not mrcfile.utils.spacegroup_is_volume_stack(self["ispg"]):
            return arrange(names, (sections, *rows), f"MRC {self.path}")
        depth = self["mz"]
        if depth < 1 or sections % depth:
            raise self.wrong(f"volumes of {depth} sections, and {sections} sections")
        return arrange(["t", *names], (sections // depth, depth, *rows), f"MRC {self.path}")

    @property
    def calibration(self) -> Calibration:
        """Size of the cell over its intervals, and where the first voxel lies."""
        return mrc_calibration(self._record, self.arrangement.stored[-3:], self._origin())

    def _origin(self) -> dict[str, Decimal]:
        """Return the place of the first voxel that the header has, in angstrom; none if old."""
        stamp, flags = self._imod()
        # IMOD's own sense is the place of the origin in the image, which is the opposite.
        sign = -1 if stamp == _IMOD_STAMP and not flags & _IMOD_ORIGIN_AS_MRC else 1
        origin = self._record["origin"]
        return {name: sign * exact(origin[name]) for name in "xyz"} if self.is_marked else {}

    def wrong(self, what: str) -> SourceError:
        """Return the error of a header that says `what`."""
        return SourceError(f"MRC {self.path} has {what} in its header; restore the file")


def open_mrc(location: str) -> Source | None:
    """Open an MRC file.

    Raises
    ------
    SourceError
        If it is not there, or its header is torn or no MRC's.
    UnsupportedError
        If its voxels are complex, colours or half bytes.
    """
    path = named_file(location, SUFFIXES)
    if path is None:
        return None
    header = _read_header(path)
    arrangement, dtype, extended = header.arrangement, header.dtype, header["nsymbt"]
    if extended < 0:
        raise header.wrong(f"an extended header of {extended} bytes")
    # Some writers pad; whole sections that the header does not count would be lost.
    # Where no letters mark the file, its size has to tell that it is one.
    section = math.prod(arrangement.stored_shape[-2:]) * dtype.itemsize
    file = MappedFile(
        path,
        dtype,
        len(header.body) + extended,
        arrangement.stored_shape,
        trailing=section - 1 if header.is_marked else 0,
    )
    fingerprint = fingerprint_files([path], "mrc")
    return mapped_source(file, arrangement, fingerprint, header.calibration)


def _read_header(path: Path) -> _Header:
    length = mrcfile.dtypes.HEADER_DTYPE.itemsize
    unpack = UNPACK.get(path.suffix.lower())
    try:
        with unpack(path) if unpack else path.open("rb") as file:
            body = file.read(length)
    except UNPACK_ERRORS as error:
        raise SourceError(f"MRC {path} cannot be read ({error}); restore the file") from error
    if len(body) < length:
        raise SourceError(
            f"MRC {path} is truncated: a header takes {length} bytes, and it has {len(body)}; "
            "restore the file"
        )
    return _Header(path, body, _byte_order(body))


def _byte_order(body: bytes) -> Literal["<", ">"]:
    header = np.frombuffer(body, mrcfile.dtypes.HEADER_DTYPE.newbyteorder("<"), 1)[0]
    try:
        order = mrcfile.utils.byte_order_from_machine_stamp(header["machst"])
    except ValueError:  # older than the stamp
        order = "<" if int(header["mode"]) in _MODES else ">"
    return "<" if order == "<" else ">"
