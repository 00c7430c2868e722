"""Labels to index, and what NumPy says of them without any index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from tests.servers.faulty import closed_port

from voxlake.ngff.grid.box import Box
from voxlake.ngff.volume import Volume, open_volume
from voxlake.platform.store import StoreURL, as_zarr

if TYPE_CHECKING:
    import numpy.typing as npt
    import pytest

    from voxlake.ngff.labels.scan.rows import Rows

type Row = tuple[int, int, int, tuple[int, ...], tuple[int, ...]]

IDS = (1, 2, 255, 1 << 15, 1 << 32, 3 << 32, (1 << 53) + 1, 1 << 63, (1 << 64) - 1)
"""Ids of every width: what float64 or int64 would change, and what hashes alike."""

SHAPE, CHUNK, SHARD = (23, 29, 31), (4, 4, 8), (8, 12, 16)


def new_volume(
    url: StoreURL,
    shape: tuple[int, ...] = SHAPE,
    chunk: tuple[int, ...] = CHUNK,
    shard: tuple[int, ...] | None = SHARD,
    **options: Any,
) -> Volume:
    """Create an array with zarr-python and open it: uint64 and empty unless options say else."""
    zarr.create_array(
        as_zarr(url, read_only=False),
        shape=shape,
        chunks=chunk,
        shards=shard,
        **{"dtype": "uint64", "fill_value": 0, **options},
    )
    return open_volume(url)


def bodies(seed: int, shape: tuple[int, ...] = SHAPE, block: int = 5) -> npt.NDArray[np.uint64]:
    """Return voxels of few labels in lumps and specks that ignore chunks, and background."""
    rng = np.random.default_rng(seed)
    coarse = tuple(-(-extent // block) + 1 for extent in shape)
    ids = np.array([0, 0, 0, *IDS[: 6 + seed % 4], *rng.integers(1, 1 << 63, 3)], np.uint64)
    lumps = rng.choice(ids, coarse)
    for axis in range(len(shape)):
        lumps = lumps.repeat(block, axis)
    lumps = np.roll(lumps, rng.integers(0, block, len(shape)), range(len(shape)))
    voxels = lumps[tuple(map(slice, shape))].copy()
    specks = rng.random(shape) < 0.03
    voxels[specks] = rng.choice(ids, np.count_nonzero(specks))
    return voxels


def filled(url: StoreURL, voxels: npt.NDArray[Any]) -> Volume:
    """Return a volume that holds `voxels`, written as any program would."""
    volume = new_volume(url, voxels.shape, dtype=voxels.dtype.name)
    volume.write(volume.box, voxels).result()
    return volume


def brute_rows(volume: Volume, cell: tuple[int, ...], voxels: npt.NDArray[Any]) -> list[Row]:
    """Return the rows of a shard, given all voxels of the volume."""
    shard = Box(
        tuple(i * n for i, n in zip(cell, volume.shard, strict=True)),
        tuple((i + 1) * n for i, n in zip(cell, volume.shard, strict=True)),
    )
    rows: list[Row] = []
    for number, chunk in enumerate(shard.tiles(volume.chunk)):
        part = chunk & volume.box
        block = voxels[part.slices]
        for label in np.unique(block[block != 0]):
            where = np.argwhere(block == label) + np.array(part.start)
            low, high = where.min(axis=0), where.max(axis=0) + 1
            rows.append((int(label), number, len(where), tuple(low.tolist()), tuple(high.tolist())))
    return sorted(rows)


def as_tuples(rows: Rows) -> list[Row]:
    """Return rows in the form of `brute_rows`, in their own order."""
    return [
        (int(label), int(chunk), int(voxels), tuple(start.tolist()), tuple(stop.tolist()))
        for label, chunk, voxels, start, stop in zip(
            rows.labels, rows.chunks, rows.voxels, rows.start, rows.stop, strict=True
        )
    ]


def dead_store(monkeypatch: pytest.MonkeyPatch) -> StoreURL:
    """Return a store that does not answer, and make that known without trying again."""
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    monkeypatch.setenv("VOXLAKE_S3_ANONYMOUS", "true")
    return StoreURL("s3", "bucket", "", closed_port(), "us-east-1")
