"""Voxels are written, by those who may add them; as `data`, each function demands the right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data.datasets import cutout_of
from voxlake.api.data.labels.labels import check_not_replaced
from voxlake.api.data.opened import opened_dataset, opened_labels, opened_level
from voxlake.api.data.writing.commits import Commits, Part, WriteShard
from voxlake.api.formats.cutout import Cutout
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.requests.query import parse_box
from voxlake.api.http.requests.ranges import opaque_tags
from voxlake.documents.datasets.writes import Merge, ShardDocument, WrittenDocument
from voxlake.ngff import lake
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.grid.box import Box, Cell
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.ngff.labels.writing import write_label_shard
from voxlake.ngff.shards.splice import Blend, Change, keep_where_zero, overwrite
from voxlake.ngff.volume import Volume
from voxlake.ngff.writing import (
    check_change,
    check_condition,
    digest_of_states,
    look_at_shards,
    parts_of,
    write_shard,
)
from voxlake.platform.access import AddVoxels
from voxlake.platform.catalog import DatasetState
from voxlake.platform.deadline import renew_deadline
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    LimitExceededError,
    PreconditionFailedError,
)

BLENDS: Mapping[Merge, Blend] = {"overwrite": overwrite, "keep": keep_where_zero}
WRITTEN_BYTES = 128 << 20
"""Chunks that one request writes to at the same time, of one shard at least.

