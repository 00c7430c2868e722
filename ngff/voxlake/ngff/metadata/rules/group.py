"""Rules of the OME-Zarr metadata of a group: an image, or labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from voxlake.ngff.metadata.rules.axes import check_axes, check_systems
from voxlake.ngff.metadata.rules.levels import check_levels, check_levels_of_06
from voxlake.ngff.metadata.rules.part import (
    FULL_LIST,
    INTEGER,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    Part,
    objects,
    optional,
    required,
    unique,
)
from voxlake.ngff.metadata.rules.relations import check_relations

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from voxlake.ngff.metadata.rules.part import Breaches


def breaches(ome: Mapping[str, Any], version: str) -> Iterator[str]:
    """Yield what the metadata of an image or of labels must not be, each with its place.

    Parameters
    ----------
    ome
        What zarr v3 keeps under ``attributes.ome`` and zarr v2 in ``.zattrs``.
    version
        Of NGFF: 0.4, 0.5 or 0.6.
    """
    group = Part("", ome)
    if version != "0.4":
        yield from required(group, "version", TEXT)
    multiscales = yield from required(group, "multiscales", FULL_LIST)
    if multiscales:
        yield from unique(multiscales.items, "multiscale")
        for multiscale in (yield from objects(multiscales)):
            yield from _check_multiscale(multiscale, version)
    omero = yield from optional(group, "omero", OBJECT)
    if omero:
        yield from _check_omero(omero)
    label = yield from optional(group, "image-label", OBJECT)
    if label:
        yield from _check_image_label(label, version)


def _check_multiscale(multiscale: Part, version: str) -> Breaches:
    yield from optional(multiscale, "name", TEXT)
    if version == "0.4":
        told = yield from optional(multiscale, "version", TEXT)
        if told and told.value != "0.4":
            yield told.breach(f"is {told.value!r}, and the others are of 0.4")
    if version != "0.6":
        yield from check_axes(multiscale, since_06=False)
        yield from check_levels(multiscale)
        return
    systems = _ranks(multiscale)
    yield from check_systems(multiscale)
    yield from check_levels_of_06(multiscale, systems)
    yield from check_relations(multiscale, systems, _intrinsic(multiscale, systems))


def _ranks(multiscale: Part) -> dict[str, int]:
    """Return how many axes each coordinate system has, of those that are well-formed."""
    found = multiscale["coordinateSystems"].value
    return {
        system["name"]: len(system["axes"])
        for system in (found if isinstance(found, list) else [])
        if isinstance(system, dict)
        and isinstance(system.get("name"), str)
        and isinstance(system.get("axes"), list)
    }


def _intrinsic(multiscale: Part, systems: dict[str, int]) -> str | None:
    match multiscale.value.get("datasets"):
        case [
            {"coordinateTransformations": [{"output": {"name": str() as name}}, *_]},
            *_,
        ] if name in systems:
            return str(name)
    return None


def _check_omero(omero: Part) -> Breaches:
    channels = yield from required(omero, "channels", LIST)
    for channel in (yield from objects(channels)) if channels else []:
        color = yield from required(channel, "color", TEXT)
        if color and not re.fullmatch("[0-9a-fA-F]{6}", color.value):
            yield color.breach(f"is {color.value!r}, not 6 hexadecimal digits")
        window = yield from required(channel, "window", OBJECT)
        for key in ("min", "max", "start", "end") if window else ():
            assert window is not None
            yield from required(window, key, NUMBER)
        ends = [window.value.get(key) for key in ("min", "max")] if window else []
        if window and all(map(NUMBER.fits, ends)) and ends[0] > ends[1]:
            yield window.breach(f"has a min of {ends[0]}, above its max of {ends[1]}")


def _check_image_label(label: Part, version: str) -> Breaches:
    colors = yield from _label_values(label, "colors")
    for color in colors:
        rgba = yield from optional(color, "rgba", LIST)
        if rgba and not _is_rgba(rgba.value):
            yield rgba.breach(f"is {rgba.value}, not four whole numbers from 0 to 255")
    if version == "0.4":
        yield from unique([color["label-value"] for color in colors], "color's")
    yield from _label_values(label, "properties")
    source = yield from optional(label, "source", OBJECT)
    if source:
        yield from optional(source, "image", TEXT)
    told = yield from optional(label, "version", TEXT)
    if told and version == "0.4" and told.value != "0.4":
        yield told.breach(f"is {told.value!r}, and the image is of 0.4")


def _label_values(label: Part, key: str) -> Generator[str, None, list[Part]]:
    """Return the objects of a list in which each tells of a label value."""
    listed = yield from optional(label, key, FULL_LIST)
    if listed is None:
        return []
    yield from unique(listed.items, "entry")
    found = yield from objects(listed)
    for entry in found:
        yield from required(entry, "label-value", INTEGER)
    return found


def _is_rgba(value: list[Any]) -> bool:
    return len(value) == 4 and all(INTEGER.fits(each) and 0 <= each <= 255 for each in value)
