"""The answer that carries a cutout: read when it is its turn, sent block by block."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import numpy.typing as npt

from voxlake.api.formats import Cutout, Format
from voxlake.api.http.again import read_again
from voxlake.api.http.answers.stream import StreamResponse
from voxlake.api.http.limits.budget import Budget, Held
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import LimitExceededError

BLOCK_BYTES = 16 << 20
"""Voxels that are read, sent and released as one, about; or those of one row of chunks."""


type Read = Callable[[Box], Awaitable[npt.NDArray[Any]]]
"""Reads the voxels of a box, C order: of a volume, or made of one as it is read."""


@dataclass(frozen=True, slots=True)
class CutoutReading:
    """How the voxels of a cutout are read and sent."""

    cutout: Cutout
    format: Format
    read: Read
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
        """Bytes of the body, at most."""
        return self.format.measure(self.cutout)

    @property
    def held_bytes(self) -> int:
        """Memory that it takes."""
        reading = self.cutout.nbytes * self.copies + self.decoding_bytes
        return max(reading, self.encoded_bytes)

    @property
    def encoded_bytes(self) -> int:
        """Memory that it takes once it is read."""
        voxels = self.cutout.nbytes * (2 if self.format.joins else 1)
        return max(voxels + self.format.besides(self.cutout), self.size)

    def blocks(self) -> list[Box]:
        """Return the box cut along its first long axis, between chunks."""
        box = self.cutout.box
        if self.chunk is None:
            return [box]
        axis = next((axis for axis, n in enumerate(box.shape) if n > 1), 0)
        layer = self.cutout.nbytes // box.shape[axis]
        step = max(BLOCK_BYTES // (layer * self.chunk[axis]), 1) * self.chunk[axis]
        return list(box.tiles((*box.stop[:axis], step, *box.stop[axis + 1 :])))

    def headers(self) -> dict[str, str]:
        """Return what describes the body."""
        cutout, box = self.cutout, self.cutout.box
        length = {"Content-Length": str(self.size)} if self.format.is_exact else {}
        return {
            "Content-Type": self.format.media_type,
            **length,
            "Content-Disposition": f'inline; filename="cutout{self.format.suffix}"',
            # A foreign dataset may name its axes as it likes.
            "X-Voxlake-Axes": ",".join(map(quote, cutout.names)),
            "X-Voxlake-Box": ",".join(
                f"{lo}:{hi}" for lo, hi in zip(box.start, box.stop, strict=True)
            ),
            "X-Voxlake-Dtype": cutout.dtype.name,
            "X-Voxlake-Level": str(cutout.level),
            "X-Voxlake-Shape": ",".join(map(str, box.shape)),
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

    def __init__(self, reading: CutoutReading, budget: Budget) -> None:
        cutout = reading.cutout
        if reading.held_bytes > budget.share_bytes:
            raise LimitExceededError(
                f"cutout {cutout.box} of level {cutout.level} takes {reading.held_bytes} bytes of "
                f"memory, {reading.decoding_bytes} of them to decode chunks, and the server has "
                f"{budget.share_bytes} for answers; ask for a smaller box or a coarser level, or "
                "raise VOXLAKE_GATEWAY_MEMORY_BYTES at the server"
            )
        self.reading, self.blocks = reading, deque[npt.NDArray[Any]]()
        parts = reading.format.encode(cutout, _taken(self.blocks))
        super().__init__(parts, reading.headers(), budget, reading.held_bytes)

    async def prepare(self, held: Held) -> None:
        """Read all blocks."""
        reads = (read_again(partial(self.reading.read, box)) for box in self.reading.blocks())
        # One that fails does not end the others: their memory counts until they are done.
        done = await asyncio.gather(*reads, return_exceptions=True)
        for failure in (each for each in done if isinstance(each, BaseException)):
            raise failure
        self.blocks.extend(each for each in done if not isinstance(each, BaseException))
        held.shrink(self.reading.encoded_bytes)


def _taken(blocks: deque[npt.NDArray[Any]]) -> Iterator[npt.NDArray[Any]]:
    while blocks:
        yield blocks.popleft()
