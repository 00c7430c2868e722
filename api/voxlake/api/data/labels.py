"""Labels, bodies and where they are: as `data`, every function demands a `Granted`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data import datasets as data
from voxlake.api.data.mappings import newest_mapping
from voxlake.api.guard import Granted
from voxlake.ngff import lake
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels import mapping as label_mapping
from voxlake.ngff.labels import view
from voxlake.ngff.labels.mapping import Mapping
from voxlake.ngff.labels.queries import extent, in_box, points, sampling, where
from voxlake.ngff.labels.queries.extent import LabelExtent
from voxlake.ngff.labels.queries.in_box import LabelsInBox
from voxlake.ngff.labels.sidecars import status
from voxlake.ngff.labels.sidecars.status import IndexStatus
from voxlake.ngff.labels.table import LabelTable
from voxlake.ngff.labels.upkeep import reservation
from voxlake.ngff.labels.view import View
from voxlake.ngff.volume import Volume
from voxlake.platform.errors import ConflictError, LimitExceededError, UnsupportedError
from voxlake.platform.store import StoreURL

MAX_CELLS = 1_000_000
"""Chunks of one label that are listed."""
BYTES_A_ROW = 100
"""Memory that a row of the index takes while all labels are listed."""


@dataclass(frozen=True, slots=True)
class OpenLabels:
    """Labels that a request asks about."""

    volume: Volume
    """Level 0."""
    index_url: StoreURL
    mapping: Mapping | None
    """Applied to what is answered; None: labels are taken as the voxels have them."""

    @property
    def place(self) -> tuple[Volume, StoreURL]:
        """What queries take first."""
        return self.volume, self.index_url

    def members(self, label: int) -> int | list[int]:
        """Return what voxels have of `label`: itself, or the supervoxels of the body.

        Raises
        ------
        NotFoundError
            If bodies are asked for, and it is none.
        """
        if self.mapping is None:
            return label
        return [int(each) for each in label_mapping.check_body(self.mapping, label)]


@dataclass(frozen=True, slots=True)
class Answer[T]:
    """What was found, and which state it is true of."""

    value: T
    as_of: datetime | None = None
    """When the index was made, while a job changes all labels; None: it is the latest."""
    mapping: int | None = None
    """Number of the mapping that was applied, if bodies were asked for."""

    def headers(self) -> dict[str, str]:
        """Return the state as headers."""
        found = {"X-Index-Consistency": "latest" if self.as_of is None else "snapshot"}
        if self.as_of is not None:
            found["X-Index-As-Of"] = self.as_of.isoformat()
        if self.mapping is not None:
            found["X-Voxlake-Mapping"] = str(self.mapping)
        return found


@dataclass(frozen=True, slots=True)
class Located:
    """Where a label is."""

    extent: LabelExtent
    loose_box: Box
    """Its box, grown to whole chunks."""
    point: tuple[int, int, int] | None
    """A voxel inside it, if asked for."""


def index_url(granted: Granted) -> StoreURL:
    """Return the address of the label index.

    Raises
    ------
    UnsupportedError
        If the dataset is an image.
    """
    if granted.record.kind != "labels":
        raise UnsupportedError(
            f"{granted.record.name} is an image and has no labels; ask one of its labels datasets"
        )
    return lake.index_url(granted.lake, lake.place_of(granted.record))


async def mapping_of(granted: Granted) -> Mapping:
    """Return which body each supervoxel belongs to, as of now."""
    return await newest_mapping(granted.record, index_url(granted))


async def open_labels(granted: Granted, *, bodies: bool = False) -> OpenLabels:
    """Open labels; with `bodies` the mapping is applied to what is answered of them."""
    url = index_url(granted)
    mapping = await mapping_of(granted) if bodies else None
    return OpenLabels(await data.open_volume(granted, 0), url, mapping)


async def index_status(granted: Granted) -> IndexStatus:
    """Return how much of the label index is there and current."""
    opened = await open_labels(granted)
    return await to_thread.run_sync(status.index_status, opened.volume, opened.index_url)


async def labels_in_box(
    granted: Granted, box: Box, *, counts: bool, bodies: bool = False
) -> Answer[LabelsInBox]:
    """Return the labels that have voxels in `box` (level 0): always the latest."""
    opened = await open_labels(granted, bodies=bodies)
    find = partial(in_box.labels_in_box, opened.volume, opened.index_url, box, counts=counts)
    found = await to_thread.run_sync(find)
    if opened.mapping is None:
        return Answer(found)
    return Answer(label_mapping.remap_box(opened.mapping, found), mapping=opened.mapping.number)


async def locate(
    granted: Granted, label: int, *, point: bool = False, bodies: bool = False
) -> Answer[Located]:
    """Return boxes and counts of one label, and with `point` a voxel inside it.

    Raises
    ------
    NotFoundError
        If no voxel has it.
    """

    def ask(opened: OpenLabels, view: View) -> Located:
        members = opened.members(label)
        extent = extent_in(view, label, members)
        loose = extent.box.aligned(opened.volume.chunk) & opened.volume.box
        inside = points.point_of(*opened.place, members) if point else None
        return Located(extent, loose, inside)

    return await ask_labels(granted, ask, bodies=bodies)


async def chunks_of(
    granted: Granted, label: int, *, bodies: bool = False
) -> Answer[npt.NDArray[np.int64]]:
    """Return the cells (n, 3), in C order, of the chunks that hold one label."""

    def ask(opened: OpenLabels, view: View) -> npt.NDArray[np.int64]:
        cells = where.chunks_of(*opened.place, opened.members(label), view=view)
        if not len(cells):
            raise where.absent(opened.volume, label)
        if len(cells) > MAX_CELLS:
            raise LimitExceededError(
                f"{label} is in {len(cells)} chunks and {MAX_CELLS} are listed; ask for its coarse "
                "sparse volume"
            )
        return cells

    return await ask_labels(granted, ask, bodies=bodies)


async def find_labels(
    granted: Granted, labels: Sequence[int], *, bodies: bool = False
) -> Answer[LabelTable]:
    """Return those of `labels` that some voxel has, ascending."""

    def ask(opened: OpenLabels, view: View) -> LabelTable:
        if opened.mapping is None:
            return extent.find_labels(*opened.place, labels, view=view)
        wanted = np.array(sorted(set(labels)), np.uint64)
        members = label_mapping.all_supervoxels_of(opened.mapping, wanted)
        found = extent.find_labels(*opened.place, members, view=view)
        return label_mapping.remap(opened.mapping, found)

    return await ask_labels(granted, ask, bodies=bodies)


async def largest_labels(
    granted: Granted, count: int, *, bodies: bool = False
) -> Answer[LabelTable]:
    """Return the `count` labels of most voxels, most first.

    Raises
    ------
    LimitExceededError
        If the index is too large to be listed by a server.
    """

    def ask(opened: OpenLabels, view: View) -> LabelTable:
        _check_rows(view, granted.gateway.whole_answer_bytes // BYTES_A_ROW)
        found = extent.list_labels(*opened.place, view=view)
        if opened.mapping is not None:
            found = label_mapping.remap(opened.mapping, found)
        return found.largest(count)

    budget = granted.gateway.cutouts
    async with budget.hold(budget.limit_bytes // 2):
        return await ask_labels(granted, ask, bodies=bodies)


async def labels_at(
    granted: Granted, points: npt.NDArray[np.int64], *, bodies: bool = False
) -> Answer[npt.NDArray[np.uint64]]:
    """Return the label (n,) at each of `points` (n, 3); 0 where there is none."""
    opened = await open_labels(granted, bodies=bodies)
    async with granted.gateway.cutouts.hold(sampling.POINTS_BYTES):
        found = await to_thread.run_sync(sampling.labels_at, opened.volume, points)
    if opened.mapping is None:
        return Answer(found)
    return Answer(label_mapping.bodies_of(opened.mapping, found), mapping=opened.mapping.number)


async def points_of(
    granted: Granted, label: int, count: int, seed: int, *, bodies: bool = False
) -> Answer[npt.NDArray[np.int64]]:
    """Return (count, 3) voxels that have `label`, drawn uniformly."""

    def ask(opened: OpenLabels, view: View) -> npt.NDArray[np.int64]:  # noqa: ARG001
        return points.points_of(*opened.place, opened.members(label), count, seed)

    return await ask_labels(granted, ask, bodies=bodies)


async def reserve(granted: Granted, count: int) -> range:
    """Return `count` ids in a row that nothing has and nobody else is given."""
    opened = await open_labels(granted)
    by = granted.access.principal.name
    take = partial(reservation.reserve, opened.volume, opened.index_url, count, by)
    return await to_thread.run_sync(take)


@dataclass(frozen=True, slots=True)
class Bodies:
    """Voxels as bodies: a volume whose mapping is applied as it is read."""

    volume: Volume
    mapping: Mapping

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return which mapping is applied."""
        return (("X-Voxlake-Mapping", str(self.mapping.number)),)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Bodies are 64 bits wide, whatever supervoxels are."""
        return np.dtype(np.uint64)

    async def read(self, box: Box) -> npt.NDArray[np.uint64]:
        """Read the body of each voxel of a box."""
        supervoxels = await self.volume.read(box)
        return await to_thread.run_sync(label_mapping.apply, self.mapping, supervoxels)


async def as_bodies(granted: Granted, volume: Volume) -> Bodies:
    """Return a level of labels, to be read as bodies by the mapping as it is.

    Raises
    ------
    UnsupportedError
        If the dataset is an image, or its voxels are no unsigned integers.
    """
    mapping = await mapping_of(granted)
    if volume.dtype.kind != "u":
        raise UnsupportedError(
            f"{granted.record.name} has {volume.dtype} voxels, and bodies are of unsigned integers"
        )
    return Bodies(volume, mapping)


def extent_in(view: View, label: int, members: int | list[int]) -> LabelExtent:
    """Return where a label is, or a body with its `members`, by a state of the index.

    Raises
    ------
    NotFoundError
        If no voxel has it.
    """
    if isinstance(members, int):
        return extent.label_extent(view.volume, view.index_url, label, view=view)
    return where.extent_of(view, members, label)


async def ask_labels[T](
    granted: Granted, ask: Callable[[OpenLabels, View], T], *, bodies: bool
) -> Answer[T]:
    """Return the answer of `ask` by the index as it is, in a thread, and how old it may be."""
    opened = await open_labels(granted, bodies=bodies)
    number = None if opened.mapping is None else opened.mapping.number

    def run() -> Answer[T]:
        now = view.in_force(*opened.place)
        return Answer(ask(opened, now), now.as_of, number)

    try:
        return await to_thread.run_sync(run)
    except ConflictError:
        # Segments were merged and swept meanwhile, or the voxels were written.
        return await to_thread.run_sync(run)


def _check_rows(view: View, most: int) -> None:
    segments = view.manifest.segments if view.manifest else ()
    rows = sum(segment.rows for segment in segments)
    if rows > most:
        raise LimitExceededError(
            f"all labels were asked for and the index has {rows} rows, of which a server lists "
            f"{most}; ask the Parquet files of the index themselves, with DuckDB or polars"
        )
