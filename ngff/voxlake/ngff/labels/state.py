"""What is in force: which segments count for which shards, and what has to be asked of the shards.

A state lists the markers FIRST and takes the newest manifest then. Whatever is written, compacted
or swept meanwhile: a shard without a marker in that list had, at some moment since, the state
that the newest segment covering it tells of; a shard with one is asked itself.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.ngff.labels.scan.stored import stored_rows
from voxlake.ngff.labels.segments.cover import read_cover
from voxlake.ngff.labels.segments.manifest import (
    REBUILD,
    Geometry,
    Manifest,
    Segment,
    geometry_of,
    newest_manifest,
)
from voxlake.ngff.labels.segments.rows import (
    SegmentRows,
    join_rows,
    rows_of_shard,
)
from voxlake.ngff.labels.segments.segment_file import find_in_segment
from voxlake.ngff.labels.sidecars.trust import known_rows, stored_shards
from voxlake.ngff.labels.upkeep.marker import list_markers
from voxlake.ngff.memory.columns import are_among
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError, OutdatedError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

# Of arrays that are open.
_geometries: WeakKeyDictionary[object, Geometry] = WeakKeyDictionary()

type Consistency = Literal["latest", "indexed", "snapshot"]
"""What answers by label are true of.

``latest``: the voxels as they are, as the ETag of every shard was compared with its sidecar's.
``indexed``: all that was written by way of voxlake; what another program wrote is not seen before
an audit. ``snapshot``: the manifest, while a bulk job changes shards.
"""

ATTEMPTS = 10
"""Times that a query begins again because segments were merged and swept while it read them."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """One state of the index, by which queries answer."""

    volume: Volume
    index_url: StoreURL
    manifest: Manifest | None
    """The newest there was; None if there is none for volumes of this geometry."""
    dirty: tuple[Cell, ...]
    """Shards that are asked themselves: those with a marker, or without a manifest all stored."""
    bulk: bool
    """Whether a bulk job may be changing shards that have no marker of their own."""
    memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was made of it, for the next query by it."""

    @property
    def as_of(self) -> datetime | None:
        """When the manifest was made, if answers may be no newer; None if they are the latest."""
        return self.manifest.made if self.manifest and self.bulk else None

    @property
    def consistency(self) -> Consistency:
        """What answers by label are true of; see `Consistency`."""
        if self.manifest is None:
            return "latest"
        return "snapshot" if self.bulk else "indexed"

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments in force, oldest first."""
        return self.manifest.segments if self.manifest else ()

    @property
    def rows(self) -> int:
        """Rows of the segments in force."""
        return sum(segment.rows for segment in self.segments)


def in_force(labels: Labels) -> IndexState:
    """Return the state of the index as it is: two listings, and what they name if it is new.

    It can be held until the segments are merged and `KEPT_MANIFESTS` more manifests made; what is
    asked by it then raises OutdatedError.
    """
    volume, index_url = labels.volume, labels.index_url
    geometry = _checked_geometry(volume)
    markers = list_markers(index_url)
    manifest = newest_manifest(index_url)
    if manifest is None or not _same_geometry(volume, manifest.geometry, geometry):
        return IndexState(volume, index_url, None, tuple(stored_shards(volume)), bulk=False)
    cells = {marker.cell for marker in markers}
    dirty = sorted(cell for cell in cells if cell and volume.has_shard(cell))
    return IndexState(volume, index_url, manifest, tuple(dirty), bulk=None in cells)


def _checked_geometry(volume: Volume) -> Geometry:
    """Return the geometry of a volume that can be indexed; TensorStore takes long to tell it."""
    known = _geometries.get(volume.array)
    if known is None:
        check_labels(volume)
        known = _geometries[volume.array] = geometry_of(volume)
    return known


def _same_geometry(volume: Volume, stored: Geometry, geometry: Geometry) -> bool:
    """Return whether a manifest is of the volume's geometry; if so, the next look finds its own."""
    if stored is not geometry:
        if stored != geometry:
            return False
        _geometries[volume.array] = stored
    return True


def ask_in_force[T](labels: Labels, ask: Callable[[IndexState], T]) -> T:
    """Return the answer of `ask` by what is in force, asked anew of what is in force by then.

    Raises
    ------
    OutdatedError
        If segments are swept, or voxels written, each of `ATTEMPTS` times before it is answered.
    CorruptDataError
        If the newest manifest names segments that are not there.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(OutdatedError):
            return answered(in_force(labels), ask)
    return answered(in_force(labels), ask)


def answered[T, *Given](
    state: IndexState, ask: Callable[[IndexState, *Given], T], *given: *Given
) -> T:
    """Return the answer of `ask` by a state.

    Raises
    ------
    OutdatedError
        If segments of the state have been swept since.
    CorruptDataError
        If the newest manifest names segments that are not there.
    """
    try:
        return ask(state, *given)
    except ObjectNotFoundError as error:
        newest = newest_manifest(state.index_url)
        if newest == state.manifest:
            raise CorruptDataError(
                f"segments that manifest {newest and newest.number} of {state.index_url} names "
                f"are not there; {REBUILD}"
            ) from error
        raise OutdatedError(
            f"the segments of a view of {state.index_url} have been merged and swept since it was "
            "made; make a new one"
        ) from error


def find_rows_in_force(state: IndexState, labels: npt.NDArray[np.uint64]) -> SegmentRows:
    """Return the rows of some labels, by label, then shard; a label that is nowhere has none.

    Parameters
    ----------
    labels
        (n,) ascending, each once.
    """
    counted = [
        without(find_in_segment(state.index_url, segment, labels), hidden)
        for segment, hidden in segments_in_force(state)
    ]
    asked = ask_shards(state, lambda rows: rows.of_labels(labels))
    return join_rows([*counted, *asked]).ordered()


def segments_in_force(state: IndexState) -> list[tuple[Segment, npt.NDArray[np.uint64]]]:
    """Return the segments, newest first, each with the shards (ascending) it must not tell of.

    These are the ones that a newer segment covers, and the dirty ones.
    """
    hidden = np.array([state.volume.shard_number(cell) for cell in state.dirty], np.uint64)
    in_force = []
    for place, segment in reversed(list(enumerate(state.segments))):
        in_force.append((segment, hidden))
        if place:
            hidden = np.union1d(hidden, read_cover(state.index_url, segment).shards)
    return in_force


def without(rows: SegmentRows, hidden: npt.NDArray[np.uint64]) -> SegmentRows:
    """Return the rows of shards that are not among `hidden`, ascending."""
    return rows.where(~are_among(rows.shards, hidden)) if len(hidden) else rows


def ask_shards(
    state: IndexState, select: Callable[[SegmentRows], SegmentRows]
) -> Iterator[SegmentRows]:
    """Yield what `select` takes of each dirty shard: of its sidecar if trusted, else its voxels."""
    if not state.dirty:
        return

    def ask(cell: Cell) -> SegmentRows | None:
        known = known_rows(state.volume, state.index_url, cell)
        return known and select(rows_of_shard(known[0], state.volume.shard_number(cell)))

    unknown = []
    for cell, rows in zip(state.dirty, in_parallel(ask, state.dirty), strict=True):
        if rows is None:
            unknown.append(cell)
        else:
            yield rows
    for cell in unknown:
        # One at a time: the stored bytes of a shard can be many.
        scanned, _ = stored_rows(state.volume, cell)
        yield select(rows_of_shard(scanned, state.volume.shard_number(cell)))
