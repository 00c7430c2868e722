"""Coordinate systems of NGFF 0.6: which of them an image is placed in, and where.

The levels lead to one system, the intrinsic one; further transformations lead from there to others,
or from others to there. An image is placed in the last system that they lead to, as its author
wrote them for that, and as NGFF 0.5 applies such transformations. A system without units is one of
pixels, and is not followed from one that has them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxlake.ngff.grid.axes import AxisType
from voxlake.ngff.metadata.transformations import (
    Placement,
    SystemReference,
    TransformationDocument,
    article,
)
from voxlake.platform.errors import InvalidInputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voxlake.ngff.grid.axes import Axis
    from voxlake.ngff.metadata.model import Level, Multiscale


@dataclass(frozen=True, slots=True)
class Link:
    """A transformation from one coordinate system to another."""

    start: SystemReference
    end: SystemReference
    transformation: TransformationDocument

    @classmethod
    def of(cls, transformation: TransformationDocument, path: str | None = None) -> Link:
        """Return the link that a transformation is; a system of its own group is at `path`.

        Raises
        ------
        InvalidInputError
            If it does not say what it leads from and to.
        """
        start = reference(transformation.input, path)
        end = reference(transformation.output, path)
        if start.name is None or end.name is None:
            raise InvalidInputError(
                f"{article(transformation.type)} {transformation.type} does not name the "
                "coordinate systems that it leads from and to"
            )
        return cls(start, end, transformation)

    def after(self, before: Placement, *, undone: bool) -> Placement:
        """Return what `before` and then this, or the undoing of this, amount to.

        Raises
        ------
        UnsupportedError
            If this is no scale and translation.
        """
        try:
            if not undone:
                return self.transformation.after(before)
            here = self.transformation.after(Placement.identity(len(before.scale)))
        except UnsupportedError as error:
            ends = f"from {in_words(self.start)} to {in_words(self.end)}"
            raise UnsupportedError(f"{error} {ends}") from error
        inverse = here.inverse()
        return before.then(inverse.scale, inverse.translation)


type Systems = Mapping[SystemReference, tuple[Axis, ...]]
"""Axes of coordinate systems."""

type Way = tuple[tuple[Link, bool], ...]
"""Links in the order they are gone, and of each whether it is gone backwards."""


def reference(told: SystemReference | str | None, path: str | None = None) -> SystemReference:
    """Return what a transformation leads from or to in one form; drafts of 0.6 have a text."""
    if told is None or isinstance(told, str):
        return SystemReference(name=told, path=path)
    said = (told.path or "").removeprefix("./").strip("/")
    return SystemReference(name=told.name, path=path if said in {"", "."} else said)


def in_words(system: SystemReference) -> str:
    """Return how messages call a coordinate system."""
    return f"{system.name!r} of {system.path}" if system.path else repr(system.name)


def follow(
    found: Multiscale, path: str | None, systems: Systems, links: Sequence[Link]
) -> Multiscale:
    """Return an image in the last coordinate system that `links` lead to.

    Parameters
    ----------
    found
        The image in its intrinsic coordinate system.
    path
        Of the image, below the group that relates it to others; None: only it is looked at.
    systems
        Those that there are.
    links
        Between any of them.

    Raises
    ------
    InvalidInputError
        If a link leads to a system that is not there, or has not a number for each axis.
    """
    start = SystemReference(name=found.system, path=path)
    ways = _last_systems(start, systems, links, path)
    outside = {end: way for end, way in ways.items() if end.path != path}
    return _placed_in(found, systems, outside or ways)


def _last_systems(
    start: SystemReference, systems: Systems, links: Sequence[Link], path: str | None
) -> dict[SystemReference, Way]:
    """Return the systems that links lead to from `start` and no further, and the way to each."""
    ways: dict[SystemReference, Way] = {start: ()}
    waiting, passed = [start], {start}
    while waiting:
        here = waiting.pop(0)
        for there, step in _next(here, links, path):
            if there not in systems:
                raise InvalidInputError(f"there is no coordinate system {in_words(there)}")
            if there not in ways and (has_units(systems[there]) or not has_units(systems[start])):
                ways[there] = (*ways[here], step)
                waiting.append(there)
                passed.add(here)
    return {end: way for end, way in ways.items() if end not in passed}


def _next(
    here: SystemReference, links: Iterable[Link], path: str | None
) -> Iterator[tuple[SystemReference, tuple[Link, bool]]]:
    """Yield where links lead; backwards only within the image, or to what it is part of."""
    for link in links:
        if link.start == here:
            yield link.end, (link, False)
        elif link.end == here and link.start.path in {path, None}:
            yield link.start, (link, True)


def has_units(axes: tuple[Axis, ...]) -> bool:
    """Return whether all axes of space have a unit."""
    space = [axis for axis in axes if axis.type is AxisType.SPACE]
    return bool(space) and all(axis.unit for axis in space)


def _placed_in(
    found: Multiscale, systems: Systems, ways: Mapping[SystemReference, Way]
) -> Multiscale:
    """Return the image in the one system that `ways` lead to; else say what cannot be followed."""
    try:
        placed = [_placed(found, end, systems[end], way) for end, way in ways.items()]
    except UnsupportedError as error:
        return replace(found, lost=(*found.lost, str(error)))
    if not placed:
        return found
    if any((each.axes, each.levels) != (placed[0].axes, placed[0].levels) for each in placed):
        names = " and ".join(map(in_words, ways))
        return replace(found, lost=(*found.lost, f"the coordinate systems {names}, which differ"))
    return placed[0]


def _placed(
    found: Multiscale, end: SystemReference, axes: tuple[Axis, ...], way: Way
) -> Multiscale:
    levels = tuple(_moved(level, way) for level in found.levels)
    if len(axes) != len(found.axes):
        raise InvalidInputError(
            f"the coordinate system {in_words(end)} has {len(axes)} axes, and {found.system!r}, "
            f"which is linked to it, {len(found.axes)}"
        )
    return replace(found, axes=axes, levels=levels, system=str(end.name))


def _moved(level: Level, way: Way) -> Level:
    placement = Placement(level.scale, level.translation)
    for link, undone in way:
        placement = link.after(placement, undone=undone)
    return replace(level, scale=placement.scale, translation=placement.translation)
