"""What an input says of the places of its voxels: by axis, as it is written, and what comes of it.

Every reader hands over one `Calibration`. Numbers are decimals and units the input's own words;
what is understood of them is decided here, and nothing is made up for what is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING

from voxlake.ngff.grid.axes import SPATIAL, TimeStep, VoxelSize
from voxlake.ngff.grid.units import (
    converted,
    exact,
    is_length,
    length_unit,
    plain,
    time_unit,
    usual_unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class AxisScale:
    """Where the voxels along one axis lie."""

    step: Decimal
    """From one to the next; negative if places fall as voxels are counted up: a flip."""
    unit: str = ""
    """As the input has it."""
    start: Decimal = _ZERO
    """Of the centre of the first."""


def axis_scale(step: object, unit: object = "", start: object = 0) -> AxisScale | None:
    """Return the scale that an input's numbers or texts make; None if the step says nothing.

    Examples
    --------
    >>> axis_scale("0.5", "um")
    AxisScale(step=Decimal('0.5'), unit='um', start=Decimal('0'))
    >>> axis_scale(0, "um"), axis_scale(float("nan")), axis_scale("wide")
    (None, None, None)
    """
    try:
        size, place = exact(step), exact(start)
    except DecimalException:
        return None
    if not size.is_finite() or not size:
        return None
    return AxisScale(size, str(unit or ""), place if place.is_finite() else _ZERO)


def scales_of(
    names: Iterable[str],
    steps: Iterable[object],
    units: Iterable[object] | str,
    starts: Iterable[object] = (),
) -> dict[str, AxisScale]:
    """Return the scales that lists in the order of `names` make, as far as all are long enough.

    A text as `units` is that of all. Where there are no `starts`, they are 0.

    Examples
    --------
    >>> list(scales_of("xyz", [4, 4, 0], "nm"))
    ['x', 'y']
    """
    axes = tuple(names)
    words = (units,) * len(axes) if isinstance(units, str) else tuple(units)
    places = tuple(starts) or (0,) * len(axes)
    made = {n: axis_scale(s, u, p) for n, s, u, p in zip(axes, steps, words, places, strict=False)}
    return known_scales(made)


def known_scales(scales: Mapping[str, AxisScale | None]) -> dict[str, AxisScale]:
    """Return the scales of those axes of which something is said."""
    return {name: scale for name, scale in scales.items() if scale is not None}


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that an input says of where its voxels lie."""

    scales: Mapping[str, AxisScale] = field(default_factory=dict)
    """By the name of the axis; of z also where the array has none: the thickness of a slice."""
    lost: tuple[str, ...] = ()
    """What of it no scale and translation can say, in words: a rotation, for one."""

    @property
    def voxel_size(self) -> VoxelSize | None:
        """Size of a voxel; None unless z, y and x all have a size and a known unit of length."""
        scales = self._spatial()
        if len(scales) < len(SPATIAL) or not all(is_length(s.unit) for s in scales.values()):
            return None
        units = {name: length_unit(scale.unit) for name, scale in scales.items()}
        unit = usual_unit(tuple(units.values()))
        z, y, x = (float(converted(abs(s.step), units[n], unit)) for n, s in scales.items())
        return VoxelSize(z, y, x, unit)

    @property
    def time(self) -> TimeStep | None:
        """Time from one time point to the next, if it is said."""
        scale = self.scales.get("t")
        if scale is None or scale.step <= 0:
            return None
        return TimeStep(float(scale.step), time_unit(scale.unit), float(scale.start))

    @property
    def flipped(self) -> tuple[str, ...]:
        """Axes of space along which places fall as voxels are counted up."""
        return tuple(name for name, scale in self._spatial().items() if scale.step < 0)

    @property
    def said(self) -> str:
        """The sizes as the input has them, for messages."""
        words = (
            f"{n} {plain(s.step):f} {s.unit or '(no unit)'}" for n, s in self._spatial().items()
        )
        return ", ".join(words)

    def translation(self, unit: str | None) -> tuple[float, float, float]:
        """Return the place of the first voxel, z, y, x in a unit of that NGFF name; None: its own.

        0 along axes of which nothing is said, or in no known unit; `unplaced` tells of the latter.
        """
        places = {
            name: _start_in(scale, unit)
            for name, scale in self._spatial().items()
            if is_length(scale.unit)
        }
        return (places.get("z", 0.0), places.get("y", 0.0), places.get("x", 0.0))

    def unplaced(self) -> Iterator[str]:
        """Yield, in words, what of the places cannot be kept."""
        yield from self.lost
        if self.flipped:
            yield f"a flip: {', '.join(self.flipped)} run backwards"
        for name, scale in self._spatial().items():
            if scale.start and not is_length(scale.unit):
                unit = repr(scale.unit) if scale.unit else "no unit"
                yield f"a translation of {plain(scale.start):f} along {name} in {unit}"

    def reversed(self, axes: Iterable[str], extents: Mapping[str, int]) -> Calibration:
        """Return it for voxels whose `axes` are counted from the other end.

        A flip is undone by that: the voxel that becomes the first lies where it lay. An axis that
        is no flip has voxels in the wrong order, and stays in its place.
        """
        turned = {
            name: replace(
                scale, step=-scale.step, start=scale.start + scale.step * (extents[name] - 1)
            )
            for name, scale in self._spatial().items()
            if name in axes and scale.step < 0
        }
        return replace(self, scales={**self.scales, **turned})

    def without_places(self) -> Calibration:
        """Return it with nothing but the distances from voxel to voxel."""
        scales = {n: replace(s, step=abs(s.step), start=_ZERO) for n, s in self.scales.items()}
        return Calibration(scales)

    def renamed(self, old: Sequence[str], new: Sequence[str]) -> Calibration:
        """Return it for axes that have `new` names in place of the `old`."""
        names = dict(zip(old, new, strict=True))
        kept = {n: scale for n, scale in self.scales.items() if n not in names}
        moved = {names[n]: scale for n, scale in self.scales.items() if n in names}
        return replace(self, scales=kept | moved)

    def _spatial(self) -> dict[str, AxisScale]:
        return {name: self.scales[name] for name in SPATIAL if name in self.scales}


def _start_in(scale: AxisScale, unit: str | None) -> float:
    own = length_unit(scale.unit)
    return float(converted(scale.start, own, unit or own))


UNKNOWN = Calibration()
"""Of an input that says nothing of places."""
