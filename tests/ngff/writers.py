"""Writers in processes of their own, for the tests of concurrent writes."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.box import Box
from voxlake.ngff.volume import open_volume

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

    from voxlake.platform.store import StoreURL

WRITERS = 8


@dataclass(frozen=True, slots=True)
class Writer:
    """One of the writers: it owns every eighth plane along y, and so a part of every chunk."""

    url: StoreURL
    number: int
    erases: bool
    """Whether its last write of a plane is 0 everywhere."""

    def planes(self, shape: tuple[int, ...]) -> list[Box]:
        """Return its boxes."""
        z, y, x = shape
        return [Box((0, at, 0), (z, at + 1, x)) for at in range(self.number, y, WRITERS)]

    def final(self, box: Box) -> int:
        """Return what it leaves in a plane: its number and the plane's, never 0, or 0."""
        return 0 if self.erases else 1 + (self.number * 31 + box.start[1]) % 255

    def run(self) -> None:
        """Write every plane and erase it, time and again, and then write it for good.

        Nobody else writes there: before each write, it must be as the last one left it. Shards
        become all zero while others write to them, when nothing may delete them.
        """
        volume = open_volume(self.url)
        for box in self.planes(volume.shape):
            left = 0
            for value in (*(200, 0) * 4, self.final(box)):
                lost = int((volume.read(box).result() != left).sum())
                assert lost == 0, f"{lost} voxels of {box} are not {left}"
                volume.write(box, np.full(box.shape, value, volume.dtype)).result()
                left = value


def run_together(teams: list[list[Writer]]) -> list[int]:
    """Run a process for each writer of a team, all at once, team after team; return exit codes."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WRITERS)
    processes = [
        context.Process(target=_run, args=(barrier, writers))
        for writers in zip(*teams, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode if process.exitcode is not None else -1 for process in processes]


def _run(barrier: Barrier, writers: tuple[Writer, ...]) -> None:
    for writer in writers:
        barrier.wait()
        writer.run()


def expected(writers: list[Writer], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return what the voxels must be when all are done."""
    voxels = np.zeros(shape, np.uint8)
    for writer in writers:
        for box in writer.planes(shape):
            voxels[box.slices] = writer.final(box)
    return voxels
