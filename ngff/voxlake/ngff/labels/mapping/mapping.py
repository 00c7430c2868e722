"""A mapping as of one number, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.labels.label_id import MAX_LABEL, flat_labels
from voxlake.ngff.labels.mapping.fold import fold, look_up
from voxlake.ngff.labels.mapping.log import read_entries
from voxlake.ngff.labels.mapping.table import Pairs, newest_snapshot, read_table, table_url
from voxlake.ngff.labels.scan.counts import Counts
from voxlake.ngff.labels.table import UNKNOWN, LabelTable, merge_tables
from voxlake.ngff.memory.columns import merged
from voxlake.platform.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.labels.queries.in_box import LabelsInBox
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """Which body each supervoxel belongs to, as of one number. Held in memory, 16 bytes each."""

    number: int
    """Entries of the log that it follows; 0: nobody mapped anything."""
    pairs: Pairs
    """Supervoxels that have another body than themselves, and maybe some that have not."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return 16 * len(self.pairs)


def open_mapping(index_url: StoreURL, at: int | None = None) -> Mapping:
    """Return the mapping of the labels whose index is at `index_url`.

    Reads the newest snapshot, and the entries of the log since. Labels that were never mapped
    have an empty mapping with the number 0.

    Parameters
    ----------
    at
        As of this number; by default the newest.

    Raises
    ------
    NotFoundError
        If there is no such number yet.
    """
    if at is not None and at < 0:
        raise InvalidInputError(f"{at} is no number of a mapping; ask for 0 or above")
    number, pairs = newest_snapshot(index_url / "mapping", at)
    mapping = _after(index_url / "mapping", Mapping(number, pairs), at)
    if at is not None and mapping.number != at:
        raise NotFoundError(
            f"the mapping below {index_url} has the number {mapping.number} and not yet {at}; "
            "ask for an earlier one"
        )
    return mapping


def refresh(index_url: StoreURL, mapping: Mapping) -> Mapping:
    """Return the mapping as of now, given an earlier one.

    Reads only the entries since: one request if there are none. Raises as `open_mapping`.
    """
    return _after(index_url / "mapping", mapping, None)


def _after(url: StoreURL, mapping: Mapping, stop: int | None) -> Mapping:
    entries = list(read_entries(url, mapping.number, stop))
    if not entries:
        return mapping
    operations = (entry.operation for entry in entries)
    pairs = fold(mapping.pairs, operations, lambda ulid: read_table(table_url(url, ulid)))
    return Mapping(mapping.number + len(entries), pairs)


