"""Boxes in addresses of bossDB: ``/0/10:20/0:64/5:9/``, x first. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Path

from voxlake.api.data.framed import FrameBox
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError

Resolution = Annotated[int, Path(ge=0, le=99, description="A level; 0 is the finest.")]
Span = Annotated[
    str,
    Path(
        pattern=r"^-?[0-9]{1,18}:-?[0-9]{1,18}$",
        description="`start:stop`, in the coordinates of the frame.",
        examples=["0:64"],
    ),
]


def in_frame(resolution: Resolution, x: Span, y: Span, z: Span) -> FrameBox:
    """Return the box that an address names, at the first time point."""
    return FrameBox(resolution, zyx_box(x, y, z), None)


def in_time(box: Annotated[FrameBox, Depends(in_frame)], t: Span) -> FrameBox:
    """Return the box that an address names, at its time points."""
    return replace(box, t=span(t))


InFrame = Annotated[FrameBox, Depends(in_frame)]
InTime = Annotated[FrameBox, Depends(in_time)]
"""They stand after the guard among the parameters of a route."""


def zyx_box(x: str, y: str, z: str) -> Box:
    """Return the box of spans along x, y and z.

    Raises
    ------
    InvalidInputError
        If one ends before it begins.

    Examples
    --------
    >>> zyx_box("0:4", "1:3", "-2:2")
    Box(start=(-2, 1, 0), stop=(2, 3, 4))
    """
    spans = [span(text) for text in (z, y, x)]
    return Box(tuple(lo for lo, _ in spans), tuple(hi for _, hi in spans))


def span(text: str) -> tuple[int, int]:
    """Return the ends of a span; raise InvalidInputError if it holds nothing."""
    lo, hi = map(int, text.split(":"))
    if lo >= hi:
        raise InvalidInputError(f"{text} holds nothing; ask for START:STOP with START below STOP")
    return lo, hi
