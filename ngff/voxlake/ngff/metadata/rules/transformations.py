"""Rules of the transformations that NGFF 0.6 knows, and of the numbers they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.metadata.rules.part import (
    FULL_LIST,
    INTEGER,
    LIST,
    NUMBERS,
    OBJECT,
    TEXT,
    Kind,
    Part,
    objects,
    optional,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from voxlake.ngff.metadata.rules.part import Breaches

type Rank = int | None
"""Number of axes; None if it is not known."""

INDICES = Kind("a list of whole numbers", lambda v: LIST.fits(v) and all(map(INTEGER.fits, v)))
MATRIX = Kind("a list of lists of numbers", lambda v: LIST.fits(v) and all(map(NUMBERS.fits, v)))

PRECISE = 1e-3
"""How far the rows of a rotation may be from orthonormal: files keep few digits."""


def check_transformation(step: Part, start: Rank, end: Rank) -> Breaches:
    """Check a transformation between coordinate systems of `start` and `end` axes."""
    kind = yield from required(step, "type", TEXT)
    check = _CHECKS.get(kind.value) if kind else None
    if check:
        yield from check(step, start, end)
    elif kind:
        yield kind.breach(f"is {kind.value!r}, which NGFF does not know")


def _check_identity(step: Part, start: Rank, end: Rank) -> Breaches:
    if start is not None and end is not None and start != end:
        yield step.breach(f"leads from {start} axes to {end}; they must be as many")


def _check_along_axes(step: Part, start: Rank, end: Rank) -> Breaches:
    kind = step.value["type"]
    numbers = yield from required(step, kind, NUMBERS)
    for rank in {start, end} - {None}:
        if numbers and len(numbers.value) != rank:
            yield numbers.breach(f"has {len(numbers.value)} numbers; there are {rank} axes")
    if numbers and kind == "scale" and not all(value > 0 for value in numbers.value):
        yield numbers.breach(f"is {numbers.value}; all must be above 0")


def _check_map_axis(step: Part, start: Rank, end: Rank) -> Breaches:
    order = yield from required(step, "mapAxis", INDICES)
    if order is None:
        return
    rank = start if start is not None else end
    if sorted(order.value) != list(range(len(order.value) if rank is None else rank)):
        yield order.breach(f"is {order.value}; it must have the number of each axis once")
    yield from _check_identity(step, start, end)


def _check_project_axis(step: Part, start: Rank, end: Rank) -> Breaches:
    dropped = yield from optional(step, "droppedInputs", INDICES)
    created = yield from optional(step, "createdOutputs", INDICES)
    if dropped is None and created is None:
        yield step.breach("neither drops nor creates an axis")
    for axes, rank in ((dropped, start), (created, end)):
        if axes and len({*axes.value}) < len(axes.value):
            yield axes.breach(f"is {axes.value}; each may be there once")
        if axes and not all(0 <= each < (5 if rank is None else rank) for each in axes.value):
            yield axes.breach(f"is {axes.value}; there are no such axes")
    changed = len(created.value if created else ()) - len(dropped.value if dropped else ())
    if start is not None and end is not None and start + changed != end:
        yield step.breach(f"leads from {start} axes to {start + changed}, not to {end}")


def _check_affine(step: Part, start: Rank, end: Rank) -> Breaches:
    yield from _check_matrix(step, end, None if start is None else start + 1)


def _check_rotation(step: Part, start: Rank, end: Rank) -> Breaches:
    matrix = yield from _check_matrix(step, end, start)
    if matrix is None:
        return
    rows = np.array(matrix.value)
    if rows.ndim != 2 or rows.shape[0] != rows.shape[1]:
        yield matrix.breach("is not square")
    elif not np.allclose(rows @ rows.T, np.eye(len(rows)), atol=PRECISE):
        yield matrix.breach("has rows that are not orthonormal")
    elif not np.isclose(np.linalg.det(rows), 1, atol=PRECISE):
        yield matrix.breach("has not the determinant 1: it mirrors")


def _check_matrix(step: Part, rows: Rank, columns: Rank) -> Generator[str, None, Part | None]:
    """Return the matrix of an affine or a rotation; None if it is wrong, or kept elsewhere."""
    kind = step.value["type"]
    if "path" in step.value and kind not in step.value:
        yield from required(step, "path", TEXT)
        return None
    matrix = yield from required(step, kind, MATRIX)
    if matrix is None:
        return None
    widths = {len(row) for row in matrix.value}
    wrong = rows is not None and len(matrix.value) != rows
    if wrong or len(widths) != 1 or (columns is not None and widths != {columns}):
        shape = f"{len(matrix.value)} x {'/'.join(map(str, sorted(widths)))}"
        wanted = f"{'?' if rows is None else rows} x {'?' if columns is None else columns}"
        yield matrix.breach(f"is {shape}; it must be {wanted}")
        return None
    return matrix


def _check_sequence(step: Part, start: Rank, end: Rank) -> Breaches:
    steps = yield from required(step, "transformations", FULL_LIST)
    found = (yield from objects(steps)) if steps else []
    for number, each in enumerate(found):
        after = end if number == len(found) - 1 else _rank_after(each, start)
        yield from check_transformation(each, start, after)
        start = after


def _rank_after(step: Part, start: Rank) -> Rank:
    """Return how many axes a transformation of `start` axes leads to."""
    match step.value:
        case {"type": "affine", "affine": [*rows]}:
            return len(rows)
        case {"type": "projectAxis", **more} if start is not None:
            counts = [more.get(key) for key in ("createdOutputs", "droppedInputs")]
            created, dropped = (len(each) if isinstance(each, list) else 0 for each in counts)
            return start + created - dropped
        case {"type": "identity" | "scale" | "translation" | "mapAxis" | "rotation"}:
            return start
    return None


def _check_bijection(step: Part, start: Rank, end: Rank) -> Breaches:
    yield from _check_identity(step, start, end)
    for key, ranks in (("forward", (start, end)), ("inverse", (end, start))):
        inner = yield from required(step, key, OBJECT)
        if inner:
            yield from check_transformation(inner, *ranks)


def _check_by_dimension(step: Part, start: Rank, end: Rank) -> Breaches:
    parts = yield from required(step, "transformations", LIST)
    reached: list[int] = []
    for part in (yield from objects(parts)) if parts else []:
        taken = yield from required(part, "inputAxes", INDICES)
        given = yield from required(part, "outputAxes", INDICES)
        inner = yield from required(part, "transformation", OBJECT)
        reached += given.value if given else []
        if taken and not all(0 <= n < (5 if start is None else start) for n in taken.value):
            yield taken.breach(f"is {taken.value}; there are no such axes")
        if inner and taken and given:
            yield from check_transformation(inner, len(taken.value), len(given.value))
    wanted = list(range(len(reached) if end is None else end))
    if parts and sorted(reached) != wanted:
        yield parts.breach(f"lead to the axes {sorted(reached)}; each must be led to once")


def _check_field(step: Part, start: Rank, end: Rank) -> Breaches:
    yield from required(step, "path", TEXT)
    yield from optional(step, "interpolation", TEXT)
    if step.value["type"] == "displacements":
        yield from _check_identity(step, start, end)


_CHECKS: dict[str, Callable[[Part, Rank, Rank], Breaches]] = {
    "identity": _check_identity,
    "scale": _check_along_axes,
    "translation": _check_along_axes,
    "mapAxis": _check_map_axis,
    "projectAxis": _check_project_axis,
    "affine": _check_affine,
    "rotation": _check_rotation,
    "sequence": _check_sequence,
    "bijection": _check_bijection,
    "byDimension": _check_by_dimension,
    "displacements": _check_field,
    "coordinates": _check_field,
}
