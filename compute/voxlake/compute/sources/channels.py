"""What sources say of their channels, and what an OME-Zarr needs of them besides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.source import DescribesChannels
from voxlake.ngff.drawing.contrast import ends_of
from voxlake.ngff.grid.box import Box
from voxlake.ngff.metadata.channels import NOTHING_SAID, Channel, Channels, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from voxlake.compute.sources.source import Source

    type Read = Callable[[Box, np.dtype], npt.NDArray[np.generic]]

_SAMPLED = 512
"""Rows and columns in the middle of a channel that tell its values, if nobody does."""

_COLORS = ("FF0000", "00FF00", "0000FF", "FF00FF", "00FFFF", "FFFF00", "FFFFFF")
"""Of channels without one, in turn."""

_SAMPLES = {
    2: (Channel("gray", "FFFFFF"), Channel("alpha", "FFFFFF", active=False)),
    3: (Channel("red", "FF0000"), Channel("green", "00FF00"), Channel("blue", "0000FF")),
}
_SAMPLES[4] = (*_SAMPLES[3], _SAMPLES[2][1])


def channels_of(source: Source) -> Channels:
    """Return what a source says of its channels."""
    return source.channels if isinstance(source, DescribesChannels) else NOTHING_SAID


def sample_channels(samples: int, dtype: np.dtype) -> Channels:
    """Return the channels that the samples of a pixel in colours are: RGB, or gray, or with alpha.

    Examples
    --------
    >>> import numpy as np
    >>> [each.label for each in sample_channels(4, np.dtype("u1")).described]
    ['red', 'green', 'blue', 'alpha']
    """
    window = type_window(dtype)
    return Channels(tuple(replace(each, window=window) for each in _SAMPLES.get(samples, ())))


def type_window(dtype: np.dtype) -> Window | None:
    """Return the window of all values that integers can have; None of floats."""
    if dtype.kind not in "iu":
        return None
    limits = np.iinfo(dtype)
    return Window(float(limits.min), float(limits.max), float(limits.min), float(limits.max))


def completed(
    channels: tuple[Channel, ...],
    axes: tuple[str, ...],
    shape: tuple[int, ...],
    dtype: np.dtype,
    read: Read,
) -> tuple[Channel, ...]:
    """Return `channels` with a colour and a window each, as OME-Zarr asks.

    Parameters
    ----------
    channels
        As many as the image has, or none.
    axes, shape, dtype
        Of the image, as it will be stored.
    read
        Returns a box of it. Voxels are read if nobody says how they are to be drawn.
    """
    colors = _COLORS if len(channels) > 1 else _COLORS[-1:]
    return tuple(
        replace(
            channel,
            color=channel.color or colors[number % len(colors)],
            window=channel.window or _window(_middle(number, axes, shape), dtype, read),
        )
        for number, channel in enumerate(channels)
    )


def _window(box: Box, dtype: np.dtype, read: Read) -> Window:
    whole = type_window(dtype)
    if whole is not None and dtype.itemsize == 1:
        return whole
    ends = ends_of(read(box, dtype))
    if ends is None:
        return whole or Window(0.0, 1.0, 0.0, 1.0)
    low, high = map(float, ends)
    return Window(low, high, *((whole.min, whole.max) if whole else (low, high)))


def _middle(number: int, axes: tuple[str, ...], shape: tuple[int, ...]) -> Box:
    """Return a part of one plane in the middle of a channel, at the first time."""
    bounds = []
    for axis, extent in zip(axes, shape, strict=True):
        size = min(extent, _SAMPLED if axis in "yx" else 1)
        start = {"c": number, "t": 0}.get(axis, (extent - size) // 2)
        bounds.append((start, start + size))
    return Box(tuple(lo for lo, _ in bounds), tuple(hi for _, hi in bounds))
