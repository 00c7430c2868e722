"""Rules of what relates coordinate systems of NGFF 0.6 to one another, beyond the levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.metadata.rules.part import FULL_LIST, OBJECT, TEXT, Part, is_a, objects, required
from voxlake.ngff.metadata.rules.transformations import check_transformation

if TYPE_CHECKING:
    from collections.abc import Generator

    from voxlake.ngff.metadata.rules.part import Breaches

_OF_LABELS = ("identity", "scale", "translation", "sequence")

type End = tuple[str | None, str | None]
"""Name of a coordinate system, and path of its group; the path is None in this group."""


def check_relations(multiscale: Part, systems: dict[str, int], intrinsic: str | None) -> Breaches:
    """Check the ``coordinateTransformations`` of an image, beside those of its levels.

    Parameters
    ----------
    multiscale
        The image.
    systems
        Its coordinate systems, and how many axes each has.
    intrinsic
        The one that its levels lead to; None if they do not lead to one.
    """
    pairs = []
    if "coordinateTransformations" in multiscale.value:
        steps = yield from is_a(multiscale["coordinateTransformations"], FULL_LIST)
        for step in (yield from objects(steps)) if steps else []:
            start = yield from _end(step, "input", systems)
            end = yield from _end(step, "output", systems)
            pairs.append((start, end))
            yield from _check_pair(step, start, end, intrinsic)
            yield from check_transformation(step, _rank(start, systems), _rank(end, systems))
    if intrinsic is not None:
        yield from _check_connected(multiscale, systems, intrinsic, pairs)


def _end(step: Part, key: str, systems: dict[str, int]) -> Generator[str, None, End]:
    told = yield from required(step, key, OBJECT)
    if told is None:
        return None, None
    name = yield from required(told, "name", TEXT)
    path = (yield from is_a(told["path"], TEXT)) if told["path"].value is not None else None
    if name is None:
        return None, path.value if path else None
    if path is None and name.value not in systems:
        yield name.breach(f"is {name.value!r}, which no coordinate system is called")
    return name.value, path.value if path else None


def _check_pair(step: Part, start: End, end: End, intrinsic: str | None) -> Breaches:
    if intrinsic is not None and (intrinsic, None) not in (start, end):
        yield step.breach(
            f"neither leads from nor to {intrinsic!r}, the coordinate system of the levels"
        )
    paths = {path for _, path in (start, end)} - {None}
    kind = step.value.get("type")
    if paths and kind not in _OF_LABELS:
        yield step.breach(f"relates labels by a transformation of the type {kind!r}")


def _rank(end: End, systems: dict[str, int]) -> int | None:
    name, path = end
    return systems.get(str(name)) if path is None else None


def _check_connected(
    multiscale: Part, systems: dict[str, int], intrinsic: str, pairs: list[tuple[End, End]]
) -> Breaches:
    reached, before = {intrinsic}, set[str]()
    while reached != before:
        before = set(reached)
        for start, end in pairs:
            names = {str(name) for name, path in (start, end) if path is None}
            reached |= names if names & reached else set()
    if apart := sorted(systems.keys() - reached):
        yield multiscale["coordinateSystems"].breach(
            f"{', '.join(map(repr, apart))} are linked to {intrinsic!r} by no transformation"
        )
