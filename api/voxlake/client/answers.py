"""What the gateway answers, as documents; what a client makes of it, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from voxlake.ngff.grid.axes import SPATIAL, Axis, AxisType
from voxlake.ngff.grid.box import Box
from voxlake.ngff.metadata import Level, Multiscale


@dataclass(frozen=True, slots=True)
class Extent:
    """Where one label is, at level 0."""

    label: int
    voxels: int
    """How many voxels have it."""
    box: Box
    """The tightest box around them."""


class Answer(BaseModel):
    """A frozen JSON document; what a newer gateway says besides is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DatasetSummary(Answer):
    """A dataset in a list."""

    name: str
    kind: Literal["image", "labels"]
    of: str | None = None
    """Labels only: name of the image they belong to."""
    state: str
    public: bool
    created_at: datetime


class DatasetList(Answer):
    """The datasets that one may read."""

    datasets: tuple[DatasetSummary, ...]


class AxisInfo(Answer):
    """One axis, in the order of the arrays' dimensions."""

    name: str
    type: AxisType | None
    unit: str | None


class LevelInfo(Answer):
    """One level; all tuples are in the order of the axes."""

    level: int
    path: str
    """Of the array below the group."""
    shape: tuple[int, ...]
    scale: tuple[float, ...]
    """Physical size of a voxel."""
    translation: tuple[float, ...]
    """Physical place of the first voxel's centre."""
    chunk: tuple[int, ...]
    shard: tuple[int, ...]


class DatasetInfo(DatasetSummary):
    """A dataset, with what its metadata on the store say."""

    store_url: str
    """The OME-Zarr group, for direct access."""
    zarr_url: str
    """The same bytes through the gateway."""
    ngff_version: str
    shape: tuple[int, ...]
    """Of level 0."""
    dtype: str
    axes: tuple[AxisInfo, ...]
    levels: tuple[LevelInfo, ...]

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes, in the order of the arrays' dimensions."""
        return tuple(axis.name for axis in self.axes)

    @property
    def multiscale(self) -> Multiscale:
        """The dataset's metadata, as the rest of voxlake has them."""
        return Multiscale(
            self.name.rpartition("/")[2],
            tuple(Axis(axis.name, axis.type, axis.unit) for axis in self.axes),
            tuple(Level(each.path, each.scale, each.translation) for each in self.levels),
            self.ngff_version,
            is_labels=self.kind == "labels",
        )


class LabelsAnswer(Answer):
    """The labels in a box, ascending; text, as JSON numbers end at 2^53."""

    labels: tuple[str, ...]
    counts: tuple[int, ...] | None = None


class ExtentAnswer(Answer):
    """Where one label is: half-open ranges of voxels by axis."""

    label: int
    voxels: int
    box: dict[str, tuple[int, int]]

    def extent(self) -> Extent:
        """Return it as a value, its box in z, y, x."""
        ranges = [self.box[axis] for axis in SPATIAL]
        box = Box(tuple(lo for lo, _ in ranges), tuple(hi for _, hi in ranges))
        return Extent(self.label, self.voxels, box)


class ChunksAnswer(Answer):
    """The chunks that hold a label: cells z, y, x."""

    cells: tuple[tuple[int, ...], ...]


class PointsAnswer(Answer):
    """Voxels z, y, x of a label."""

    points: tuple[tuple[int, ...], ...]


class LabelsAtAnswer(Answer):
    """The labels at points; text."""

    labels: tuple[str, ...]


class BlockAnswer(Answer):
    """Reserved ids."""

    first: int
    stop: int


class BodyAnswer(Answer):
    """The body of a supervoxel, and the supervoxels of a body."""

    body: int
    supervoxels: tuple[int, ...]


class Change(Answer):
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


class LinkAnswer(Answer):
    """A view in Neuroglancer."""

    link: str
