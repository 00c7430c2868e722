"""A picture of which shards of a dataset are stored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.storage.coverage import Coverage, projection

if TYPE_CHECKING:
    import numpy.typing as npt

MOST = 64
"""Squares along an edge; where there are more shards, several are one."""
EDGE, GAP, TITLE = 160, 24, 20
"""Pixels of the longest edge of a projection, between two, and above each."""
SHADES = 4
"""Shares of what is stored that can be told apart; less than the least is drawn as that."""
COLOUR, LINE = "#2f8fb8", "#7a8894"
"""Both are seen on a light ground and on a dark one."""
NAMES = "z", "y", "x"


def draw_coverage(coverage: Coverage) -> str:
    """Return three projections as SVG: across z, y and x, the darker the more is stored.

    Rows and columns are the axes that are left, in the order z, y, x. Its colours are seen on a
    light ground and on a dark one.
    """
    seen = [projection(coverage, across, MOST) for across in range(3)]
    step = EDGE / max(max(shares.shape) for shares in seen)
    parts = [_panel(shares, step, across) for across, shares in enumerate(seen)]
    width, height = 3 * EDGE + 2 * GAP, EDGE + TITLE
    body = "".join(
        f'<g transform="translate({across * (EDGE + GAP)} 0)">{part}</g>'
        for across, part in enumerate(parts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="15">{body}</svg>'
    )


def _panel(shares: npt.NDArray[np.float64], step: float, across: int) -> str:
    rows, columns = (name for axis, name in enumerate(NAMES) if axis != across)
    height, width = (f"{n * step:.2f}" for n in shares.shape)
    shades = np.ceil(shares * SHADES).astype(int)
    squares = "".join(
        f'<path fill="{COLOUR}" fill-opacity="{shade / SHADES}" '
        f'd="{_squares(shades == shade, step)}"/>'
        for shade in range(1, SHADES + 1)
        if np.any(shades == shade)
    )
    return (
        f'<text y="14" fill="{LINE}">across {NAMES[across]}: {rows} ↓, {columns} →</text>'
        f'<g transform="translate(0 {TITLE})">{squares}<rect width="{width}" height="{height}" '
        f'fill="none" stroke="{LINE}"/></g>'
    )


def _squares(chosen: npt.NDArray[np.bool_], step: float) -> str:
    return "".join(
        f"M{column * step:.2f} {row * step:.2f}h{step:.2f}v{step:.2f}h{-step:.2f}z"
        for row, column in np.argwhere(chosen).tolist()
    )