def bodies_of(mapping: Mapping, supervoxels: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Return the body of each supervoxel, uint64 in the shape of `supervoxels`."""
    return look_up(mapping.pairs, np.asarray(supervoxels, np.uint64))


def supervoxels_of(mapping: Mapping, body: int) -> npt.NDArray[np.uint64]:
    """Return the supervoxels of a body, ascending.

    The mapping does not know which supervoxels there are in the voxels: the body's own number is
    among them unless it is mapped elsewhere, and so are those of bodies merged into it. A body
    that was merged into another has none.

    Raises
    ------
    InvalidInputError
        If no voxel can have that label.
    """
    if not 0 < body <= MAX_LABEL:
        raise InvalidInputError(f"{body} is no body; ask for one from 1 to {MAX_LABEL}")
    label = np.uint64(body)
    named: npt.NDArray[np.uint64] = mapping.pairs.supervoxels[mapping.pairs.bodies == label]
    return named if is_mapped(mapping, body) else np.sort(np.append(named, label))


def all_supervoxels_of(mapping: Mapping, bodies: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the supervoxels of some bodies, ascending; what is no body has none.

    As `supervoxels_of`, in one pass over the mapping.
    """
    named = mapping.pairs.supervoxels[np.isin(mapping.pairs.bodies, bodies)]
    return np.union1d(named, bodies[look_up(mapping.pairs, bodies) == bodies])


def renumbered(mapping: Mapping) -> Pairs:
    """Return the supervoxels that have another number than their body, or are background."""
    return mapping.pairs.where(mapping.pairs.supervoxels != mapping.pairs.bodies)


def merged_bodies(mapping: Mapping) -> list[list[int]]:
    """Return the labels of each body that has several, ascending by body.

    The body's own number is the first of them, unless that belongs to another body.

    Examples
    --------
    >>> from voxlake.ngff.labels.mapping.table import pairs_of
    >>> merged_bodies(Mapping(1, pairs_of([2, 3, 4, 8, 9], [1, 1, 4, 2, 2])))
    [[1, 2, 3], [8, 9]]
    """
    moved = renumbered(mapping)
    moved = moved.take(np.argsort(moved.bodies, kind="stable"))
    bodies, starts = np.unique(moved.bodies, return_index=True)
    own = look_up(mapping.pairs, bodies) == bodies
    # Of no bodies this is one empty part, which `zip` leaves.
    parts = np.split(moved.supervoxels, starts[1:])
    labels = (
        [body] * has_own + part.tolist()
        for body, has_own, part in zip(bodies.tolist(), own.tolist(), parts, strict=False)
    )
    return [each for each in labels if len(each) > 1]


def check_body(mapping: Mapping, body: int) -> npt.NDArray[np.uint64]:
    """Return the supervoxels of a body, of which there is one at least.

    Raises
    ------
    InvalidInputError
        If no voxel can have that label.
    NotFoundError
        If it is no body: it was merged into another, or is background.
    """
    supervoxels = supervoxels_of(mapping, body)
    if not len(supervoxels):
        owner = int(bodies_of(mapping, [body])[0])
        raise NotFoundError(
            f"{body} is no body as of mapping {mapping.number}: its own supervoxel belongs to "
            f"{owner or 'the background'}; ask for that, or for the label without bodies"
        )
    return supervoxels


def is_mapped(mapping: Mapping, supervoxel: int) -> bool:
    """Return whether the mapping names the supervoxel."""
    mapped = mapping.pairs.supervoxels
    place = int(np.searchsorted(mapped, np.uint64(supervoxel)))
    return bool(place < len(mapped) and int(mapped[place]) == supervoxel)


def apply(mapping: Mapping, voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Return the body of each voxel: uint64 in C order, in the shape of `voxels`.

    One compiled pass without the GIL, that looks each label of the block up once.

    Parameters
    ----------
    voxels
        Supervoxels, unsigned integers of any shape and width.

    Raises
    ------
    InvalidInputError
        If they are not unsigned integers.
    """
    # Imports the compiler, which all but cutouts as bodies do without.
    from voxlake.ngff.labels.mapping.kernel import remap_voxels

    flat = flat_labels(voxels)
    bodies = np.empty(voxels.shape, np.uint64)
    remap_voxels(flat, mapping.pairs.supervoxels, mapping.pairs.bodies, bodies.reshape(-1))
    return bodies


def remap(mapping: Mapping, table: LabelTable) -> LabelTable:
    """Return the bodies of a table of supervoxels: one line per body, ascending.

    Voxels are summed and the box is that around the boxes of the supervoxels: both are exact, as
    a voxel has one supervoxel. `chunks` and `shards` are exact for bodies of one supervoxel of
    the table, and `UNKNOWN` for all others, since two supervoxels may share a chunk, and counts do
    not tell. Supervoxels that are mapped to 0 have no line.
    """
    bodies = bodies_of(mapping, table.labels)
    summed = merge_tables([replace(table, labels=bodies).where(bodies != 0)])
    members = np.unique_counts(bodies[bodies != 0]).counts
    return replace(
        summed,
        chunks=np.where(members == 1, summed.chunks, UNKNOWN),
        shards=np.where(members == 1, summed.shards, UNKNOWN),
    )


def remap_box(mapping: Mapping, counted: LabelsInBox) -> LabelsInBox:
    """Return the bodies of a box, from its supervoxels, with counts if those have them: exact."""
    bodies = bodies_of(mapping, counted.labels)
    kept = bodies != 0
    if counted.voxels is None:
        return replace(counted, labels=np.unique(bodies[kept]))
    counts = merged(Counts(bodies[kept], counted.voxels[kept]))
    return replace(counted, labels=counts.labels, voxels=counts.voxels)
