"""Write `cloudvolume.zip`: volumes by CloudVolume, and what it reads back from them.

The tests read what it has written, of which PNG needs a package more. To write it again:
``uv run --with cloud-volume --with pyspng-seunglab python cloudvolume_sample.py``.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

SIZE, CHUNK, OFFSET = (40, 24, 20), (16, 16, 8), (3, 5, -7)
SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1",
    "preshift_bits": 1,
    "hash": "identity",
    "minishard_bits": 1,
    "shard_bits": 0,
    "minishard_index_encoding": "gzip",
    "data_encoding": "gzip",
}

# name: (encoding, compression of chunks, voxels, sharded)
IMAGE = np.add.outer(np.add.outer(np.arange(40) * 3, np.arange(24) * 2), np.arange(20)) + 1
LABELS = (np.random.default_rng(0).integers(1, 2**60, (5, 3, 5)).repeat(8, 0).repeat(8, 1)).repeat(
    4, 2
)
VOLUMES = {
    "gzip": ("raw", "gzip", IMAGE.astype("u1"), False),
    "br": ("raw", "br", IMAGE.astype("u1"), False),
    "zstd": ("raw", "zstd", IMAGE.astype("u2"), False),
    "xz": ("raw", "xz", IMAGE.astype("f4"), False),
    "bz2": ("raw", "bz2", IMAGE.astype("u4"), False),
    "plain": ("raw", False, np.stack([IMAGE, IMAGE + 40], -1).astype("u1"), False),
    "jpeg": ("jpeg", None, IMAGE.astype("u1"), False),
    "png": ("png", "gzip", IMAGE.astype("u1"), False),
    "labels": ("compressed_segmentation", "gzip", LABELS.astype("u8"), False),
    "sharded": ("raw", None, IMAGE.astype("u2"), True),
    "sharded_labels": ("compressed_segmentation", None, LABELS.astype("u8"), True),
}


def write(folder: Path, name: str) -> np.ndarray:
    """Write one volume; return what CloudVolume reads from it, as c, z, y, x."""
    from cloudfiles import CloudFiles
    from cloudvolume import Bbox, CloudVolume

    encoding, compress, voxels, sharded = VOLUMES[name]
    if voxels.ndim == 3:
        voxels = voxels[..., np.newaxis]
    info = CloudVolume.create_new_info(
        voxels.shape[-1],
        "segmentation" if "labels" in name else "image",
        voxels.dtype.name,
        encoding,
        (4, 4, 40),
        OFFSET,
        SIZE,
        chunk_size=CHUNK,
        compressed_segmentation_block_size=(8, 8, 8),
    )
    if sharded:
        info["scales"][0]["sharding"] = SHARDING
    url = f"file://{folder / name}"
    volume: Any = CloudVolume(url, info=info, compress=compress, progress=False, bounded=True)
    volume.commit_info()
    if sharded:
        box = Bbox(OFFSET, np.array(OFFSET) + SIZE)
        shard_name, body = volume.image.make_shard(np.asfortranarray(voxels), box, 0)
        CloudFiles(url).put(f"4_4_40/{shard_name}", body)
    else:
        volume[:] = voxels
    return np.asarray(volume[:]).transpose(3, 2, 1, 0)


def main() -> None:
    """Write the archive beside this file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez_compressed(
            folder / "expected.npz",
            allow_pickle=False,
            **{name: write(folder, name) for name in VOLUMES},
        )
        target = Path(__file__).with_name("cloudvolume.zip")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                if file.is_file() and file.name != "provenance":
                    archive.write(file, file.relative_to(folder))
    sys.stdout.write(f"{target}: {target.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
