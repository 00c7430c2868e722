"""Sparse volumes: the voxels of a label as runs along x."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.queries.extent import chunks_of
from voxlake.ngff.labels.queries.voxels import ask_shards, question_of
from voxlake.ngff.memory import columns
from voxlake.ngff.memory.columns import Columns
from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.label_id import OneLabel
    from voxlake.ngff.labels.queries.voxels import ChunkMask, Question
    from voxlake.ngff.labels.state import IndexState

MAX_RUNS = 1 << 28
"""Runs of a sparse volume, unless the caller says else: 4 GiB in DVID's encodings."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs(Columns):
    """Runs of voxels along x, sorted by z, y, x; as long as can be, so none touches the next."""

    start: npt.NDArray[np.int64]
    """(n, 3) first voxel z, y, x of each run."""
    length: npt.NDArray[np.int64]
    """(n,) voxels of each run; at least 1."""

    @property
    def voxels(self) -> int:
        """Voxels of all runs."""
        return int(self.length.sum())


def sparse_volume(
    state: IndexState, one: OneLabel, box: Box | None = None, max_runs: int = MAX_RUNS
) -> Iterator[Runs]:
    """Yield the runs of a label, in `box` or everywhere, one row of shards along x after another.

    Rows of shards come in C order, each with its runs sorted. Every voxel of the label is in one
    run, and no run goes on in another. A label that is not there has none. Memory holds the runs
    of one row of shards, never its voxels.

    Raises
    ------
    OutOfBoundsError
        At once, if the box is not inside the volume.
    LimitExceededError
        While they are taken, if there are more than `max_runs`.
    CorruptDataError, StoreError
        While they are taken, if voxels do not decode, or the store fails.
    """
    return _rows_of_shards(question_of(state, one, box), max_runs)


def coarse_volume(state: IndexState, one: OneLabel, box: Box | None = None) -> Runs:
    """Return the chunks that hold some of a label as runs along x of cells of the chunk grid.

    Reads no voxels that the index tells. With a `box`, those of the chunks that it touches: they
    hold one somewhere, which may be beside the box.
    """
    volume = state.volume
    box = volume.box if box is None else box
    box.check_inside(volume.box, str(volume.url))
    cells = chunks_of(state, one)
    starts = cells * volume.chunk
    touched = (starts < box.stop) & (starts + volume.chunk > box.start)
    inside = touched.all(axis=1) & (not box.is_empty)
    return joined([Runs(cells[inside], np.ones(np.count_nonzero(inside), np.int64))])


def runs_of(chunk: ChunkMask) -> Runs:
    """Return the runs of one chunk."""
    padded = np.pad(chunk.mask, ((0, 0), (0, 0), (1, 1)))
    # A step up in a row begins a run, the next step in it is down and ends it.
    steps = np.argwhere(padded[:, :, 1:] != padded[:, :, :-1])
    starts, stops = steps[0::2], steps[1::2]
    return Runs(starts + np.array(chunk.box.start, np.int64), stops[:, 2] - starts[:, 2])


def joined(parts: Iterable[Runs]) -> Runs:
    """Return all runs, sorted, with those joined that touch; no voxel may be in two of them."""
    runs = columns.joined([_NO_RUNS, *parts])
    runs = runs.take(np.lexsort(runs.start.T[::-1]))
    start, length = runs.start, runs.length
    stop = start[:, 2] + length
    first = np.ones(len(length), np.bool_)
    first[1:] = (start[1:, :2] != start[:-1, :2]).any(axis=1) | (start[1:, 2] != stop[:-1])
    begins = np.flatnonzero(first)
    return Runs(start[begins], np.add.reduceat(length, begins) if len(begins) else length)


_NO_RUNS = columns.no_lines(Runs, "3i8", "i8")


def _rows_of_shards(question: Question, max_runs: int) -> Iterator[Runs]:
    room = max_runs
    shards = ask_shards(question, runs_of)
    for _, row in groupby(shards, key=lambda answer: answer[0][:2]):
        runs = joined(part for _, parts in row for part in parts)
        room -= len(runs)
        if room < 0:
            raise LimitExceededError(
                f"label {question.one.label} of {question.volume.url} has more than {max_runs} "
                "runs; ask for a smaller box, or for its chunks only (a coarse volume)"
            )
        if len(runs):
            yield runs
