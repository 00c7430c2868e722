"""Requests to the store: what writing and reading levels takes. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.documents.jobs.plan import Requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.compute.passes.cut import Cut, LevelGrid

GETS_PER_LEVEL = 4
"""Of metadata, by the process that plans and one that works (seen on S3): so few do not count."""


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of one level."""

    count: int
    stored: int
    """Those with anything in them, about."""
    bytes: float
    """Of those that are stored, together."""


def writing(shards: Shards) -> Requests:
    """Return what writing all shards of a level takes.

    Each is looked at before, and before one of a dataset in the making is stored, whether its job
    still makes it.

    Examples
    --------
    >>> writing(Shards(10, 8, 8000.0))
    Requests(put=8, get=8, head=10, delete=0)
    """
    return Requests(put=shards.stored, get=shards.stored, head=shards.count)


def reading(shards: Shards, level: LevelGrid, cut: Cut) -> Requests:
    """Return what reading a stored level strip by strip takes: chunks that lie together at once."""
    pairs = math.prod(
        _crossings(n, strip, shard)
        for n, strip, shard in zip(level.shape, cut.strips[0], level.shard, strict=True)
    )
    share = shards.stored / max(1, shards.count)
    return Requests(get=shards.stored + round(pairs * share), head=shards.count)


def reading_whole(shards: Shards) -> Requests:
    """Return what reading a stored level shard by shard takes: its index, and its chunks at once.

    Examples
    --------
    >>> reading_whole(Shards(10, 8, 8000.0))
    Requests(put=0, get=18, head=0, delete=0)
    """
    return Requests(get=shards.count + shards.stored)


def metadata(levels: int, *, made: bool) -> Requests:
    """Return what documents take: those of a dataset that is made, and those a runner reads."""
    # A group is created, and looked at and put again when the dataset is whole.
    own = {"put": levels + 2, "head": 1} if made else {}
    return Requests(get=GETS_PER_LEVEL * levels, **own)


def total(parts: Sequence[Requests]) -> Requests:
    """Return the sum of `parts`."""
    names = Requests.model_fields
    return Requests(**{name: sum(getattr(part, name) for part in parts) for name in names})


def _crossings(whole: int, strip: int, shard: int) -> int:
    """Return the pieces that an axis falls into where it is cut at strips and at shards.

    Examples
    --------
    >>> _crossings(10, 4, 3)
    6
    """
    joint = math.lcm(strip, shard)
    return -(-whole // strip) + -(-whole // shard) - -(-whole // joint)
