"""Arrays that TensorStore opens and reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from voxlake.compute.sources.arrays.foreign_store import first_line
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Box


def read_array(array: ts.TensorStore, what: str, box: Box) -> np.ndarray:
    """Read `box` of `array`, which has x first in its axes and fastest in its chunks.

    Safe in threads. `what`, for messages, is its kind and location.

    Raises
    ------
    SourceError
        If a chunk cannot be read or does not decode.
    """
    try:
        # Fortran order here is C order once the axes are turned round: nothing is copied.
        return np.asarray(array[box.slices].read(order="F").result())
    except (ValueError, OSError) as error:
        raise SourceError(
            f"box {box} (in stored order) of {what} cannot be read "
            f"({first_line(error)}); check that it can be reached, and restore what is torn"
        ) from error


def is_missing(error: SourceError) -> bool:
    """Return whether `read_array` failed as a chunk is missing that the array does not fill."""
    return str(error.__cause__).startswith("NOT_FOUND")


def open_array(
    spec: dict[str, Any], what: str, context: ts.Context | None = None
) -> ts.TensorStore:
    """Open an array with TensorStore; its origin is moved to 0.

    Raises
    ------
    SourceError
        If it cannot be opened, or is of a kind that TensorStore does not read.
    """
    try:
        array = ts.open(ts.Spec(spec), open=True, read=True, context=context).result()
    except (ValueError, OSError) as error:
        raise SourceError(
            f"{what} cannot be opened ({first_line(error)}); restore or convert it"
        ) from error
    return array[ts.d[:].translate_to[0]]
