"""Look at what is kept beside labels, and at whether a dataset is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.fsck.finding import Check, Finding, FsckResult
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.labels.checking import faults
from voxlake.ngff.labels.sidecars.trust import stored_shards
from voxlake.ngff.making.unfinished import is_whole
from voxlake.platform.errors import UNREADABLE

if TYPE_CHECKING:
    from voxlake.compute.plan import Result
    from voxlake.platform.store import StoreURL

SHARDS_PER_TASK = 1000
"""One task for so many shards of level 0 opens an equal part of what is kept beside them."""

MOST_TASKS = 256

KEPT_BYTES = 256 << 20
"""Memory that a task is projected to need: of a table of a mapping, mostly."""


@dataclass(frozen=True, slots=True)
class KeptTask:
    """Open a part of what is kept beside labels; nothing is changed."""

    index: StoreURL
    part: int
    parts: int

    def __call__(self) -> Result:
        """Return what was found."""
        found = faults(self.index, self.part, self.parts)
        return FsckResult(
            findings=tuple(Finding(Check.DAMAGED_INDEX, str(url), text) for url, text in found)
        )


@dataclass(frozen=True, slots=True)
class WholeTask:
    """Hold a dataset against what is recorded of its ingest; nothing is changed."""

    url: StoreURL
    stored: int
    """Shards of level 0 that the ingest stored; none is ever deleted. 0: it is not known."""
    unfinished: str
    """What is known of an ingest that has not ended; empty if it has."""

    def __call__(self) -> Result:
        """Return what was found."""
        if self.unfinished:
            return self._found(self.unfinished)
        try:
            if not is_whole(self.url):
                return self._found("its group says that it is not whole; resume its ingest")
            if not self.stored:
                return FsckResult()
            there = len(stored_shards(open_dataset(self.url).level(0)))
        except UNREADABLE:  # told by ObjectsTask
            return FsckResult()
        if there >= self.stored:
            return FsckResult()
        return self._found(f"{there} shards of level 0 are stored; its ingest stored {self.stored}")

    def _found(self, text: str) -> Result:
        return FsckResult(findings=(Finding(Check.UNFINISHED, str(self.url), text),))
