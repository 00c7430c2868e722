"""Boxes in query strings: ``z=0:64&y=128:256&x=5``. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.ranges import parse_range
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError


class Ranges(BaseModel):
    """The ranges of a query string; an axis that is left out is taken whole."""

    t: str | None = Field(None, description="Time points `start:stop`, or one.", examples=["0"])
    c: str | None = Field(None, description="Channels `start:stop`, or one.", examples=["0"])
    z: str | None = Field(None, description="Voxels `start:stop`, or one.", examples=["0:64"])
    y: str | None = Field(None, description="Voxels `start:stop`, or one.", examples=["0:64"])
    x: str | None = Field(None, description="Voxels `start:stop`, or one.", examples=["0:64"])

    def by_axis(self) -> dict[str, str]:
        """Return the ranges that were given."""
        return self.model_dump(include=set(Ranges.model_fields), exclude_none=True)


def parse_box(ranges: Mapping[str, str], axes: tuple[str, ...], shape: tuple[int, ...]) -> Box:
    """Return the box that `ranges` ask for, in the order of `axes`.

    A range is ``start:stop`` (half-open; either may be left out), or one number for one voxel. An
    axis without a range is taken whole.

    Raises
    ------
    InvalidInputError
        If a range is malformed or empty, or there is no such axis.
    OutOfBoundsError
        If the box is not inside `shape`.

    Examples
    --------
    >>> parse_box({"z": "3", "x": "10:"}, ("z", "y", "x"), (8, 16, 32))
    Box(start=(3, 0, 10), stop=(4, 16, 32))
    """
    if unknown := ranges.keys() - set(axes):
        raise InvalidInputError(
            f"a range along {', '.join(sorted(unknown))} was asked for; the axes of the dataset "
            f"are {', '.join(axes)}"
        )
    spans = [
        _ends(name, ranges.get(name, ":"), extent) for name, extent in zip(axes, shape, strict=True)
    ]
    return Box(tuple(lo for lo, _ in spans), tuple(hi for _, hi in spans))


def _ends(name: str, text: str, extent: int) -> tuple[int, int]:
    try:
        part = parse_range(text)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error
    lo, hi = part.start or 0, extent if part.stop is None else part.stop
    if lo >= extent or hi > extent:
        raise OutOfBoundsError(
            f"{name}={text} was asked for; there are voxels 0:{extent} along {name} at this level"
        )
    if lo >= hi:
        raise InvalidInputError(f"{name}={text} is empty; ask for at least one voxel")
    return lo, hi
