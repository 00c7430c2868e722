"""Cutouts as formats are told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.api.formats import Cutout
from voxlake.ngff.grid.axes import AXIS_TYPES, Axis

if TYPE_CHECKING:
    import numpy as np

    from voxlake.ngff.grid.box import Box

UNITS = {"t": "second", "c": None, "z": "nanometer", "y": "nanometer", "x": "micrometer"}
SCALE = {"t": 2.0, "c": 1.0, "z": 40.0, "y": 8.0, "x": 0.004}


def described(box: Box, dtype: np.dtype[Any], axes: str | None = None) -> Cutout:
    """Return the description of a box: 40 x 8 x 4 nm, 100, 200 and 300 nm from the origin."""
    names = axes or "tczyx"[5 - box.ndim :]
    places = {"z": 100.0, "y": 200.0, "x": 0.3}
    return Cutout(
        "lab/brain/em",
        1,
        box,
        dtype,
        tuple(Axis(name, AXIS_TYPES[name], UNITS[name]) for name in names),
        tuple(SCALE[name] for name in names),
        tuple(places.get(name, 0.0) for name in names),
    )
