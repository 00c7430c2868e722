"""Which slice of a dataset its page shows. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal, cast
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from voxlake.api.formats.window import parse_window
from voxlake.documents.datasets.dataset import DatasetDocument, LevelDocument
from voxlake.platform.errors import InvalidInputError, NoSuchLevelError, OutOfBoundsError

LONGEST = 1024
"""Pixels of an edge up to which a level is shown by itself."""

LARGEST = 1 << 24
"""Pixels of a picture at most."""

AUTO = "auto"

type AxisName = Literal["z", "y", "x"]
Number = Annotated[int | None, Field(ge=0, lt=10**15)]


class SliceQuery(BaseModel):
    """What somebody wants to see; what is left out is chosen for them."""

    across: Annotated[AxisName, Field(description="The axis across the slice.")] = "z"
    level: Annotated[int | None, Field(ge=0, le=99)] = None
    at: Number = None
    seen: Annotated[
        str,
        Field(
            pattern=r"^([zyx]\.[0-9]{1,2})?$",
            description="Axis and level on which `at` counts, such as z.0; empty: those asked for.",
        ),
    ] = ""
    t: Annotated[Number, Field(description="Time point.")] = None
    c: Annotated[Number, Field(description="Channel.")] = None
    window: Annotated[str, Field(max_length=80)] = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice that there is."""

    across: AxisName
    level: int
    at: int
    last: int
    """The last one along that axis of that level."""
    pixels: int
    window: str = ""
    others: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Time point and channel, if there are several: which one, and which is the last."""

    @property
    def is_drawn(self) -> bool:
        """Whether a browser is to be shown so many pixels."""
        return self.pixels <= LARGEST

    @property
    def picture(self) -> str:
        """The query of its picture (`/image`)."""
        return urlencode({"level": self.level, self.across: self.at, "format": "png"} | self._more)

    @property
    def seen(self) -> str:
        """Axis and level on which `at` counts."""
        return f"{self.across}.{self.level}"

    def link(self, step: int) -> str:
        """Return the query of the page that shows the slice so many further."""
        at = min(max(self.at + step, 0), self.last)
        return urlencode({"across": self.across, "level": self.level, "at": at} | self._more)

    @property
    def _more(self) -> dict[str, str]:
        more = {name: str(at) for name, (at, _) in self.others.items()}
        return more | ({"window": self.window} if self.window else {})


def choose_slice(dataset: DatasetDocument, asked: SliceQuery, longest: int = LONGEST) -> Slice:
    """Return the slice that is shown: by itself the middle of a level that fits on a screen.

    Raises
    ------
    OutOfBoundsError
        If what is asked for is not there.
    InvalidInputError
        If the window is none, or one of labels.
    """
    _check_window(dataset, asked.window)
    level = _fitting(dataset, longest) if asked.level is None else asked.level
    sizes = _sizes(dataset, _level(dataset, level))
    space = {name: size for name, size in sizes.items() if name in {"z", "y", "x"}}
    others = {
        name: (_within(name, getattr(asked, name), sizes.get(name, 1)), sizes.get(name, 1) - 1)
        for name in ("t", "c")
    }
    return Slice(
        asked.across,
        level,
        _place(dataset, asked, level),
        space[asked.across] - 1,
        math.prod(space.values()) // space[asked.across],
        asked.window,
        {name: pair for name, pair in others.items() if pair[1]},
    )


def _place(dataset: DatasetDocument, asked: SliceQuery, level: int) -> int:
    """Return the slice across the axis of a level: the one that lies where the one seen does."""
    size = _sizes(dataset, _level(dataset, level))[asked.across]
    if asked.at is None:
        return (size - 1) // 2
    axis, _, number = asked.seen.partition(".")
    seen_axis = cast("AxisName", axis or asked.across)
    seen = _sizes(dataset, _level(dataset, int(number) if number else level))[seen_axis]
    at = _within(seen_axis, asked.at, seen)
    return at * size // seen if seen_axis == asked.across else (size - 1) // 2


def _within(name: str, asked: int | None, size: int) -> int:
    if (asked or 0) >= size:
        raise OutOfBoundsError(
            f"{name} = {asked} was asked for; along {name} there is 0 to {size - 1} at this level"
        )
    return asked or 0


def _check_window(dataset: DatasetDocument, window: str) -> None:
    if window and dataset.kind == "labels":
        raise InvalidInputError(
            f"a window was given and {dataset.name} is labels, which are drawn in colours; leave "
            "it out"
        )
    if window not in {"", AUTO}:
        parse_window(window)


def _fitting(dataset: DatasetDocument, longest: int) -> int:
    fits = [each.level for each in dataset.levels if _longest(dataset, each) <= longest]
    return min(fits, default=len(dataset.levels) - 1)


def _longest(dataset: DatasetDocument, level: LevelDocument) -> int:
    return max(size for name, size in _sizes(dataset, level).items() if name in {"z", "y", "x"})


def _level(dataset: DatasetDocument, number: int) -> LevelDocument:
    if number >= len(dataset.levels):
        raise NoSuchLevelError(
            f"level {number} of {dataset.name} was asked for; it has levels 0 to "
            f"{len(dataset.levels) - 1}"
        )
    return dataset.levels[number]


def _sizes(dataset: DatasetDocument, level: LevelDocument) -> dict[str, int]:
    """Return the extents of a level by its axes."""
    return dict(zip(dataset.axis_names, level.shape, strict=True))
