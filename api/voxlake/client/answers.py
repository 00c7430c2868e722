"""What the gateway answers, as documents; what a client makes of it, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from voxlake.documents.document import Document
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.box import Box


@dataclass(frozen=True, slots=True)
class Extent:
    """Where one label is, at level 0."""

    label: int
    voxels: int
    """How many voxels have it."""
    box: Box
    """The tightest box around them."""


class LabelsAnswer(Document):
    """The labels in a box, ascending; text, as JSON numbers end at 2^53."""

    labels: tuple[str, ...]
    counts: tuple[int, ...] | None = None


class ExtentAnswer(Document):
    """Where one label is: half-open ranges of voxels by axis."""

    label: int
    voxels: int
    box: dict[str, tuple[int, int]]

    def extent(self) -> Extent:
        """Return it as a value, its box in z, y, x."""
        ranges = [self.box[axis] for axis in SPATIAL]
        box = Box(tuple(lo for lo, _ in ranges), tuple(hi for _, hi in ranges))
        return Extent(self.label, self.voxels, box)


class ChunksAnswer(Document):
    """The chunks that hold a label: cells z, y, x."""

    cells: tuple[tuple[int, ...], ...]


class PointsAnswer(Document):
    """Voxels z, y, x of a label."""

    points: tuple[tuple[int, ...], ...]


class LabelsAtAnswer(Document):
    """The labels at points; text."""

    labels: tuple[str, ...]


class BlockAnswer(Document):
    """Reserved ids."""

    first: int
    stop: int


class BodyAnswer(Document):
    """The body of a supervoxel, and the supervoxels of a body."""

    body: int
    supervoxels: tuple[int, ...]


class Change(Document):
    """A change of the mapping from supervoxels to bodies."""

    number: int
    """Number of the mapping after it."""
    kind: Literal["merge", "cleave"]
    by: str
    """Who asked for it."""
    at: datetime
    into: int
    """The body that there is after it."""
    labels: tuple[int, ...]
    """The bodies, or supervoxels, that became part of it."""
