"""NumPy's own file format (NEP 1): the header is checked before a voxel is looked at.

Objects are never made of what is sent: a type that holds any is another than that of the dataset.
"""

from __future__ import annotations

import io
import tokenize
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.npy import NPY
from voxlake.api.formats.parsing.parser import Parser, checked, misfit
from voxlake.platform.errors import InvalidInputError

HEAD_BYTES = 4 << 10
"""What a file has before its voxels, at most."""
_TEXT_CHARACTERS = 1 << 10
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_BROKEN = (ValueError, SyntaxError, TypeError, tokenize.TokenError, RecursionError, MemoryError)
"""What NumPy raises of a text that is no header."""


def parse(cutout: Cutout, body: memoryview) -> npt.NDArray[Any]:
    """Return the voxels; those in Fortran order, or big-endian, are laid out anew."""
    shape, fortran, dtype, begin = _header(body)
    size = body.nbytes - begin
    if shape != cutout.shape or dtype.newbyteorder("=") != cutout.dtype.newbyteorder("="):
        raise misfit(f"{dtype} voxels of shape {shape}", cutout)
    if size != cutout.nbytes:
        raise misfit(f"{size} bytes after its header", cutout)
    order = shape[::-1] if fortran else shape
    voxels = np.frombuffer(body, dtype, offset=begin).reshape(order)
    return checked(voxels.T if fortran else voxels, cutout)


def _header(body: memoryview) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, whether the order is Fortran's, type, and where the voxels begin."""
    file = io.BytesIO(body[:HEAD_BYTES])
    try:
        version = npy.read_magic(file)
        shape, fortran, dtype = _READERS[version](file, max_header_size=_TEXT_CHARACTERS)
    except KeyError as error:
        raise _broken("its version is not 1.0 or 2.0") from error
    except _BROKEN as error:
        raise _broken(str(error).partition("\n")[0][:200]) from error
    return tuple(map(int, shape)), fortran, dtype, file.tell()


def _broken(why: str) -> InvalidInputError:
    return InvalidInputError(f"the body is no .npy file ({why}); write it by numpy.save")


NPY_PARSER = Parser(NPY.name, NPY.media_type, parse, copies=1)
