"""A ``.npy`` file, mapped into memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.arrangement import Arrangement, arrange_by_rank
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import existing_file, local_path
from voxlake.compute.sources.source import check_inside, native
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.axes import VoxelSize
    from voxlake.ngff.grid.box import Box


@dataclass(frozen=True, slots=True)
class MappedSource:
    """An array that lies raw in one file."""

    path: Path
    mapped: np.ndarray = field(repr=False)
    arrangement: Arrangement
    fingerprint: str
    voxel_size: VoxelSize | None = None

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return native(self.mapped.dtype, str(self.path))

    @property
    def axes(self) -> tuple[str, ...]:
        """By the number of dimensions: zyx, czyx, tczyx."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.arrangement.shape

    @property
    def block(self) -> tuple[int, ...]:
        """Ones: nothing is coded."""
        return self.arrangement.block(None)

    def read(self, box: Box) -> np.ndarray:
        """Copy `box` out of the map."""
        check_inside(box, self)
        return self.arrangement.read(box, self.dtype, lambda at: np.array(self.mapped[at.slices]))

    def check(self) -> None:
        """Do nothing: that the file is as long as its header says was seen when it was mapped."""


def open_npy(location: str) -> Source | None:
    """Open a ``.npy`` file.

    Raises
    ------
    SourceError
        If it is not there, torn, or holds Python objects.
    """
    path = local_path(location)
    if path is None or path.suffix.lower() != ".npy":
        return None
    existing_file(path)
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise SourceError(f"NumPy file {path} cannot be read ({error}); restore it") from error
    native(mapped.dtype, f"NumPy file {path}")
    arrangement = arrange_by_rank(mapped.shape, f"NumPy file {path}")
    return MappedSource(path, mapped, arrangement, fingerprint_files([path], "npy"))
