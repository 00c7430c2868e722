"""Blosc: the voxels as one Blosc 1 buffer; its head is checked before anything is decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.blosc import BLOSC
from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.parsing.parser import Parser, checked, misfit
from voxlake.platform.errors import InvalidInputError

_HEAD_BYTES = 16
_VERSION = 2
"""Of the format of buffers that Blosc 1 writes."""


def parse(cutout: Cutout, body: memoryview) -> npt.NDArray[Any]:
    """Return the voxels, decoded into memory of their size."""
    from numcodecs import blosc

    _check_head(cutout, body)
    voxels = np.empty(cutout.shape, cutout.dtype.newbyteorder("<"))
    try:
        blosc.decompress(body, voxels.reshape(-1).view(np.uint8))
    except (RuntimeError, ValueError) as error:
        raise _broken(str(error)[:200]) from error
    return checked(voxels, cutout)


def _check_head(cutout: Cutout, body: memoryview) -> None:
    """Check what the head promises: see `voxlake.ngff.blosc_heads`."""
    if body.nbytes < _HEAD_BYTES:
        raise _broken("it is too short")
    inflated, block, size = (int.from_bytes(body[at : at + 4], "little") for at in (4, 8, 12))
    if body[0] != _VERSION:
        raise _broken(f"it is of version {body[0]}, and {_VERSION} is read")
    if inflated != cutout.nbytes:
        raise misfit(f"a buffer of {inflated} bytes", cutout)
    if size != body.nbytes or not 0 < block <= inflated:
        raise _broken("its head does not fit it")


def _broken(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the body is no Blosc buffer ({why}); write it by numcodecs.blosc or blosc.compress"
    )


BLOSC_PARSER = Parser(BLOSC.name, BLOSC.media_type, parse, copies=2)
