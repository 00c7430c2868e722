"""The folder the sample lies in: a stack of images, and labels as supervoxels with their bodies.

* ``em/iso.NNNN.png``: one slice a file.
* ``groundtruth.h5.gz``: gzip of an HDF5 file with ``stack``, int32 (z, y, x), of supervoxels, and
  ``transforms``, int64 (n, 2), of (supervoxel, body). Body 0 is background.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import imagecodecs
import numpy as np

from voxlake.platform.errors import SourceError, StoreError

if TYPE_CHECKING:
    from voxlake.ngff.axes import VoxelSize

IMAGES, GROUND_TRUTH = "em", "groundtruth.h5.gz"
_CHUNK = 64
_FIRST_NUMBER = 2600


@dataclass(frozen=True, slots=True)
class SampleFolder:
    """A folder with the sample's files in it."""

    path: Path

    @property
    def images(self) -> Path:
        """The folder of slices."""
        return self.path / IMAGES

    @property
    def ground_truth(self) -> Path:
        """The file of supervoxels and bodies."""
        return self.path / GROUND_TRUTH

    def check(self) -> None:
        """Raise SourceError unless both are there."""
        if not self.images.is_dir() or not self.ground_truth.is_file():
            raise SourceError(
                f"sample folder {self.path} lacks {IMAGES}/ or {GROUND_TRUTH}; give the folder "
                "that holds both, or none to download the sample"
            )


def write_bodies(folder: SampleFolder, cache: Path, voxel_size: VoxelSize) -> Path:
    """Write the bodies of the ground truth, uint64 (z, y, x), as HDF5 into `cache`.

    Written once for one content of the ground truth, and in one step: it is whole or absent.
    Returns its path.

    Raises
    ------
    SourceError
        If the ground truth is torn, or a supervoxel has no body.
    StoreError
        If `cache` cannot be written.
    """
    packed = folder.ground_truth.read_bytes()
    path = cache / f"bodies-{hashlib.sha256(packed).hexdigest()[:16]}.h5"
    if path.exists():
        return path
    bodies = _bodies(packed, folder.ground_truth)
    try:
        _write_whole(path, bodies, voxel_size)
    except OSError as error:
        raise StoreError(
            f"the sample's labels cannot be written to {cache} ({error}); free space there, or "
            "name another cache folder"
        ) from error
    return path


def _write_whole(path: Path, bodies: np.ndarray, voxel_size: VoxelSize) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".partial", dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        _write_hdf5(partial, bodies, voxel_size)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _bodies(packed: bytes, path: Path) -> np.ndarray:
    """Return ``lut[stack]``."""
    try:
        with tempfile.TemporaryFile() as unpacked:
            unpacked.write(gzip.decompress(packed))
            with h5py.File(unpacked, "r") as file:
                stack, transforms = file["stack"][...], file["transforms"][...]
    except (OSError, EOFError, zlib.error, KeyError) as error:
        raise SourceError(f"ground truth {path} is torn ({error}); restore the file") from error
    supervoxels, places = np.unique(stack, return_inverse=True)
    order = np.argsort(transforms[:, 0])
    known = transforms[order, 0]
    found = np.minimum(np.searchsorted(known, supervoxels), len(known) - 1)
    if not np.array_equal(known[found], supervoxels):
        raise SourceError(f"ground truth {path} has supervoxels without a body; restore the file")
    bodies: np.ndarray = transforms[order, 1].astype(np.uint64)[found][places]
    return bodies.reshape(stack.shape)


def _write_hdf5(path: Path, bodies: np.ndarray, voxel_size: VoxelSize) -> None:
    chunk = tuple(min(_CHUNK, extent) for extent in bodies.shape)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "bodies", data=bodies, chunks=chunk, compression="gzip", compression_opts=1
        )
        metres = {"nanometer": 1e-3, "micrometer": 1.0}[voxel_size.unit]
        dataset.attrs["element_size_um"] = [size * metres for size in voxel_size.zyx]
    with path.open("rb") as written:
        os.fsync(written.fileno())


def write_sample_folder(path: Path, image: np.ndarray, labels: np.ndarray) -> SampleFolder:
    """Write `image`, uint8, and `labels`, uint64, both (z, y, x), as the sample's files lie.

    Labels above 2^63 - 1 do not fit: the ground truth keeps bodies as int64.
    """
    folder = SampleFolder(path)
    folder.images.mkdir(parents=True)
    for number, pixels in enumerate(image, _FIRST_NUMBER):
        name = folder.images / f"iso.{number:04d}.png"
        name.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
    ids, places = np.unique(labels, return_inverse=True)
    numbers = np.arange(1, len(ids) + 1)
    with tempfile.TemporaryFile() as unpacked:
        with h5py.File(unpacked, "w") as file:
            file["stack"] = numbers[places].reshape(labels.shape).astype(np.int32)
            file["transforms"] = np.stack([numbers, ids.astype(np.int64)], axis=1)
        unpacked.seek(0)
        with gzip.open(folder.ground_truth, "wb") as packed:
            shutil.copyfileobj(unpacked, packed)
    return folder
