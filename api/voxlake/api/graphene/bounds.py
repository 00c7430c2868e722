"""Boxes as precomputed volumes and PyChunkedGraph write them, x first."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query

from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError

_RANGE = "([0-9]{1,18})-([0-9]{1,18})"
PATTERN = f"^{_RANGE}_{_RANGE}_{_RANGE}$"

Bounds = Annotated[
    str | None,
    Query(pattern=PATTERN, description="Only what has voxels of level 0 in x0-x1_y0-y1_z0-z1."),
]


def parse_bounds(text: str) -> Box:
    """Return the box (z, y, x) of ``x0-x1_y0-y1_z0-z1``, half-open.

    Raises
    ------
    InvalidInputError
        If it is none.

    Examples
    --------
    >>> parse_bounds("0-64_5-6_7-9")
    Box(start=(7, 5, 0), stop=(9, 6, 64))
    """
    ends = re.fullmatch(PATTERN, text)
    if ends is None:
        raise InvalidInputError(f"{text[:100]!r} is no box; write x0-x1_y0-y1_z0-z1")
    x0, x1, y0, y1, z0, z1 = (int(each) for each in ends.groups())
    return Box((z0, y0, x0), (z1, y1, x1))
