"""The answer that carries a cutout: read when it is its turn, sent block by block."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from voxlake.api.formats import Format
from voxlake.api.http.again import read_again
from voxlake.api.http.budget import Budget, Held
from voxlake.api.http.stream import StreamResponse
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import LimitExceededError

BLOCK_BYTES = 16 << 20
"""Voxels that are read, sent and released as one, about; or those of one row of chunks."""


type Read = Callable[[Box], Awaitable[npt.NDArray[Any]]]
"""Reads the voxels of a box, C order: of a volume, or made of one as it is read."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """The voxels of a box, before any is read."""

    read: Read
    dtype: np.dtype[Any]
    box: Box
    axes: tuple[str, ...]
    level: int
    format: Format
    more_headers: Mapping[str, str] = field(default_factory=dict)
    """What else describes the body."""
    copies: int = 1
    """How often the voxels are in memory while they are read."""
    decoding_bytes: int = 0
    """Memory of the chunks that are decoded for it at the same time."""
    chunk: tuple[int, ...] | None = None
    """Smallest readable block of the volume; None if it is to be read as one."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.format.measure(self.box.shape, self.dtype)

    @property
    def held_bytes(self) -> int:
        """Memory that it takes while it is read."""
        return self.size * self.copies + self.decoding_bytes

    def blocks(self) -> list[Box]:
        """Return the box cut along its first long axis, between chunks."""
        if self.chunk is None:
            return [self.box]
        axis = next((axis for axis, n in enumerate(self.box.shape) if n > 1), 0)
        layer = self.dtype.itemsize * self.box.size // self.box.shape[axis]
        step = max(BLOCK_BYTES // (layer * self.chunk[axis]), 1) * self.chunk[axis]
        return list(self.box.tiles((*self.box.stop[:axis], step, *self.box.stop[axis + 1 :])))

    def headers(self) -> dict[str, str]:
        """Return what describes the body."""
        return {
            "Content-Type": self.format.media_type,
            "Content-Length": str(self.size),
            "Content-Disposition": f'inline; filename="cutout{self.format.suffix}"',
            # A foreign dataset may name its axes as it likes.
            "X-Voxlake-Axes": ",".join(map(quote, self.axes)),
            "X-Voxlake-Box": ",".join(
                f"{lo}:{hi}" for lo, hi in zip(self.box.start, self.box.stop, strict=True)
            ),
            "X-Voxlake-Dtype": self.dtype.name,
            "X-Voxlake-Level": str(self.level),
            "X-Voxlake-Shape": ",".join(map(str, self.box.shape)),
            **self.more_headers,
        }


class CutoutResponse(StreamResponse):
    """Reads a cutout, then sends it.

    A block of it counts against `budget` until the socket took it.

    Raises
    ------
    LimitExceededError
        At once, if the cutout would never fit in the budget.
    """

    frees = True

    def __init__(self, cutout: Cutout, budget: Budget) -> None:
        if cutout.held_bytes > budget.limit_bytes:
            raise LimitExceededError(
                f"cutout {cutout.box} of level {cutout.level} takes {cutout.held_bytes} bytes of "
                f"memory, {cutout.decoding_bytes} of them to decode chunks, and the server has "
                f"{budget.limit_bytes} for answers; ask for a smaller box or a coarser level, or "
                "raise VOXLAKE_GATEWAY_MEMORY_BYTES at the server"
            )
        self.cutout, self.blocks = cutout, deque[npt.NDArray[Any]]()
        parts = cutout.format.encode(_taken(self.blocks), cutout.box.shape, cutout.dtype)
        super().__init__(parts, cutout.headers(), budget, cutout.held_bytes)

    async def prepare(self, held: Held) -> None:
        """Read all blocks."""
        reads = (read_again(partial(self.cutout.read, box)) for box in self.cutout.blocks())
        # One that fails does not end the others: their memory counts until they are done.
        done = await asyncio.gather(*reads, return_exceptions=True)
        for failure in (each for each in done if isinstance(each, BaseException)):
            raise failure
        self.blocks.extend(each for each in done if not isinstance(each, BaseException))
        held.shrink(self.cutout.size)


def _taken(blocks: deque[npt.NDArray[Any]]) -> Iterator[npt.NDArray[Any]]:
    while blocks:
        yield blocks.popleft()
