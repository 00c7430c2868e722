"""Neuroglancer states and source URLs, as pure functions of what the datasets say.

Neuroglancer's axes order, its units in metres and its corner convention are made here, and here
alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from voxlake.api.views.channel_layers import image_layers
from voxlake.ngff.grid.axes import Axis, AxisType
from voxlake.ngff.grid.units import METRES, SECONDS
from voxlake.ngff.metadata.model import Multiscale
from voxlake.platform.errors import UnsupportedError

PUBLIC_VIEWER = "https://neuroglancer-demo.appspot.com/"
"""Stands in where the gateway's own viewer is not built; it sees public datasets only."""

MOST_MERGED = 10_000
"""Supervoxels that a state can say are part of another body. The viewer keeps its state in its
address, where each takes up to 64 bytes, and browsers have addresses of 1 MB."""

WHOLE_PIXELS, LABEL_PIXELS = 500, 300
"""Pixels of a screen along the longest side of what is to be seen: all, or one label."""
FINEST_SCALE = 0.05
"""Voxels in a pixel where what is to be seen is small."""

_UNITS = {name: (float(metres), "m") for name, metres in METRES.items()}
_UNITS |= {name: (float(seconds), "s") for name, seconds in SECONDS.items()}
"""Units that NGFF names, as (SI units in one, SI unit)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One dataset as a layer of the viewer."""

    name: str
    url: str
    """Absolute URL of its OME-Zarr group at the gateway, without a trailing slash."""
    multiscale: Multiscale
    shape: tuple[int, ...]
    """Voxels of level 0."""
    labels: bool
    value_range: tuple[float, float] | None = None
    """Values drawn as black and as white; None for Neuroglancer's own choice."""
    properties: str | None = None
    """Absolute URL of the folder of its segment properties; None if it has none."""
    zarr_format: int = 3
    """Version of zarr that its arrays are stored in."""
    dtype: str = "uint8"
    """NumPy name of the type of its voxels."""
    bodies: Sequence[Sequence[int]] | None = ()
    """Labels of each body that has several; None: there are more than a state can hold."""
    graph: str | None = None
    """Absolute URL of its table, where it is to be merged and split; None: it is looked at."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A label that is to be seen first."""

    layer: Layer
    voxel: Sequence[int]
    """One of its voxels: z, y, x at level 0 of the layer."""
    shape: Sequence[int]
    """Voxels of the tightest box about it."""
    segment: int
    """Its id; of a graph that of its root."""
    picked: int
    """Its id; of a graph that of its supervoxel."""


def viewer_state(
    layers: Sequence[Layer],
    title: str = "",
    selected: Selected | None = None,
    beside: Sequence[Layer] = (),
) -> dict[str, Any]:
    """Return the state that shows `layers`, the first of which gives the coordinates.

    One unit of the viewer's coordinates is a voxel of the first layer, and its voxel i is drawn
    at [i, i + 1) along every axis. The other layers keep their physical place beside it. The
    `title` is that of the viewer's window; empty: its own.

    Those `beside` are listed, and not drawn before somebody turns them on.

    A label that is `selected` is at the middle of the view, as large as fits, and the panel of the
    selection tells of it.

    Merged bodies are one segment, unless they are of more than `MOST_MERGED` supervoxels: then
    the layer's name says that their merges are not shown.
    """
    first = layers[0]
    space = [axis.name for axis in first.multiscale.axes if axis.type is not AxisType.CHANNEL]
    if not space:
        raise UnsupportedError(
            f"{first.name} has the axes {first.multiscale.axis_names}, and none of them is a place"
        )
    extents = dict(zip(first.multiscale.axis_names, first.shape, strict=True))
    dimensions = _dimensions(first.multiscale)
    # Neuroglancer shows the first three dimensions: x to the right, y down, z away.
    order = sorted(space, key=lambda name: "xyz".find(name.lower()) % 4)
    shown = _all_layers(layers, first, selected)
    hidden = [each | {"visible": False} for each in _all_layers(beside, first, None)]
    place = {name: 0.5 if name == "t" else extents[name] / 2 for name in order}
    drawn = [float(extents[name]) for name in order[:3]]
    pixels, picked = WHOLE_PIXELS, {}
    if selected is not None:
        place |= _place_of(selected, first)
        drawn, pixels = _extents_of(selected, first, order[:3]), LABEL_PIXELS
        name = next(each["name"] for each in shown if "segments" in each)
        picked = {"selection": {"layers": {name: {"value": str(selected.picked)}}}}
    longest = _longest(drawn, [dimensions[name][0] for name in order[:3]])
    return ({"title": title} if title else {}) | {
        "dimensions": {name: dimensions[name] for name in order},
        "position": [place[name] for name in order],
        "crossSectionScale": max(longest / pixels, FINEST_SCALE),
        "projectionScale": 2 * longest,
        "layers": [*shown, *hidden],
        **picked,
        "selectedLayer": {"layer": shown[-1]["name"], "visible": False},
        "layout": "4panel",
    }


