"""The zarr.json documents of an OME-Zarr 0.5 group."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import DESCRIPTIONS, named_reduction

if TYPE_CHECKING:
    from voxlake.ngff.grid.axes import Axis
    from voxlake.ngff.metadata.channels import Channel
    from voxlake.ngff.metadata.model import Level, Multiscale

VERSION = "0.5"


def encoded(document: dict[str, Any]) -> bytes:
    """Return a metadata document as it is stored."""
    return json.dumps(document, indent=2).encode()


def group_document(multiscale: Multiscale, *, of_image: bool = False) -> dict[str, Any]:
    """Return the ``zarr.json`` of the group of an image or of labels.

    Labels `of_image` lie in the ``labels`` group of their image and point to it. Colours and
    properties of labels are never listed here: a segmentation has millions. Channels of an image
    are, if each has a colour and a window, as NGFF asks.
    """
    kind = Kind.LABELS if multiscale.is_labels else Kind.IMAGE
    reduction = named_reduction(multiscale.method, kind)
    ome: dict[str, Any] = {
        "version": VERSION,
        "multiscales": [
            {
                "name": multiscale.name,
                "axes": [_axis(axis) for axis in multiscale.axes],
                "datasets": [_level(level) for level in multiscale.levels],
                "type": reduction.value,
                "metadata": {"description": DESCRIPTIONS[reduction]},
            }
        ],
    }
    if multiscale.is_labels:
        source = {"source": {"image": "../../"}} if of_image else {}
        ome["image-label"] = {"version": VERSION} | source
    elif channels := multiscale.channels.described:
        ome["omero"] = {"channels": [_channel(channel) for channel in channels]}
    return _group(ome)


def labels_document(names: list[str]) -> dict[str, Any]:
    """Return the ``zarr.json`` of the ``labels`` group of an image, which lists its labels."""
    return _group({"version": VERSION, "labels": sorted(names)})


def _group(ome: dict[str, Any]) -> dict[str, Any]:
    return {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}


def _axis(axis: Axis) -> dict[str, Any]:
    document = {"name": axis.name, "type": str(axis.type)}
    return document | ({"unit": axis.unit} if axis.unit else {})


def _channel(channel: Channel) -> dict[str, Any]:
    assert channel.color is not None
    assert channel.window is not None
    ends = ((key, getattr(channel.window, key)) for key in ("min", "max", "start", "end"))
    window = {key: int(end) if end.is_integer() else end for key, end in ends}
    labelled = {"label": channel.label} if channel.label else {}
    return labelled | {"color": channel.color, "window": window, "active": channel.active}


def _level(level: Level) -> dict[str, Any]:
    return {
        "path": level.path,
        "coordinateTransformations": [
            {"type": "scale", "scale": list(level.scale)},
            {"type": "translation", "translation": list(level.translation)},
        ],
    }
