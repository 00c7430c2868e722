"""Where the voxels of an MRC file lie: its cell, and the origin or the start of its voxels.

MRC2014 has two words for the place of the first voxel: ``origin``, in angstrom along x, y and z,
and ``nxstart`` and its kin, in voxels along columns, rows and sections. Most programs leave one of
them 0. https://www.ccpem.ac.uk/mrc_format/mrc2014.php
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from voxlake.compute.sources.calibration import Calibration, axis_scale, known_scales
from voxlake.ngff.grid.units import exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

_RIGHT_ANGLE = Decimal(90)
_STARTS = ("nzstart", "nystart", "nxstart")
"""Along the axes as they are stored: sections, rows, columns."""


def mrc_calibration(
    record: np.void, stored: Sequence[str], origin: Mapping[str, Decimal]
) -> Calibration:
    """Return what a header says of places.

    Parameters
    ----------
    record
        The header, as mrcfile lays it out.
    stored
        Names of sections, rows and columns.
    origin
        Of x, y, z in angstrom; empty if the header has none.
    """
    steps = {name: _step(record, name) for name in "xyz"}
    starts = dict(zip(stored, (int(record[field]) for field in _STARTS), strict=True))
    places = origin if any(origin.values()) else {n: starts[n] * steps[n] for n in steps}
    scales = {n: axis_scale(steps[n], "angstrom", places[n]) for n in steps}
    return Calibration(known_scales(scales), tuple(_lost(record, steps, starts, origin)))


def _step(record: np.void, name: str) -> Decimal:
    """Return the size of the cell over its intervals; 0 if the header leaves it open."""
    cell, intervals = exact(record["cella"][name]), int(record[f"m{name}"])
    return cell / intervals if cell.is_finite() and cell > 0 and intervals > 0 else Decimal(0)


def _lost(
    record: np.void,
    steps: Mapping[str, Decimal],
    starts: Mapping[str, int],
    origin: Mapping[str, Decimal],
) -> Iterator[str]:
    angles = [exact(record["cellb"][name]) for name in ("alpha", "beta", "gamma")]
    if any(angle and angle != _RIGHT_ANGLE for angle in angles):
        yield f"a shear: the angles of its cell are {', '.join(f'{n:f}' for n in angles)} degrees"
    is_open = not all(steps.values())
    if not all(place.is_finite() for place in origin.values()):
        yield "an origin that is not all numbers"
    elif is_open and (any(starts.values()) or any(origin.values())):
        yield "the place of its first voxel, without a size of voxels"
    elif any(starts.values()) and any(origin.values()) and _differ(steps, starts, origin):
        both = [", ".join(f"{n} {each[n]}" for n in "xyz") for each in (origin, starts)]
        yield f"two places of its first voxel: the origin {both[0]} angstrom, nstart {both[1]}"


def _differ(
    steps: Mapping[str, Decimal], starts: Mapping[str, int], origin: Mapping[str, Decimal]
) -> bool:
    """Whether two places are more than a hundredth of a voxel apart."""
    return any(abs(starts[n] * steps[n] - origin[n]) > steps[n] / 100 for n in steps)
