"""OME-Zarr 0.1 to 0.3: which array is the finest level of an image, and what its axes are.

https://ngff.openmicroscopy.org/0.1/index.html, 0.2 and 0.3, "multiscales": images of 0.1 and 0.2
have five axes, t, c, z, y, x, those of 0.3 list the names of theirs. Nothing says how large voxels
are or where levels lie: such a group can be ingested, and is no dataset as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.platform.errors import MetadataError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNNAMED = "0.1 or 0.2"
"""Of metadata that name neither a version nor axes."""

_AXES = ("t", "c", "z", "y", "x")


@dataclass(frozen=True, slots=True)
class EarlyImage:
    """An image as metadata of before NGFF 0.4 describe it."""

    path: str
    """Of the array of its finest level, below the group."""
    axes: tuple[str, ...]
    """Names, in the order of the array's dimensions."""


def early_version(ome: Mapping[str, Any], first: Mapping[str, Any]) -> str | None:
    """Return the version of metadata of before NGFF 0.4; None if they are of a later one.

    Parameters
    ----------
    ome, first
        The OME-Zarr metadata of a group, and its first multiscale. A version is not always said;
        levels without transformations and axes that are texts tell it too.

    Examples
    --------
    >>> levels = [{"path": "0"}]
    >>> early_version({}, {"version": "0.2", "datasets": levels})
    '0.2'
    >>> early_version({}, {"axes": ["y", "x"], "datasets": levels})
    '0.3'
    """
    said = ome.get("version", first.get("version"))
    if said is not None:
        found = re.fullmatch(r"(0\.[123])([.-].*|rc.*)?", str(said))
        return found[1] if found else None
    levels, axes = first.get("datasets"), first.get("axes")
    if not _are_bare(levels):
        return None
    if axes is None:
        return UNNAMED
    named = isinstance(axes, list) and axes and all(isinstance(axis, str) for axis in axes)
    return "0.3" if named else None


def early_image(ome: Mapping[str, Any], where: str) -> EarlyImage | None:
    """Return the image that metadata of before NGFF 0.4 describe; None if they are of a later one.

    Raises
    ------
    MetadataError
        If they do not follow the specification; `where` has them.
    """
    match ome.get("multiscales"):
        case [dict() as first, *_] if version := early_version(ome, first):
            axes = first.get("axes", list(_AXES))
            if not isinstance(axes, list) or not all(isinstance(axis, str) for axis in axes):
                raise MetadataError(f"{where} is OME-Zarr {version}, and its axes are no texts")
            match first.get("datasets"):
                case [{"path": str() as path}, *_]:
                    return EarlyImage(path, tuple(axes))
            raise MetadataError(f"{where} is OME-Zarr {version}, and names no array of a level")
    return None


def _are_bare(levels: object) -> bool:
    """Return whether there are levels, and nothing says where they lie."""
    return (
        isinstance(levels, list)
        and len(levels) > 0
        and all(isinstance(x, dict) and "coordinateTransformations" not in x for x in levels)
    )
