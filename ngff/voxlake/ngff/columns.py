"""Columns between NumPy and Arrow, without a copy and without pandas.

pyarrow's own ways load pandas, where it is installed, to see whether it is meant: half a second of
the first look-up of a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt


def arrow_column(
    values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array[Any]:
    """Return numbers as a column of Arrow's; null where they are `missing`.

    Examples
    --------
    >>> arrow_column(np.array([3, 4]), np.array([False, True])).to_pylist()
    [3, None]
    """
    plain = np.ascontiguousarray(values)
    valid = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    buffers = [valid, pa.py_buffer(plain)]
    return pa.Array.from_buffers(pa.from_numpy_dtype(plain.dtype), len(plain), buffers)


def numpy_column(column: pa.Array[Any] | pa.ChunkedArray[Any]) -> npt.NDArray[Any]:
    """Return a column of numbers, none of them null, as a NumPy array that must not be changed.

    Examples
    --------
    >>> numpy_column(arrow_column(np.array([3, 4])))
    array([3, 4])
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.from_dlpack(whole)
