"""Raw: the voxels and nothing else, C order, little-endian, of the type of the dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.parsing.parser import Parser, checked, misfit
from voxlake.api.formats.raw import RAW


def parse(cutout: Cutout, body: memoryview) -> npt.NDArray[Any]:
    """Return the voxels where they lie."""
    if body.nbytes != cutout.nbytes:
        raise misfit(f"{body.nbytes} bytes", cutout)
    voxels = np.frombuffer(body, cutout.dtype.newbyteorder("<")).reshape(cutout.shape)
    return checked(voxels, cutout)


RAW_PARSER = Parser(RAW.name, RAW.media_type, parse)
