"""Verify: compare every stored voxel of a level with what the level below says it must be."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.downsample import Step, downsample_bytes, downsample_step
from voxlake.compute.passes.ingest import shard_bytes
from voxlake.compute.plan import Cell, Part, Plan, Result, fingerprint, write_grid
from voxlake.ngff.shards.whole import decode_shard
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class VerifyTask:
    """Compare one stored shard with what the level below says it must be."""

    expected: Step
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
            different, note = differences(voxels, self.expected.read(box), box.within(box))
        except CorruptDataError as error:
            different, note = box.size, str(error)
        if different:
            where = f"{volume.shard_url(self.cell)} {box}"
            result |= {"different": different, "shard": where, "note": note}
        return result | (_hashes(voxels, body) if self.hashes else {})


@dataclass(slots=True)
class Hashes:
    """The hash of voxels that come part by part, in C order of the whole."""

    _digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=32))

    def add(self, voxels: npt.NDArray[Any]) -> None:
        """Take the next voxels, little-endian."""
        in_order = np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<"))
        self._digest.update(in_order.data)

    @property
    def text(self) -> str:
        """The BLAKE2b-256 (RFC 7693) of all of them, as ``b2sum -l 256`` prints it."""
        return str(self._digest.hexdigest())


def plan_verify_level(dataset: Dataset, level: int, *, hashes: bool = False) -> Plan:
    """Plan comparing `level` (1 and above) with what the level below gives."""
    step, volume = downsample_step(dataset, level), dataset.level(level)
    make = partial(VerifyTask, step, volume.url, hashes)
    plan = _plan(f"verify-{level}", make, volume, step.factors)
    return replace(plan, bytes_per_task=downsample_bytes(dataset, level))


def hash_stored(url: StoreURL) -> Part:
    """Return the hash and the number of the bytes of a stored object; None and 0 of none."""
    return _hash_of_body(_body(url))


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
    wrong = unequal(stored, expected)
    count = int(np.count_nonzero(wrong))
    if not count:
        return 0, None
    first = tuple(int(axis[0]) for axis in np.nonzero(wrong))
    where = tuple(at + lo for at, lo in zip(first, place.start, strict=True))
    return count, f"first at {where} of the shard: {stored[first]} for {expected[first]}"


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


def _hashes(voxels: npt.NDArray[Any] | None, body: bytes | None) -> Part:
    """Return the hashes of the voxels, in C order, and of the bytes of the object."""
    decoded = None
    if voxels is not None:
        hashes = Hashes()
        hashes.add(voxels)
        decoded = hashes.text
    return {"decoded": decoded, **_hash_of_body(body)}


def _hash_of_body(body: bytes | None) -> Part:
    if body is None:
        return {"stored": None, "bytes": 0}
    return {"stored": hashlib.blake2b(body, digest_size=32).hexdigest(), "bytes": len(body)}
