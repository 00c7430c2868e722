"""Which slice of a dataset its page shows. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from voxlake.documents.datasets.dataset import DatasetDocument, LevelDocument

LONGEST = 1024
"""Pixels of an edge up to which a level is shown by itself."""

LARGEST = 1 << 24
"""Pixels of a picture at most."""

type AxisName = Literal["z", "y", "x"]


class SliceQuery(BaseModel):
    """What somebody wants to see; what is left out, or is not there, is chosen for them."""

    across: Annotated[AxisName, Field(description="The axis across the slice.")] = "z"
    level: Annotated[int | None, Field(ge=0, le=99)] = None
    at: Annotated[int | None, Field(ge=0, lt=10**15)] = None
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

    @property
    def is_drawn(self) -> bool:
        """Whether a browser is to be shown so many pixels."""
        return self.pixels <= LARGEST

    @property
    def picture(self) -> str:
        """The query of its picture (`/image`)."""
        asked = {"level": self.level, self.across: self.at, "format": "png"}
        return urlencode(asked | ({"window": self.window} if self.window else {}))

    def link(self, step: int) -> str:
        """Return the query of the page that shows the slice so many further."""
        at = min(max(self.at + step, 0), self.last)
        asked = {"across": self.across, "level": self.level, "at": at}
        return urlencode(asked | ({"window": self.window} if self.window else {}))


def choose_slice(dataset: DatasetDocument, asked: SliceQuery, longest: int = LONGEST) -> Slice:
    """Return the slice that is shown: by itself the middle of a level that fits on a screen."""
    level = asked.level if asked.level is not None else _fitting(dataset, longest)
    level = min(level, len(dataset.levels) - 1)
    sizes = _sizes(dataset, dataset.levels[level])
    last = sizes[asked.across] - 1
    at = last // 2 if asked.at is None else min(asked.at, last)
    pixels = math.prod(sizes.values()) // sizes[asked.across]
    return Slice(asked.across, level, at, last, pixels, asked.window)


def _fitting(dataset: DatasetDocument, longest: int) -> int:
    fits = [each.level for each in dataset.levels if max(_sizes(dataset, each).values()) <= longest]
    return min(fits, default=len(dataset.levels) - 1)


def _sizes(dataset: DatasetDocument, level: LevelDocument) -> dict[str, int]:
    """Return the extents of a level along z, y and x."""
    sizes = zip(dataset.axis_names, level.shape, strict=True)
    return {name: size for name, size in sizes if name in {"z", "y", "x"}}
