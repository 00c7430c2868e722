"""A NIfTI file: ``.nii``, or ``.nii.gz``.

NIfTI keeps x fastest, as (x, y, z, t, channel); read backwards that is C order. Voxels stay where
they are: the file's orientation (its affine) is not applied. Where the header scales values
(``scl_slope``, ``scl_inter``), the scaled values are read, as float32.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.arrangement import Arrangement, arrange
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import existing_file, local_path
from voxlake.compute.sources.source import check_inside, native
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.platform.errors import InvalidInputError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_STORED = ("c", "t", "z", "y", "x")
_UNITS = {"meter": "meter", "mm": "millimeter", "micron": "micrometer"}


@dataclass(frozen=True)
class NiftiSource:
    """The voxels of a NIfTI file."""

    path: Path
    header: Any = field(repr=False)
    """nibabel's header; its methods have no types."""
    raw: Any = field(repr=False)
    """nibabel's array proxy: type, place and scaling of the voxels in the file."""
    arrangement: Arrangement
    fingerprint: str

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes as voxlake orders them."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.arrangement.shape

    @property
    def dtype(self) -> np.dtype:
        """The stored type, or float32 if the header scales."""
        return np.dtype("f4") if self._is_scaled else native(self.raw.dtype, str(self.path))

    @property
    def block(self) -> tuple[int, ...]:
        """Ones: a ``.gz`` is unpacked once."""
        return self.arrangement.block(None)

    @property
    def voxel_size(self) -> VoxelSize | None:
        """``pixdim`` in the unit of ``xyzt_units``; None if that is unknown."""
        unit = _UNITS.get(self.header.get_xyzt_units()[0])
        x, y, z = (float(size) for size in (*self.header.get_zooms()[:3], 1.0)[:3])
        try:
            return VoxelSize(z, y, x, unit) if unit else None
        except InvalidInputError:
            return None

    @property
    def _is_scaled(self) -> bool:
        return (float(self.raw.slope), float(self.raw.inter)) != (1.0, 0.0)

    @cached_property
    def _mapped(self) -> np.ndarray:
        """The voxels as a memory map; a ``.gz`` is unpacked once, into a file that has no name."""
        try:
            if self.path.suffix.lower() != ".gz":
                return self._map(self.path)
            with tempfile.TemporaryFile() as unpacked:
                with gzip.open(self.path) as packed:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
                return self._map(unpacked)
        except (ValueError, OSError, EOFError, zlib.error) as error:
            raise SourceError(
                f"NIfTI {self.path} is truncated or torn ({error}); restore the file"
            ) from error

    def _map(self, file: Path | IO[bytes]) -> np.ndarray:
        shape, offset = self.arrangement.stored_shape, int(self.raw.offset)
        return np.memmap(file, self.raw.dtype, "r", offset, shape)

    def read(self, box: Box) -> np.ndarray:
        """Copy `box` out of the map."""
        check_inside(box, self)
        return self.arrangement.read(box, self.dtype, self._read_stored)

    def _read_stored(self, box: Box) -> np.ndarray:
        found = np.array(self._mapped[box.slices])
        return found * self.raw.slope + self.raw.inter if self._is_scaled else found

    def check(self) -> None:
        """Map the file; a ``.gz`` is unpacked whole, which compares its checksum."""
        _ = self._mapped


def open_nifti(location: str) -> Source | None:
    """Open a ``.nii`` or ``.nii.gz`` file.

    Raises
    ------
    SourceError
        If it is not there, or its header is unreadable.
    """
    path = local_path(location)
    if path is None or not path.name.lower().endswith((".nii", ".nii.gz")):
        return None
    import nibabel  # takes half a second, and few need it

    existing_file(path)
    try:
        image: Any = nibabel.load(path)  # the base class lacks the volume's methods
    except (nibabel.filebasedimages.ImageFileError, ValueError, OSError, EOFError) as error:
        raise SourceError(f"NIfTI {path} cannot be read ({error}); restore the file") from error
    shape = tuple(int(n) for n in reversed(image.header.get_data_shape()))
    arrangement = arrange(_STORED[-len(shape) :], shape, f"NIfTI {path}")
    native(image.dataobj.dtype, f"NIfTI {path}")
    fingerprint = fingerprint_files([path], "nifti")
    return NiftiSource(path, image.header, image.dataobj, arrangement, fingerprint)
