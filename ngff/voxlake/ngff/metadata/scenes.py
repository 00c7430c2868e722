"""Groups above an image that place it: a scene of NGFF 0.6, or the image that labels belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.ngff.metadata.systems import Link, follow
from voxlake.ngff.metadata.v06 import MultiscaleDocument, RelationsDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from voxlake.ngff.grid.axes import Axis
    from voxlake.ngff.metadata.model import Multiscale
    from voxlake.ngff.metadata.transformations import SystemReference

LEVELS_UP = 3
"""How far above an image a scene is looked for."""


@dataclass(frozen=True, slots=True)
class Above:
    """A group above an image."""

    path: str
    """Of the image, below the group."""
    read: Callable[[str], Mapping[str, Any] | None]
    """Returns the OME-Zarr metadata of a group below this one, of itself for an empty path."""


def placed_above(
    document: MultiscaleDocument, version: str, *, is_labels: bool, above: Iterable[Above]
) -> Multiscale:
    """Return an image where the nearest group above that tells of it places it, else where it says.

    Raises
    ------
    ValueError
        If the metadata of that group are wrong.
    """
    for group in above:
        relations = _relations(group.read("") or {})
        links = [Link.of(each) for each in relations.transformations] if relations else []
        if relations and any(group.path in _paths(link) for link in links):
            found = document.in_intrinsic(version, is_labels=is_labels)
            systems = relations.systems_at(None) | document.systems_at(group.path)
            systems |= _systems_of_others(group, links)
            own = document.links_at(group.path)
            return follow(found, group.path, systems, (*links, *own))
    return document.to_multiscale(version, is_labels=is_labels)


def _relations(ome: Mapping[str, Any]) -> RelationsDocument | None:
    """Return what a group says of the coordinate systems below it; None if it says nothing."""
    match ome:
        case {"scene": dict() as scene}:
            return RelationsDocument.model_validate(scene)
        case {"multiscales": [{"coordinateSystems": _} as image, *_]}:
            return RelationsDocument.model_validate(image)
    return None


def _paths(link: Link) -> tuple[str | None, str | None]:
    return link.start.path, link.end.path


def _systems_of_others(
    group: Above, links: Iterable[Link]
) -> dict[SystemReference, tuple[Axis, ...]]:
    """Return the systems of the other images that links mention."""
    found: dict[SystemReference, tuple[Axis, ...]] = {}
    for path in {path for link in links for path in _paths(link)} - {None, group.path}:
        other = _relations(group.read(str(path)) or {})
        found |= other.systems_at(path) if other else {}
    return found
