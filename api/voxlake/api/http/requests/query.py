"""Boxes and labels in query strings: ``z=0:64&y=128:256&x=5&filter=7,12``. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.ranges import parse_range
from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.platform.errors import InvalidInputError, LimitExceededError, OutOfBoundsError

MOST_IDS = 1000
"""Labels that a filter takes: some 20 kB of an address, of which servers take 64."""


class Ranges(BaseModel):
    """The ranges of a query string; an axis that is left out is taken whole."""

    t: str | None = Field(None, description="Time points `start:stop`, or one.", examples=["0"])
    c: str | None = Field(None, description="Channels `start:stop`, or one.", examples=["0"])
    z: str | None = Field(None, description="Voxels `start:stop`, or one.", examples=["0:64"])
    y: str | None = Field(None, description="Voxels `start:stop`, or one.", examples=["0:64"])
    x: str | None = Field(None, description="Voxels `start:stop`, or one.", examples=["0:64"])

    def by_axis(self) -> dict[str, str]:
        """Return the ranges that were given."""
        return self.model_dump(include=set(Ranges.model_fields), exclude_none=True)


class LabelsQuery(BaseModel):
    """What voxels of labels are."""

    bodies: bool = Field(
        default=False,
        description="Labels: apply the mapping from supervoxels to bodies; they are uint64.",
    )
    filter: str | None = Field(
        None,
        description=f"Labels, or bodies, that are kept, at most {MOST_IDS}; all others become 0.",
        examples=["7,12"],
    )

    @property
    def labels(self) -> npt.NDArray[np.uint64] | None:
        """The labels that are kept; None: all."""
        return None if self.filter is None else parse_ids(self.filter)


class VoxelsQuery(LabelsQuery, Ranges):
    """A box, and what its voxels are."""

    level: int = Field(0, ge=0, description="0 is the finest.")


def parse_ids(text: str) -> npt.NDArray[np.uint64]:
    """Return the labels that are listed in `text`, with commas between them.

    Raises
    ------
    InvalidInputError
        If one is none.
    LimitExceededError
        If there are more than `MOST_IDS`.

    Examples
    --------
    >>> parse_ids("7, 12,7").tolist()
    [7, 12]
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MOST_IDS:
        raise LimitExceededError(
            f"{len(parts)} labels were given to filter by and {MOST_IDS} are taken; ask several "
            "times, or for all labels, and leave out yourself what is not wanted"
        )
    wrong = [part for part in parts if not _is_label(part)]
    if wrong:
        raise InvalidInputError(
            f"{wrong[0][:40]!r} is no label to filter by; list ids from 1 to {MAX_LABEL} with "
            "commas between them"
        )
    return np.unique(np.array([int(part) for part in parts], np.uint64))


def _is_label(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20 and 0 < int(text) <= MAX_LABEL


def parse_box(ranges: Mapping[str, str], axes: tuple[str, ...], shape: tuple[int, ...]) -> Box:
    """Return the box that `ranges` ask for, in the order of `axes`.

    A range is ``start:stop`` (half-open; either may be left out), or one number for one voxel. An
    axis without a range is taken whole.

    Raises
    ------
    InvalidInputError
        If a range is malformed or empty, or there is no such axis.
    OutOfBoundsError
        If the box is not inside `shape`.

    Examples
    --------
    >>> parse_box({"z": "3", "x": "10:"}, ("z", "y", "x"), (8, 16, 32))
    Box(start=(3, 0, 10), stop=(4, 16, 32))
    """
    if unknown := ranges.keys() - set(axes):
        raise InvalidInputError(
            f"a range along {', '.join(sorted(unknown))} was asked for; the axes of the dataset "
            f"are {', '.join(axes)}"
        )
    spans = [
        _ends(name, ranges.get(name, ":"), extent) for name, extent in zip(axes, shape, strict=True)
    ]
    return Box(tuple(lo for lo, _ in spans), tuple(hi for _, hi in spans))


def _ends(name: str, text: str, extent: int) -> tuple[int, int]:
    try:
        part = parse_range(text)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error
    lo, hi = part.start or 0, extent if part.stop is None else part.stop
    if lo >= extent or hi > extent:
        raise OutOfBoundsError(
            f"{name}={text} was asked for; there are voxels 0:{extent} along {name} at this level"
        )
    if lo >= hi:
        raise InvalidInputError(f"{name}={text} is empty; ask for at least one voxel")
    return lo, hi
