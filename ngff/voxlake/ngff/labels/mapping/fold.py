"""Folding: what a mapping is after operations, in time linear in both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

import numpy as np

from voxlake.ngff.labels.mapping.log import Cleave, Merge, Replace
from voxlake.ngff.labels.mapping.table import Pairs
from voxlake.ngff.memory.columns import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from voxlake.ngff.labels.mapping.log import Operation


@dataclass(slots=True)
class _Overlay:
    """What operations change of a base mapping, without touching its rows.

    A supervoxel is in `moved`, or where the body that it has in the base was renamed to.
    """

    base: Pairs
    renamed: dict[int, int] = field(default_factory=dict)
    """Body in the base -> body."""
    renamed_to: dict[int, list[int]] = field(default_factory=dict)
    """Body -> the bodies in the base that were renamed to it."""
    moved: dict[int, int] = field(default_factory=dict)
    """Supervoxel -> body."""
    moved_to: dict[int, set[int]] = field(default_factory=dict)
    """Body -> the supervoxels moved to it."""

    def merge(self, into: int, bodies: Iterable[int]) -> None:
        for body in bodies:
            sources = self.renamed_to.pop(body, [])
            if body not in self.renamed:
                sources.append(body)
            self.renamed.update(dict.fromkeys(sources, into))
            self.renamed_to.setdefault(into, []).extend(sources)
            moved = self.moved_to.pop(body, set())
            self.moved.update(dict.fromkeys(moved, into))
            self.moved_to.setdefault(into, set()).update(moved)

    def cleave(self, supervoxels: Iterable[int], into: int) -> None:
        for supervoxel in supervoxels:
            self.moved_to.get(self.moved.get(supervoxel, 0), set()).discard(supervoxel)
            self.moved[supervoxel] = into
            self.moved_to.setdefault(into, set()).add(supervoxel)

    def pairs(self) -> Pairs:
        """Return the base with the changes. Bodies that were renamed may be supervoxels, too."""
        names = _pairs(self.renamed)
        bodies = look_up(names, self.base.bodies)
        alone = _without(names, self.base.supervoxels)
        changed = _laid_over(Pairs(self.base.supervoxels, bodies), alone)
        return _laid_over(changed, _pairs(self.moved))


def fold(base: Pairs, operations: Iterable[Operation], read_table: Callable[[str], Pairs]) -> Pairs:
    """Return what `base` is after `operations`; `read_table` gives the table of a `Replace`.

    Examples
    --------
    >>> from voxlake.ngff.labels.mapping.table import pairs_of
    >>> base = pairs_of([1, 2, 3], [1, 1, 3])
    >>> fold(base, [Merge(into=3, bodies=(1,)), Cleave(body=3, supervoxels=(1,), into=1)],
    ...      read_table=lambda ulid: base).bodies
    array([1, 3, 3], dtype=uint64)
    """
    overlay = _Overlay(base)
    for operation in operations:
        match operation:
            case Merge():
                overlay.merge(operation.into, operation.bodies)
            case Cleave():
                overlay.cleave(operation.supervoxels, operation.into)
            case Replace():
                overlay = _Overlay(read_table(operation.table))
            case _:
                assert_never(operation)
    return overlay.pairs()


def look_up(pairs: Pairs, labels: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the body of each of `labels`, uint64 of any shape; its own where it has none."""
    if not len(pairs):
        return labels.copy()
    places = np.minimum(np.searchsorted(pairs.supervoxels, labels), len(pairs) - 1)
    bodies: npt.NDArray[np.uint64] = np.where(
        pairs.supervoxels[places] == labels, pairs.bodies[places], labels
    )
    return bodies


def _pairs(known: dict[int, int]) -> Pairs:
    keys = np.array(sorted(known), np.uint64)
    return Pairs(keys, np.array([known[int(key)] for key in keys], np.uint64))


def _without(pairs: Pairs, supervoxels: npt.NDArray[np.uint64]) -> Pairs:
    return pairs.where(~np.isin(pairs.supervoxels, supervoxels))


def _laid_over(under: Pairs, over: Pairs) -> Pairs:
    """Return both, sorted; where both have a supervoxel, as `over` has it."""
    if not len(over):
        return under
    both = joined([_without(under, over.supervoxels), over])
    return both.take(np.argsort(both.supervoxels, kind="stable"))
