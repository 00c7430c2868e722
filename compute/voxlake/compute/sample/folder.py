"""The folder the sample lies in: a stack of images, and labels as supervoxels with their bodies.

* ``em/iso.NNNN.png``: one slice a file.
* ``groundtruth.h5.gz``: gzip of an HDF5 file with ``stack``, int32 (z, y, x), of supervoxels, and
  ``transforms``, int64 (n, 2), of (supervoxel, body). Body 0 is background.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tempfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py
import imagecodecs
import numpy as np

from voxlake.platform import store
from voxlake.platform.errors import SourceError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.ngff.grid.axes import VoxelSize

IMAGES, GROUND_TRUTH = "em", "groundtruth.h5.gz"
_CHUNK = 64
_MOST_SUPERVOXELS = 1 << 28
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
    body = _as_hdf5(_bodies(packed, folder.ground_truth), voxel_size)
    store.write(StoreURL.parse(str(path)), body)
    return path


def _bodies(packed: bytes, path: Path) -> np.ndarray:
    """Return ``lut[stack]``."""
    try:
        with tempfile.TemporaryFile() as unpacked:
            unpacked.write(gzip.decompress(packed))
            with h5py.File(unpacked, "r") as file:
                stack, transforms = file["stack"][...], file["transforms"][...]
    except (OSError, EOFError, zlib.error, KeyError) as error:
        raise SourceError(f"ground truth {path} is torn ({error}); restore the file") from error
    top = int(max(stack.max(initial=0), transforms[:, 0].max(initial=0)))
    if stack.min(initial=0) < 0 or top >= _MOST_SUPERVOXELS:
        raise SourceError(f"ground truth {path} has supervoxels outside 0 to {_MOST_SUPERVOXELS}")
    bodies, known = np.zeros(top + 1, np.uint64), np.zeros(top + 1, bool)
    bodies[transforms[:, 0]], known[transforms[:, 0]] = transforms[:, 1], True
    if not known[stack].all():
        raise SourceError(f"ground truth {path} has supervoxels without a body; restore the file")
    mapped: np.ndarray = bodies[stack]
    return mapped


def _as_hdf5(bodies: np.ndarray, voxel_size: VoxelSize) -> bytes:
    """Return an HDF5 file. Made in memory: on a full disk, the HDF5 library crashes the process."""
    chunk = tuple(min(_CHUNK, extent) for extent in bodies.shape)
    body = io.BytesIO()
    with h5py.File(body, "w") as file:
        dataset = file.create_dataset(
            "bodies", data=bodies, chunks=chunk, compression="gzip", compression_opts=1
        )
        dataset.attrs["element_size_um"] = voxel_size.to("micrometer").zyx
    return body.getvalue()


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
