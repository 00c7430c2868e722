"""Verify: compare every stored voxel with what it must be, by reading the source again."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.downsample import Step, downsample_bytes, downsample_step
from voxlake.compute.ingest import SourceAddress, shard_bytes
from voxlake.compute.opened import opened_volume
from voxlake.compute.plan import Cell, Plan, Result, fingerprint, write_grid
from voxlake.ngff.shard import decode_shard
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable

    import numpy.typing as npt

    from voxlake.ngff.box import Box
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class VerifyTask:
    """Compare one stored shard with what the source, or the level below, says it must be."""

    expected: SourceAddress | Step
    target: StoreURL
    hashes: bool
    """Whether the hashes of what is stored are told, for a report."""
    cell: Cell

    def __call__(self) -> Result:
        """Return how many voxels differ, and the name of the shard if any do."""
        volume = opened_volume(self.target)
        box = volume.shard_box(self.cell)
        body = _body(volume.shard_url(self.cell))
        result: Result = {"voxels": box.size, "different": 0}
        voxels, note = None, None
        try:
            voxels = _voxels(volume, self.cell, body)
            different, note = _differences(voxels, self._read(box, volume))
        except CorruptDataError as error:
            different, note = box.size, str(error)
        if different:
            where = f"{volume.shard_url(self.cell)} {box}"
            result |= {"different": different, "shard": where, "note": note}
        return result | (_hashes(voxels, body) if self.hashes else {})

    def _read(self, box: Box, volume: Volume) -> npt.NDArray[Any]:
        if isinstance(self.expected, SourceAddress):
            return self.expected.read(box, volume.dtype)
        return self.expected.read(box)


def plan_verify_source(source: SourceAddress, volume: Volume, *, hashes: bool = False) -> Plan:
    """Plan comparing level 0 with the source."""
    make = partial(VerifyTask, source, volume.url, hashes)
    return _plan("verify-source", make, volume, source.fingerprint)


def plan_verify_level(dataset: Dataset, level: int, *, hashes: bool = False) -> Plan:
    """Plan comparing `level` (1 and above) with what the level below gives."""
    step, volume = downsample_step(dataset, level), dataset.level(level)
    make = partial(VerifyTask, step, volume.url, hashes)
    plan = _plan(f"verify-{level}", make, volume, step.factors)
    return replace(plan, bytes_per_task=downsample_bytes(dataset, level))


def hash_of(data: Buffer) -> str:
    """Return the BLAKE2b-256 (RFC 7693) of some bytes, as ``b2sum -l 256`` prints it."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def _plan(stage: str, make: Callable[[Cell], VerifyTask], volume: Volume, what: object) -> Plan:
    return Plan(
        stage,
        write_grid(volume.shape, volume.shard),
        make,
        fingerprint("verify", what, volume.url, volume.metadata),
        shard_bytes(volume) * 4,
        math.prod(volume.shape),
    )


def _body(url: StoreURL) -> bytes | None:
    try:
        return store.read(url).body
    except ObjectNotFoundError:
        return None


def _voxels(volume: Volume, cell: Cell, body: bytes | None) -> npt.NDArray[Any]:
    if body is None:
        return np.full(volume.shard_box(cell).shape, volume.fill, volume.dtype)
    return decode_shard(volume, cell, body)


def _hashes(voxels: npt.NDArray[Any] | None, body: bytes | None) -> Result:
    """Return the hashes of the voxels, little-endian in C order, and of the bytes of the object."""
    found: Result = {"decoded": None, "stored": None, "bytes": len(body or b"")}
    if voxels is not None:
        in_order = np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<"))
        found["decoded"] = hash_of(in_order.data)
    if body is not None:
        found["stored"] = hash_of(body)
    return found


def _differences(stored: npt.NDArray[Any], expected: npt.NDArray[Any]) -> tuple[int, str | None]:
    wrong = stored != expected
    if stored.dtype.kind == "f":
        wrong &= ~(np.isnan(stored) & np.isnan(expected))
    count = int(np.count_nonzero(wrong))
    if not count:
        return 0, None
    first = tuple(int(axis[0]) for axis in np.nonzero(wrong))
    return count, f"first at {first} of the shard: {stored[first]} for {expected[first]}"
