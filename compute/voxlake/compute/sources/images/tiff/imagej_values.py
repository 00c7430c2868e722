"""What ImageJ says that the values of a TIFF file mean: a function of those that are stored.

`ij.measure.Calibration` and `ij.io.FileSaver`: ``cf`` is the kind of function, 0 a straight line of
``c0`` and ``c1``. ImageJ keeps 16 bits with a sign as 16 bits without one, and says so by the line
that begins at -32768. Other functions, to densities and the like, are told and not applied.
"""

from __future__ import annotations

import re
from dataclasses import astuple, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.metadata.channels import Channel, Window

if TYPE_CHECKING:
    from voxlake.compute.sources.arranged_source import ArrangedSource
    from voxlake.ngff.grid.box import Box

_LEAST = -32768
_SAID = re.compile(r"^(cf|c\d|vunit)=(.*?)\s*$", re.MULTILINE)
_STRAIGHT = {"cf": "0", "c0": "0", "c1": "1"}


def told_values(description: str, dtype: np.dtype) -> tuple[np.dtype, str]:
    r"""Return the type that values of `dtype` mean, and in words what else they would mean.

    Examples
    --------
    >>> import numpy as np
    >>> told_values("ImageJ=1.54f\ncf=0\nc0=-32768.0\nc1=1.0\n", np.dtype("u2"))
    (dtype('int16'), '')
    >>> told_values("ImageJ=1.54f\ncf=0\nc0=1.5\nc1=0.25\nvunit=OD\n", np.dtype("u2"))[1]
    'values as stored, without the calibration of ImageJ (cf=0 c0=1.5 c1=0.25 vunit=OD)'
    """
    said = dict(_SAID.findall(description)) if description.startswith("ImageJ=") else {}
    if "cf" not in said or _is_line(said, 0):
        return dtype, ""
    if _is_line(said, _LEAST) and dtype == np.uint16:
        return np.dtype(np.int16), ""
    words = " ".join(f"{name}={value}" for name, value in said.items())
    return dtype, f"values as stored, without the calibration of ImageJ ({words})"


def _is_line(said: dict[str, str], start: int) -> bool:
    """Return whether the function adds `start` to each value, and no more."""
    try:
        found = [float(said.get(name, usual)) for name, usual in _STRAIGHT.items()]
    except ValueError:
        return False
    return found == [0, start, 1] and not {"c2", "c3", "c4"} & said.keys()


def as_told(voxels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return voxels as the type that `told_values` returns for them.

    Examples
    --------
    >>> import numpy as np
    >>> as_told(np.array([0, 32768, 65535], np.uint16), np.dtype("i2")).tolist()
    [-32768, 0, 32767]
    """
    if voxels.dtype.kind != "u" or dtype != np.int16:
        return voxels
    return (voxels.astype(np.uint16, copy=False) ^ np.uint16(-_LEAST)).view(np.int16)


def with_told_values(source: ArrangedSource, description: str) -> ArrangedSource:
    """Return a source of a file with that `description` with the values that they mean."""
    dtype, remark = told_values(description, source.dtype)
    if dtype == source.dtype:
        return replace(source, remark=", ".join(filter(None, (source.remark, remark))))

    def read(box: Box) -> np.ndarray:
        return as_told(source.read_stored(box), dtype)

    described = tuple(map(_moved, source.described.described))
    return replace(
        source,
        dtype=dtype,
        read_stored=read,
        fill_stored=None,
        described=replace(source.described, described=described),
    )


def _moved(channel: Channel) -> Channel:
    """Return a channel whose window is of the values that they mean."""
    window = channel.window
    if window is None:
        return channel
    return replace(channel, window=Window(*(end + _LEAST for end in astuple(window))))