def source_transform(own: Multiscale, reference: Multiscale) -> dict[str, Any]:
    """Return the transform of a source that puts the reference's corner at the origin.

    OME-Zarr places the centre of a voxel, Neuroglancer its corner: it draws the first voxel of a
    source half a voxel before its translation. Every layer moves by the same physical distance,
    the one that brings the corner of `reference` to 0.
    """
    corners = _corners(reference)
    return _moved(own, own.axes, [0 - corners.get(axis.name, 0.0) for axis in own.axes])


def graph_transform(own: Multiscale, reference: Multiscale) -> dict[str, Any]:
    """Return the transform of a graph of labels that puts the reference's corner at the origin.

    The volume of a graph has its axes x first, and its own corner at the origin.
    """
    corners, other = _corners(own), _corners(reference)
    axes = own.axes[::-1]
    return _moved(own, axes, [corners[axis.name] - other.get(axis.name, 0.0) for axis in axes])


def si_unit(axis: Axis) -> tuple[float, str]:
    """Return the SI units in one unit of `axis`, and that SI unit; ``(1, "")`` without a unit.

    Examples
    --------
    >>> si_unit(Axis("z", AxisType.SPACE, "nanometer"))
    (1e-09, 'm')
    """
    return _UNITS.get(axis.unit or "", (1.0, ""))


def source_url(url: str, zarr_format: int) -> str:
    """Return Neuroglancer's source URL of an OME-Zarr group.

    ``zarr3`` or ``zarr2`` and not ``zarr``, which probes for both, and fails where both answer.
    """
    return f"{url}/|zarr{zarr_format}:"


def viewer_link(viewer: str, state: dict[str, Any]) -> str:
    """Return the URL that opens the viewer at `viewer` (a URL ending in ``/``) with `state`."""
    return f"{viewer}#!{quote(json.dumps(state, separators=(',', ':')), safe=',:')}"


def fits_beside(own: Multiscale, reference: Multiscale) -> bool:
    """Return whether the axes that two datasets have both have units of one kind."""
    units = {axis.name: si_unit(axis)[1] for axis in reference.axes}
    return all(units.get(axis.name, si_unit(axis)[1]) == si_unit(axis)[1] for axis in own.axes)


def _all_layers(
    layers: Sequence[Layer], first: Layer, selected: Selected | None
) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    left = MOST_MERGED
    for layer in layers:
        if not layer.labels:
            shown += _image(layer, first)
            continue
        described = _layer(layer, first)
        count = sum(len(body) - 1 for body in layer.bodies or ())
        if layer.bodies is None or count > left:
            described["name"] += " (merges not shown)"
        elif layer.bodies:
            left -= count
            described["equivalences"] = [[str(label) for label in body] for body in layer.bodies]
        if selected is not None and layer is selected.layer:
            described["segments"] = [str(selected.segment)]
        shown.append(described)
    return shown


