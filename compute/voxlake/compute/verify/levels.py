"""Verify: compare every stored voxel of a level with what the level below says it must be."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.downsample import Step, downsample_bytes, downsample_step
from voxlake.compute.plan import Plan, fingerprint
from voxlake.compute.verify.behind import Behind, current, spared
from voxlake.compute.verify.results import ComparedShard, stage_name
from voxlake.ngff.shards.whole import decode_shard
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.compute.verify.behind import StaleBoxes
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

new_hash = partial(hashlib.blake2b, digest_size=32)


@dataclass(frozen=True, slots=True)
class VerifyTask:
    """Compare one stored shard with what the level below says it must be."""

    expected: Step
    target: StoreURL
    hashes: bool
    """Whether the hashes of what is stored are told, for a report."""
    behind: Behind
    cell: Cell

    def __call__(self) -> ComparedShard:
        """Return how many voxels differ, and the name of the shard if any do."""
        compared = self._compare(current)
        return self._compare(self.behind.since_now()) if compared.different else compared

    def _compare(self, stale: StaleBoxes) -> ComparedShard:
        volume = opened_volume(self.target)
        box = volume.shard_box(self.cell)
        body, voxels, note, behind = None, None, None, 0
        try:
            stored = store.read_if_there(volume.shard_url(self.cell))
            body = stored.body if stored else None
            voxels = _voxels(volume, self.cell, body)
            expected = self.expected.read(box)
            wrong = unequal(voxels, expected)
            behind = spared(wrong, box, stale)
            different, note = _told(wrong, voxels, expected, box.within(box))
        except CorruptDataError as error:
            different, note = box.size, str(error)
        return ComparedShard(
            voxels=box.size,
            different=different,
            shard=f"{volume.shard_url(self.cell)} {box}" if different else "",
            behind=behind,
            note=note,
            decoded=hash_of(in_order(voxels)) if self.hashes and voxels is not None else None,
            stored=hash_of(body) if self.hashes else None,
            bytes=len(body or b"") if self.hashes else 0,
        )


def plan_verify_level(dataset: Dataset, level: int, *, hashes: bool = False) -> Plan:
    """Plan comparing `level` (1 and above) with what the level below gives."""
    step, volume = downsample_step(dataset, level), dataset.level(level)
    return Plan(
        stage_name(level),
        volume.grid,
        partial(VerifyTask, step, volume.url, hashes, Behind.of(dataset, level)),
        fingerprint("verify", step.factors, volume.url, volume.metadata),
        downsample_bytes(dataset, level),
        math.prod(volume.shape),
    )


def in_order(voxels: npt.NDArray[Any]) -> memoryview:
    """Return the bytes of voxels that are hashed: in C order, little-endian."""
    return np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<")).data


def hash_of(body: bytes | memoryview | None) -> str | None:
    """Return the BLAKE2b-256 (RFC 7693), as ``b2sum -l 256`` prints it; None of nothing."""
    return None if body is None else new_hash(body).hexdigest()


def unequal(stored: npt.NDArray[Any], expected: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return where two arrays differ; what is not a number in both does not."""
    wrong = stored != expected
    if expected.dtype.kind == "f":
        wrong &= ~(np.isnan(stored) & np.isnan(expected))
    return np.asarray(wrong)


def differences(
    stored: npt.NDArray[Any], expected: npt.NDArray[Any], place: Box
) -> tuple[int, str | None]:
    """Return how many voxels differ, and the first; `place` is where they lie in their shard."""
    return _told(unequal(stored, expected), stored, expected, place)


def _told(
    wrong: npt.NDArray[np.bool_],
    stored: npt.NDArray[Any],
    expected: npt.NDArray[Any],
    place: Box,
) -> tuple[int, str | None]:
    count = int(np.count_nonzero(wrong))
    if not count:
        return 0, None
    first = tuple(int(axis[0]) for axis in np.nonzero(wrong))
    where = tuple(at + lo for at, lo in zip(first, place.start, strict=True))
    return count, f"first at {where} of the shard: {stored[first]} for {expected[first]}"


def _voxels(volume: Volume, cell: Cell, body: bytes | None) -> npt.NDArray[Any]:
    if body is None:
        return np.full(volume.shard_box(cell).shape, volume.fill, volume.dtype)
    return decode_shard(volume, cell, body)
