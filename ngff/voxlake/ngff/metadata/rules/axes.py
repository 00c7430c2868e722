"""Rules of axes, and of coordinate systems of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.metadata.rules.part import (
    FLAG,
    FULL_LIST,
    LIST,
    TEXT,
    Part,
    is_a,
    objects,
    optional,
    required,
    unique,
)

if TYPE_CHECKING:
    from voxlake.ngff.metadata.rules.part import Breaches

_ORDER = {"time": 0, "space": 2}
"""Places of the types of axes; channels and what NGFF does not name are between them."""


def check_systems(multiscale: Part) -> Breaches:
    """Check ``coordinateSystems`` of NGFF 0.6."""
    systems = yield from required(multiscale, "coordinateSystems", FULL_LIST)
    if systems is None:
        return
    found = yield from objects(systems)
    names = []
    for system in found:
        name = yield from required(system, "name", TEXT)
        if name:
            names.append(name)
            yield from _check_filled(name)
        yield from check_axes(system, since_06=True)
    yield from unique(names, "coordinate system")


def check_axes(owner: Part, *, since_06: bool) -> Breaches:
    """Check ``axes``: "between 2 and 5", named, by type in the order time, channel, space."""
    axes = yield from required(owner, "axes", LIST)
    if axes is None:
        return
    if not 2 <= len(axes.value) <= 5:
        yield axes.breach(f"are {len(axes.value)}; there must be 2 to 5")
    found = yield from objects(axes)
    names = []
    for axis in found:
        name = yield from required(axis, "name", TEXT)
        if name:
            names.append(name)
        if axis["type"].value is not None:
            yield from is_a(axis["type"], TEXT)
        yield from optional(axis, "unit", TEXT)
        if since_06:
            yield from _check_since_06(axis, name)
    yield from unique(names, "axis")
    yield from _check_types(axes, [axis.value.get("type") for axis in found])


def _check_since_06(axis: Part, name: Part | None) -> Breaches:
    if name:
        yield from _check_filled(name)
    yield from optional(axis, "discrete", FLAG)
    yield from optional(axis, "longName", TEXT)


def _check_filled(name: Part) -> Breaches:
    if not name.value:
        yield name.breach("is empty")


def _check_types(axes: Part, types: list[object]) -> Breaches:
    space, time = types.count("space"), types.count("time")
    others = len(types) - space - time
    if not 2 <= space <= 3:
        yield axes.breach(f"have {space} of type space; there must be 2 or 3")
    if time > 1:
        yield axes.breach(f"have {time} of type time; there may be 1")
    if others > 1:
        yield axes.breach(f"have {others} of type channel or of another type; there may be 1")
    places = [_ORDER.get(str(each), 1) for each in types]
    if places != sorted(places):
        said = ", ".join(str(each or "none") for each in types)
        yield axes.breach(f"are of the types {said}; time must be first, then channel, then space")