They count as its memory. Of a larger shard some rows of chunks are decoded at a time; only voxels
of 64 bits that do not compress take more.
"""
MAX_SHARDS = 4096
"""Shards of a box that are written, or whose states are told."""


@dataclass(frozen=True, slots=True)
class Finest:
    """Level 0 of a dataset, opened to be written to."""

    dataset: Dataset
    volume: Volume
    labels: Labels | None
    """What is indexed at once; None: an image."""


@dataclass(frozen=True, slots=True)
class Target:
    """A box of level 0 that voxels are to be written to."""

    dataset: Dataset
    volume: Volume
    labels: Labels | None
    cutout: Cutout
    """The voxels that are to come."""

    @property
    def box(self) -> Box:
        """Voxels of level 0."""
        return self.cutout.box

    @property
    def held_bytes(self) -> int:
        """Memory that writing takes: of chunks that the box touches, decoded or encoded."""
        return min(self.touched_bytes(self.box), WRITTEN_BYTES)

    def touched_bytes(self, box: Box) -> int:
        """Return the memory of all chunks that a box touches."""
        touched = box.aligned(self.volume.chunk) & self.volume.box
        return touched.size * self.volume.dtype.itemsize

    def writer_of(self, cell: Cell) -> WriteShard:
        """Return what writes to the shard at a place in the write grid."""
        labels, volume = self.labels, self.volume

        def write(changes: Sequence[Change], by: str, known: str | None) -> str:
            if labels is None:
                return write_shard(volume, cell, changes, known)
            return write_label_shard(labels, cell, changes, by, known)

        return write


async def open_target(granted: Granted[AddVoxels], ranges: dict[str, str]) -> Target:
    """Open the box that ranges by axis ask for, to write to it.

    Raises
    ------
    UnsupportedError, ConflictError
        As of `open_finest`.
    InvalidInputError
        If they are no box of it.
    LimitExceededError
        If it is too large.
    """
    finest = await open_finest(granted)
    names = finest.dataset.multiscale.axis_names
    return target_of(granted, finest, parse_box(ranges, names, finest.volume.shape))


async def open_finest(granted: Granted[AddVoxels]) -> Finest:
    """Open level 0 of a dataset, to write to it.

    Raises
    ------
    UnsupportedError
        If the dataset is registered in place.
    ConflictError
        If it is being made, or was not made to its end.
    """
    record = granted.record
    lake.check_writable(lake.place_of(record), "writing")
    if record.state is not DatasetState.READY:
        raise ConflictError(
            f"{record.name} is {record.state} and not ready: its job writes whole shards, and "
            "would write over what you send; wait for its end, or resume it"
        )
    dataset = await opened_dataset(granted)
    volume = await opened_level(granted, dataset, 0)
    if record.kind != "labels":
        return Finest(dataset, volume, None)
    labels = await opened_labels(granted)
    check_labels(labels.at_time().volume)
    return Finest(dataset, volume, labels)


def target_of(granted: Granted[AddVoxels], finest: Finest, box: Box) -> Target:
    """Return a box of level 0, to write to it; raise LimitExceededError if it is too large."""
    dataset, volume = finest.dataset, finest.volume
    cutout = cutout_of(granted, dataset, 0, box, volume.dtype)
    check_size(granted, cutout)
    _check_count(volume, box)
    return Target(dataset, volume, finest.labels, cutout)


def check_size(granted: Granted[AddVoxels], cutout: Cutout) -> None:
    """Raise LimitExceededError if a box is larger than the server takes."""
    limit_bytes = granted.gateway.settings.cutout_limit_bytes
    if cutout.nbytes > limit_bytes:
        raise LimitExceededError(
            f"{cutout.nbytes} bytes are to be written to box {cutout.box} and the limit is "
            f"{limit_bytes}; write in smaller boxes"
        )


@asynccontextmanager
async def room_for(
    granted: Granted[AddVoxels], target: Target, body_bytes: int = 0
) -> AsyncIterator[None]:
    """Have memory for a write, and for the body that it comes from, in a ``with`` block.

    Raises
    ------
    LimitExceededError
        If there is never so much.
    """
    budget, held_bytes = granted.gateway.answers, target.held_bytes + body_bytes
    if held_bytes > budget.share_bytes:
        raise LimitExceededError(
            f"to write box {target.box} of {target.cutout.dataset} takes {held_bytes} bytes of "
            f"memory and the server has {budget.share_bytes}; write in smaller boxes, or raise "
            "VOXLAKE_GATEWAY_MEMORY_BYTES at the server"
        )
    async with budget.hold(held_bytes):
        yield


async def write(
    granted: Granted[AddVoxels],
    target: Target,
    voxels: npt.NDArray[Any],
    merge: Merge,
    if_match: str | None,
) -> WrittenDocument:
    """Write voxels of the target's box: durable, indexed and seen by all when this returns.

    Parameters
    ----------
    if_match
        ``If-Match``: ETags of the box, one of which must be its present one.

    Raises
    ------
    PreconditionFailedError
        If none is.
    ConflictError
        If the dataset was replaced meanwhile.
    """
    change = Change(target.box, voxels, BLENDS[merge])
    check_change(target.volume, change)
    known = await _known(target, if_match) if if_match is not None else {}
    parts = _parts(target, change, granted.asker, known)
    await _to_its_end(_commit(granted.gateway.commits, target, parts))
    await check_not_replaced(granted, target.dataset.multiscale.folder)
    states = {part.cell: part.done.result() for part in parts}
    return WrittenDocument(
        etag=digest_of_states(target.volume, states),
        shards=tuple(ShardDocument(cell=cell, etag=etag) for cell, etag in states.items()),
    )


def _parts(target: Target, change: Change, by: str, known: Mapping[Cell, str]) -> list[Part]:
    """Return what a change is to each shard, in the states that are known."""
    volume = target.volume
    return [
        Part(
            volume=volume.url,
            cell=cell,
            write=target.writer_of(cell),
            change=part,
            touched=part.box.aligned(volume.chunk),
            by=by,
            known=known.get(cell),
        )
        for cell, part in parts_of(volume, change).items()
    ]


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do what was begun to its end, whoever leaves: its memory counts until then."""
    running = asyncio.create_task(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # nobody is there to be told
        raise


async def _commit(commits: Commits, target: Target, parts: Sequence[Part]) -> None:
    """Have changes of shards made, some at a time; raise the first failure.

    After one nothing more is begun. Of a condition that failed it is said what was written.
    """
    written = 0
    for group in _at_a_time(target, parts):
        asked = [commits.ask(part) for part in group]
        done = await asyncio.gather(*asked, return_exceptions=True)
        failures = [each for each in done if isinstance(each, BaseException)]
        written += len(done) - len(failures)
        if failures and written and isinstance(failures[0], PreconditionFailedError):
            raise PreconditionFailedError(
                f"{failures[0]}; others wrote to the box while it was written, and {written} of "
                f"its {len(parts)} shards have what you sent"
            ) from failures[0]
        if failures:
            raise failures[0]
        renew_deadline()


def _at_a_time(target: Target, parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield changes that are made at the same time, which touch `WRITTEN_BYTES` at most, or one."""
    group: list[Part] = []
    room = WRITTEN_BYTES
    for part in parts:
        size = target.touched_bytes(part.change.box)
        if group and size > room:
            yield group
            group, room = [], WRITTEN_BYTES
        group.append(part)
        room -= size
    if group:
        yield group


async def _known(target: Target, if_match: str) -> dict[Cell, str]:
    """Return the states of the shards of a box, which must be those that ``If-Match`` names."""
    check_condition(target.volume, "")
    states = await to_thread.run_sync(look_at_shards, target.volume, target.box)
    tags = {tag.partition(".")[0] for tag in opaque_tags(if_match)}
    if if_match.strip() != "*" and digest_of_states(target.volume, states) not in tags:
        raise PreconditionFailedError(
            f"box {target.box} of {target.cutout.dataset} has changed since it was read with that "
            "ETag; read it again"
        )
    return states


def _check_count(volume: Volume, box: Box) -> None:
    """Raise LimitExceededError if a box touches more than `MAX_SHARDS`."""
    count = box.count_cells(volume.shard)
    if count > MAX_SHARDS:
        raise LimitExceededError(
            f"{box} touches {count} shards, and {MAX_SHARDS} are looked at for one request; ask "
            "for a smaller box"
        )


async def etag_of_box(volume: Volume, box: Box) -> str:
    """Return what is another once any shard of a box has changed.

    Whoever reads the box after this was asked reads that state, or a later one.

    Raises
    ------
    LimitExceededError
        If the box touches more than `MAX_SHARDS`.
    """
    _check_count(volume, box)
    return digest_of_states(volume, await to_thread.run_sync(look_at_shards, volume, box))


def filled(target: Target, text: str) -> npt.NDArray[Any]:
    """Return the voxels of a box that all have one value, which take no memory.

    Raises
    ------
    InvalidInputError
        If the text is no value of their type.
    """
    dtype = target.volume.dtype
    # Python's own numbers may be parted by "_", and have digits of any script.
    plain = text if text.isascii() and "_" not in text else ""
    try:
        if dtype.kind == "f":
            with np.errstate(over="raise"):
                value = np.float64(plain).astype(dtype)
        else:
            value = np.array(int(plain), dtype)
    except (ValueError, OverflowError, FloatingPointError) as error:
        raise InvalidInputError(
            f"fill={text[:40]} was asked for and the voxels of {target.cutout.dataset} are "
            f"{dtype}; give a value of that type"
        ) from error
    return np.broadcast_to(value, target.box.shape)
