"""What is in force: which segments count for which shards, and what has to be asked of the shards.

A view lists the markers FIRST and takes the newest manifest then. Whatever is written, compacted
or swept meanwhile: a shard without a marker in that list had, at some moment since, the state
that the newest segment covering it tells of; a shard with one is asked itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from voxlake.ngff.labels.scan.rows import check_labels, find_rows
from voxlake.ngff.labels.segments.manifest import (
    Geometry,
    Manifest,
    Segment,
    geometry_of,
    newest_manifest,
)
from voxlake.ngff.labels.segments.reader import (
    find_in_segment,
    read_cover,
    read_footer,
    read_groups,
)
from voxlake.ngff.labels.segments.rows import (
    NO_ROWS,
    SegmentRows,
    join_rows,
    rows_of_shard,
    shard_grid,
    shard_number,
)
from voxlake.ngff.labels.sidecars.trust import in_parallel, shard_etag, stored_shards, trusted_rows
from voxlake.ngff.labels.upkeep.marker import Cell, list_markers
from voxlake.ngff.shards.whole import read_shard
from voxlake.platform.errors import ConflictError, CorruptDataError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

# Of arrays that are open.
_geometries: WeakKeyDictionary[object, Geometry] = WeakKeyDictionary()

ATTEMPTS = 10
"""Times that a query begins again because segments were merged and swept while it read them."""

READ_GROUPS = 64
"""Row groups of a segment in memory at a time when all labels are asked for."""


@dataclass(frozen=True, slots=True)
class View:
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
    def consistency(self) -> Literal["latest", "snapshot"]:
        """Whether answers are of the latest voxels, or those of the manifest."""
        return "latest" if self.as_of is None else "snapshot"


def in_force(volume: Volume, index_url: StoreURL) -> View:
    """Return the state of the index as it is: two listings, and what they name if it is new.

    Queries take one for each answer. Who asks many questions may take one and give it to them
    all: a look-up is then one range of bytes, or none. By it a shard is told of as it was when
    the view was made, or later if it had a mark then; what is written, compacted or audited
    afterwards is not seen. Make a new one as often as news matter: once for a request, a table,
    some seconds. It can be held until the segments are merged and `KEPT_MANIFESTS` more manifests
    made; queries then say that it is too old.

    Raises
    ------
    UnsupportedError
        If the volume is none that can be indexed (see `check_labels`).
    CorruptDataError, StoreError
        If the newest manifest is damaged, or the store fails.
    """
    geometry = _checked_geometry(volume)
    markers = list_markers(index_url)
    manifest = newest_manifest(index_url)
    if manifest is None or manifest.geometry != geometry:
        return View(volume, index_url, None, tuple(stored_shards(volume)), bulk=False)
    if not markers:
        return View(volume, index_url, manifest, (), bulk=False)
    grid = shard_grid(volume)
    cells = {marker.cell for marker in markers if marker.cell is not None}
    dirty = sorted(cell for cell in cells if all(i < n for i, n in zip(cell, grid, strict=True)))
    bulk = any(marker.cell is None for marker in markers)
    return View(volume, index_url, manifest, tuple(dirty), bulk)


def _checked_geometry(volume: Volume) -> Geometry:
    """Return the geometry of a volume that can be indexed; TensorStore takes long to tell it."""
    known = _geometries.get(volume.array)
    if known is None:
        check_labels(volume)
        known = _geometries[volume.array] = geometry_of(volume)
    return known


def ask_in_force[T](
    volume: Volume, index_url: StoreURL, ask: Callable[[View], T], view: View | None = None
) -> T:
    """Return the answer of `ask` by what is in force, asked anew if segments are swept meanwhile.

    Parameters
    ----------
    view
        By which to answer in the place of what is in force.

    Raises
    ------
    ConflictError
        If `view` is so old that its segments were swept.
    CorruptDataError
        If the newest manifest names segments that are not there.
    """
    if view is not None:
        return _ask_held(view, ask)
    before: int | None = None
    for _ in range(ATTEMPTS):
        view = in_force(volume, index_url)
        try:
            return ask(view)
        except ObjectNotFoundError as error:
            number = view.manifest.number if view.manifest else None
            if number == before:
                raise _incomplete(index_url, number) from error
            before = number
    raise _incomplete(index_url, before)


def _ask_held[T](view: View, ask: Callable[[View], T]) -> T:
    try:
        return ask(view)
    except ObjectNotFoundError as error:
        raise ConflictError(
            f"the segments of a view of {view.index_url} have been merged and swept since it was "
            "made; make a new one"
        ) from error


def find_rows_in_force(view: View, labels: npt.NDArray[np.uint64]) -> SegmentRows:
    """Return the rows of some labels, by label, then shard; a label that is nowhere has none.

    Parameters
    ----------
    labels
        (n,) ascending, each once.
    """
    counted = [
        without(find_in_segment(view.index_url, segment, labels), hidden)
        for segment, hidden in segments_in_force(view)
    ]
    asked = ask_shards(view, lambda rows: rows.of_labels(labels))
    return join_rows([*counted, *asked]).ordered()


def all_rows_in_force(view: View) -> Iterator[SegmentRows]:
    """Yield the rows of all labels, in parts of bounded size that are sorted each for itself."""
    for segment, hidden in segments_in_force(view):
        for file in segment.files:
            count = len(read_footer(view.index_url, file).groups)
            for first in range(0, count, READ_GROUPS):
                groups = list(range(first, min(first + READ_GROUPS, count)))
                yield without(join_rows(read_groups(view.index_url, file, groups)), hidden)
    yield from ask_shards(view, lambda rows: rows)


def segments_in_force(view: View) -> list[tuple[Segment, npt.NDArray[np.uint64]]]:
    """Return the segments, newest first, each with the shards (ascending) it must not tell of.

    These are the ones that a newer segment covers, and the dirty ones.
    """
    hidden = np.array([shard_number(view.volume, cell) for cell in view.dirty], np.uint64)
    found = []
    segments = view.manifest.segments if view.manifest else ()
    for place, segment in reversed(list(enumerate(segments))):
        found.append((segment, hidden))
        if place:
            hidden = np.union1d(hidden, read_cover(view.index_url, segment).shards)
    return found


def without(rows: SegmentRows, hidden: npt.NDArray[np.uint64]) -> SegmentRows:
    """Return the rows of shards that are not among `hidden`, ascending."""
    if not len(hidden) or not len(rows):
        return rows
    place = np.minimum(np.searchsorted(hidden, rows.shards), len(hidden) - 1)
    return rows.where(hidden[place] != rows.shards)


def ask_shards(view: View, select: Callable[[SegmentRows], SegmentRows]) -> Iterator[SegmentRows]:
    """Yield what `select` takes of each dirty shard: of its sidecar if trusted, else its voxels."""
    if not view.dirty:
        return

    def ask(cell: Cell) -> SegmentRows | None:
        etag = shard_etag(view.volume, cell)
        if etag is None:
            return NO_ROWS
        rows = trusted_rows(view.volume, view.index_url, cell, etag)
        return None if rows is None else select(rows_of_shard(rows, _number(view, cell)))

    unknown = []
    for cell, found in zip(view.dirty, in_parallel(ask, view.dirty), strict=True):
        if found is None:
            unknown.append(cell)
        else:
            yield found
    for cell in unknown:
        # One at a time: a whole shard of decoded labels can take a gigabyte.
        rows = find_rows(view.volume, cell, read_shard(view.volume, cell)[0])
        yield select(rows_of_shard(rows, _number(view, cell)))


def _number(view: View, cell: Cell) -> int:
    return shard_number(view.volume, cell)


def _incomplete(index_url: StoreURL, number: int | None) -> CorruptDataError:
    return CorruptDataError(
        f"segments that manifest {number} of {index_url} names are not there; delete the folders "
        "runs and manifest of the index, and compact it"
    )
