"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from voxlake.api.formats.cutout import Blocks, Cutout

type Encode = Callable[[Cutout, Blocks], Iterator[memoryview]]
"""Turns the voxels of a cutout into the parts of a body, in their order.

Nothing is taken of the blocks before the first part is, in a thread. A format that does not join
them takes one at most for each part, and keeps none when the next part is asked for. Parts may
share memory with blocks.
"""

type Measure = Callable[[Cutout], int]
"""Tells bytes, before a voxel is read."""

type Accepts = Callable[[Cutout], bool]
"""Tells whether a cutout can be encoded, before a voxel is read."""


def nothing(_cutout: Cutout) -> int:
    """Return 0."""
    return 0


def everything(_cutout: Cutout) -> bool:
    """Accept every cutout."""
    return True


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to answer."""

    name: str
    """Value of ``?format=``."""
    media_type: str
    """Value of ``Accept`` and ``Content-Type``."""


@dataclass(frozen=True, slots=True)
class Format(Offer):
    """One way to send a cutout."""

    suffix: str
    """Ending of a file of this format, with its dot."""
    encode: Encode
    measure: Measure
    """Of the body: its bytes, or no less if it is not `is_exact`."""
    is_exact: bool = True
    """Whether the size of the body is known before it is made."""
    joins: bool = False
    """Whether encoding needs the voxels as one array, and so has them in memory twice."""
    besides: Measure = nothing
    """Of the memory that encoding takes besides that of the voxels."""
    accepts: Accepts = everything
    unjoined: Format | None = None
    """Of one that joins: what is sent where there is no memory for that; decoders take either."""
