"""A dataset of an HDF5 file: ``file.h5`` with one in it, or ``file.h5::/path/to/dataset``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h5py
import numpy as np

from voxlake.compute.sources.arrangement import Arrangement, arrange, arrange_by_rank
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import existing_file, local_path, split_inner
from voxlake.compute.sources.source import check_inside, native
from voxlake.compute.sources.tiles.numbering import listed
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.platform.errors import InvalidInputError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")


@dataclass(frozen=True, slots=True)
class Hdf5Source:
    """One dataset; the HDF5 library serves one thread at a time."""

    location: str
    dataset: h5py.Dataset = field(repr=False)
    arrangement: Arrangement
    fingerprint: str

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return native(self.dataset.dtype, self.location)

    @property
    def axes(self) -> tuple[str, ...]:
        """By the labels of the dataset's dimensions, else by their number."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.arrangement.shape

    @property
    def block(self) -> tuple[int, ...]:
        """A chunk of the dataset; ones if it is not chunked."""
        return self.arrangement.block(self.dataset.chunks)

    @property
    def voxel_size(self) -> VoxelSize | None:
        """The attribute ``element_size_um`` (z, y, x), as ImageJ's and ilastik's plugins write."""
        try:
            z, y, x = np.asarray(self.dataset.attrs["element_size_um"], float).ravel()
            return VoxelSize(float(z), float(y), float(x), "micrometer")
        except (KeyError, ValueError, TypeError):
            return None

    def read(self, box: Box) -> np.ndarray:
        """Read the chunks that `box` touches."""
        check_inside(box, self)
        return self.arrangement.read(box, self.dtype, self._read_stored)

    def _read_stored(self, box: Box) -> np.ndarray:
        out = np.empty(box.shape, self.dtype)
        try:
            self.dataset.read_direct(out, box.slices)
        except (OSError, RuntimeError) as error:
            raise SourceError(
                f"box {box} of {self.location} cannot be read ({error}); restore the file"
            ) from error
        return out

    def check(self) -> None:
        """Hold the chunks of the dataset to the size of the file."""
        size = self.dataset.file.id.get_filesize()
        count = self.dataset.id.get_num_chunks() if self.dataset.chunks else 0
        for index in range(count):
            info = self.dataset.id.get_chunk_info(index)
            if info.byte_offset is not None and info.byte_offset + info.size > size:
                raise SourceError(f"HDF5 {self.location} is truncated; restore the file")


def open_hdf5(location: str) -> Source | None:
    """Open a dataset of an HDF5 file.

    Raises
    ------
    SourceError
        If the file or the dataset is not there or torn, or if it is not clear which is meant.
    """
    outer, inner = split_inner(location)
    path = local_path(outer)
    if path is None or path.suffix.lower() not in SUFFIXES:
        return None
    existing_file(path)
    try:
        # No lock: it fails on read-only and some network file systems, and nothing is written.
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise SourceError(f"HDF5 {path} cannot be read ({error}); restore the file") from error
    dataset = _dataset(file, path, inner)
    what = f"HDF5 {location}"
    native(dataset.dtype, what)
    return Hdf5Source(
        location=location,
        dataset=dataset,
        arrangement=_arrangement(dataset, what),
        fingerprint=fingerprint_files([path], "hdf5", dataset.name),
    )


def _dataset(file: h5py.File, path: Path, inner: str) -> h5py.Dataset:
    names = _dataset_names(file)
    name = inner.strip("/") or (names[0] if len(names) == 1 else "")
    if name not in names:
        wrong = f"no dataset {inner!r}" if inner else "not exactly one dataset"
        raise SourceError(
            f"HDF5 {path} has {wrong}, but {listed(names) or 'none'}; name one: {path}::/NAME"
        )
    return file[name]


def _dataset_names(file: h5py.File) -> list[str]:
    names: list[str] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            names.append(name)

    file.visititems(visit)
    return names


def _arrangement(dataset: h5py.Dataset, what: str) -> Arrangement:
    shape = dataset.shape or ()
    labels = [dimension.label for dimension in dataset.dims]
    try:
        return arrange(labels, shape, what)
    except InvalidInputError:
        return arrange_by_rank(shape, what)