def _layer(layer: Layer, first: Layer) -> dict[str, Any]:
    voxels = {
        "url": source_url(layer.url, layer.zarr_format),
        "transform": source_transform(layer.multiscale, first.multiscale),
    }
    if layer.graph is not None:
        voxels = {
            "url": f"graphene://{layer.graph}",
            "transform": graph_transform(layer.multiscale, first.multiscale),
        }
    source: object = voxels
    if layer.properties is not None:
        source = [voxels, f"{layer.properties}/|neuroglancer-precomputed:"]
    # The zarr source always says that it is an image.
    kind = "segmentation" if layer.labels else "image"
    return {"type": kind, "name": layer.name, "source": source}


def _place_of(selected: Selected, first: Layer) -> dict[str, float]:
    """Return the middle of a voxel in the viewer's coordinates, by the names of z, y and x."""
    own, reference = selected.layer.multiscale, first.multiscale
    corners, other = _corners(own), _corners(reference)
    sizes, units = _dimensions(own), _dimensions(reference)
    names = [axis.name for axis in own.axes if axis.name in {"z", "y", "x"}]
    return {
        name: (corners[name] - other.get(name, 0.0) + (index + 0.5) * sizes[name][0])
        / units[name][0]
        for name, index in zip(names, selected.voxel, strict=True)
        if name in units
    }


def _extents_of(selected: Selected, first: Layer, names: Sequence[str]) -> list[float]:
    """Return the sides of the box about a label, in voxels of the first layer, by axes of it."""
    sizes, units = _dimensions(selected.layer.multiscale), _dimensions(first.multiscale)
    voxels = dict(zip("zyx", selected.shape, strict=True))
    return [
        voxels[name] * sizes[name][0] / units[name][0] if name in voxels and name in sizes else 1.0
        for name in names
    ]


def _longest(extents: Sequence[float], sizes: Sequence[float]) -> float:
    """Return the longest extent in the smallest side of a voxel, which is the unit of zoom."""
    return max(extent * size / min(sizes) for extent, size in zip(extents, sizes, strict=True))


def _image(layer: Layer, first: Layer) -> list[dict[str, Any]]:
    """Return the layers of an image: one, or one for each channel if they are described."""
    channels = layer.multiscale.channels_in(layer.shape)
    axes = layer.multiscale.axes
    local = next((_dimension(axis) for axis in axes if axis.type is AxisType.CHANNEL), None)
    return image_layers(_layer(layer, first), channels, local, layer.dtype, layer.value_range)


def _moved(own: Multiscale, axes: Sequence[Axis], distances: Sequence[float]) -> dict[str, Any]:
    """Return the transform that moves a source, whose axes come so, by distances in SI units."""
    names, sizes = [_dimension(axis) for axis in axes], _dimensions(own)
    matrix = [[float(row == column) for column in range(len(axes))] for row in range(len(axes))]
    for row, name, distance in zip(matrix, names, distances, strict=True):
        row.append(_rounded(distance / sizes[name][0]))
    return {"outputDimensions": {name: sizes[name] for name in names}, "matrix": matrix}


def _corners(multiscale: Multiscale) -> dict[str, float]:
    """Return where the first voxel begins along each axis, in SI units."""
    base = multiscale.levels[0]
    return {
        axis.name: (translation - scale / 2) * si_unit(axis)[0]
        for axis, scale, translation in zip(
            multiscale.axes, base.scale, base.translation, strict=True
        )
    }


def _dimensions(multiscale: Multiscale) -> dict[str, tuple[float, str]]:
    """Return size and SI unit of a voxel of level 0, in Neuroglancer's form."""
    dimensions: dict[str, tuple[float, str]] = {}
    for axis, scale in zip(multiscale.axes, multiscale.levels[0].scale, strict=True):
        factor, unit = si_unit(axis)
        dimensions[_dimension(axis)] = (_rounded(scale * factor), unit)
    return dimensions


def _dimension(axis: Axis) -> str:
    """Return Neuroglancer's name of an axis: channels are a dimension of the layer alone."""
    return f"{axis.name}'" if axis.type is AxisType.CHANNEL else axis.name


def _rounded(value: float) -> float:
    """Drop the last bits, so that 10 nm is 1e-08 m and not 1.0000000000000002e-08."""
    return float(f"{value:.15g}")
