"""An array that TensorStore has open, as a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from voxlake.compute.sources.arrays.foreign_store import first_line
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.compute.sources.arrangement import Arrangement
    from voxlake.ngff.grid.box import Box


@dataclass(frozen=True, slots=True)
class TensorStoreArray:
    """An array with x first in its axes and fastest in its chunks."""

    what: str
    """For messages: the kind and the location."""
    array: ts.TensorStore = field(repr=False)
    """With its origin at 0."""

    def read(self, box: Box) -> np.ndarray:
        """Read `box` of the array; safe in threads.

        Raises
        ------
        SourceError
            If a chunk cannot be read or does not decode.
        """
        try:
            return self._read(box)
        except (ValueError, OSError) as error:
            raise self._failure(box, error) from error

    def read_if_whole(self, box: Box) -> np.ndarray | None:
        """Read `box` of an array that does not fill missing chunks; None if one is missing.

        Raises
        ------
        SourceError
            As of `read`.
        """
        try:
            return self._read(box)
        except (ValueError, OSError) as error:
            if str(error).startswith("NOT_FOUND"):
                return None
            raise self._failure(box, error) from error

    def _read(self, box: Box) -> np.ndarray:
        # Fortran order here is C order once the axes are turned round: nothing is copied.
        return np.asarray(self.array[box.slices].read(order="F").result())

    def _failure(self, box: Box, error: Exception) -> SourceError:
        return SourceError(
            f"box {box} (in stored order) of {self.what} cannot be read "
            f"({first_line(error)}); check that it can be reached, and restore what is torn"
        )


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


def shown_block(arrangement: Arrangement, stored: tuple[int, ...]) -> tuple[int, ...]:
    """Return the extents of a `stored` chunk along the axes shown, clipped to the array.

    Examples
    --------
    >>> from voxlake.compute.sources.arrangement import arrange
    >>> shown_block(arrange("xyz", (100, 50, 4), "it"), (64, 32, 16))
    (4, 32, 64)
    """
    extents = dict(zip(arrangement.stored, stored, strict=True))
    return tuple(
        min(extents.get(name, 1), extent)
        for name, extent in zip(arrangement.axes, arrangement.shape, strict=True)
    )
