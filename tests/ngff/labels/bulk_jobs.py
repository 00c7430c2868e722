"""Bulk jobs on a scene, task by task, as a runner does them: in order, some twice, some killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ulid import ULID

from voxlake.ngff.labels.bulk import fragment as fragment_
from voxlake.ngff.labels.bulk.build import Build, begin_bulk, clear_bulk
from voxlake.ngff.labels.bulk.fragment import write_fragment
from voxlake.ngff.labels.bulk.pieces import choose_pieces, write_range
from voxlake.ngff.labels.bulk.publish import publish_bulk
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from tests.ngff.labels.scenes import Scene


@dataclass
class BulkJob:
    """A job, and how far it is."""

    scene: Scene
    fragments: int = 3
    job: str = field(default_factory=lambda: str(ULID()))
    done: int = 0
    """Tasks that are done."""

    @property
    def build(self) -> Build:
        """What its tasks work on."""
        return Build(self.scene.opened, self.job, self.fragments)

    @property
    def tasks(self) -> list[Callable[[], object]]:
        """All of them, in the order in which they run."""
        each = range(self.fragments)
        return [
            partial(begin_bulk, self.scene.opened, self.job, "tests"),
            *(partial(write_fragment, self.build, number) for number in each),
            partial(choose_pieces, self.build),
            *(partial(write_range, self.build, number) for number in each),
            partial(publish_bulk, self.build),
        ]

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.done == len(self.tasks)

    def step(self) -> None:
        """Do the next task; what a kill leaves undone comes again."""
        self.tasks[self.done]()
        self.done += 1

    def finish(self) -> None:
        """Do all tasks that are left."""
        while not self.ended:
            self.step()

    def resume(self) -> None:
        """Do all that is left, beginning as a runner begins."""
        self.tasks[0]()
        self.done = max(self.done, 1)
        self.finish()

    def give_up(self) -> None:
        """Cancel it."""
        clear_bulk(self.scene.index, self.job)
        self.done = len(self.tasks)


def finish_or_begin_anew(job: BulkJob) -> None:
    """Resume a job; if it is refused, as after an audit that took it for dead, run another."""
    try:
        job.resume()
    except ConflictError:
        job.give_up()
        BulkJob(job.scene, job.fragments).resume()


def in_small_builds(patch: pytest.MonkeyPatch) -> None:
    """Make fragments of several segments, and ranges of several pieces, of little data."""
    patch.setattr(fragment_, "FILE_BYTES", 500)
    patch.setattr(fragment_, "SAMPLE_BYTES", 100)
    patch.setattr(fragment_, "WINDOW", 2)
