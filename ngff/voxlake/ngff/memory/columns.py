"""Columns: tables in memory, as arrays of equal length."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

BOX = ("z0", "y0", "x0", "z1", "y1", "x1")
"""Names of the columns of boxes wherever tables are stored or answered; in memory start, stop."""
MERGED_LINES = 1 << 20
"""Lines that wait at least to be merged into one table."""

_REDUCED = {"start": np.minimum, "stop": np.maximum}
"""How columns of several lines make one, if they are not added up."""

_names: dict[type[Columns], tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A table whose fields are its columns: arrays with a line (n, ...) for each thing.

    Examples
    --------
    >>> @dataclass(frozen=True, slots=True, eq=False)
    ... class Sizes(Columns):
    ...     labels: npt.NDArray[np.uint64]
    ...     voxels: npt.NDArray[np.uint64]
    >>> sizes = Sizes(np.array([3, 5, 8]), np.array([10, 20, 30]))
    >>> joined([sizes.take(np.array([2])), sizes.where(sizes.voxels < 20)]).labels
    array([8, 3])
    """

    def __len__(self) -> int:
        return len(getattr(self, names(type(self))[0]))

    def take(self, lines: npt.NDArray[np.intp]) -> Self:
        """Return the given lines, in that order."""
        return type(self)(*[getattr(self, name)[lines] for name in names(type(self))])

    def where(self, mask: npt.NDArray[np.bool_]) -> Self:
        """Return the lines that a mask (n,) selects: the table itself if it is all of them."""
        return self if mask.all() else self.take(np.flatnonzero(mask))


@dataclass(frozen=True, slots=True, eq=False)
class LabelColumns(Columns):
    """A table of labels."""

    labels: npt.NDArray[np.uint64]
    """(n,) ids; never 0, the background."""

    def of_labels(self, labels: npt.NDArray[np.uint64]) -> Self:
        """Return the lines of the given labels, ascending and each once."""
        return self.where(are_among(self.labels, labels))


def names(kind: type[Columns]) -> tuple[str, ...]:
    """Return the names of the columns of a kind of tables, in their order."""
    known = _names.get(kind)
    if known is None:
        known = _names[kind] = tuple(field.name for field in fields(kind))
    return known


def joined[C: Columns](tables: Iterable[C]) -> C:
    """Return the lines of all tables of one kind, at least one, one table after the other."""
    all_ = list(tables)
    kind = type(all_[0])
    return kind(*[np.concatenate([getattr(one, name) for one in all_]) for name in names(kind)])


def merged[C: LabelColumns](table: C) -> C:
    """Return one line per label, ascending: the box around its boxes, and numbers added up."""
    if not (table.labels[:-1] <= table.labels[1:]).all():
        table = table.take(np.argsort(table.labels, kind="stable"))
    is_first = np.ones(len(table), np.bool_)
    np.not_equal(table.labels[1:], table.labels[:-1], out=is_first[1:])
    if is_first.all():
        return table
    first = np.flatnonzero(is_first)
    numbers = [
        _REDUCED.get(name, np.add).reduceat(getattr(table, name), first, axis=0)
        for name in names(type(table))[1:]
    ]
    return type(table)(table.labels[first], *numbers)


def merged_all[C: LabelColumns](tables: Iterable[C], none: C) -> C:
    """Return one line per label of all tables, which are not in memory together.

    Parameters
    ----------
    none
        A table without lines.
    """
    waiting, lines, most = [none], 0, MERGED_LINES
    for table in tables:
        waiting.append(table)
        lines += len(table)
        # Whenever as many lines wait as there are merged ones.
        if lines > most:
            waiting = [merged(joined(waiting))]
            lines, most = 0, len(waiting[0]) + MERGED_LINES
    return merged(joined(waiting))


def no_lines[C: Columns](kind: type[C], *columns: str) -> C:
    """Return an empty table, given the type of each column: "u8", or "3i8" for three in a line."""
    return kind(*[np.empty(0, column) for column in columns])


def corners(
    columns: Mapping[str, npt.NDArray[np.int64]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return start and stop, (n, 3) each, of the columns `BOX` among others."""
    z0, y0, x0, z1, y1, x1 = (columns[name] for name in BOX)
    return np.stack((z0, y0, x0), axis=-1), np.stack((z1, y1, x1), axis=-1)


def are_among(
    values: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Return of each of `values` (n,) whether it is one of `wanted`, ascending and each once."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    return np.asarray(wanted[place] == values, np.bool_)
