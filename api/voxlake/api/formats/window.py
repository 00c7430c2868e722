"""Windows of contrast as they are asked for. Pure."""

from __future__ import annotations

import re

from voxlake.ngff.drawing.contrast import Ends
from voxlake.platform.errors import InvalidInputError

_NUMBER = r"[+-]?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,3})?"
_WINDOW = re.compile(rf"({_NUMBER}):({_NUMBER})", re.ASCII)
_MOST = 1e300
"""Ends beyond it have no difference that a double holds."""


def parse_window(text: str) -> Ends:
    """Return the window that `text` asks for, ``low:high``.

    Raises
    ------
    InvalidInputError
        If it is none.

    Examples
    --------
    >>> parse_window("0:4095"), parse_window("1:-2.5e3")
    ((0.0, 4095.0), (1.0, -2500.0))
    """
    match = _WINDOW.fullmatch(text)
    ends = tuple(map(float, match.groups())) if match else (0.0, 0.0)
    if ends[0] == ends[1] or max(map(abs, ends)) > _MOST:
        raise InvalidInputError(
            f"{text[:80]!r} is no window of contrast; write the values that are black and white, "
            "such as 0:255, or auto"
        )
    return ends[0], ends[1]
