"""The answer that carries a cutout: read when it is its turn, block by block as it is sent."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from voxlake.api.formats import Cutout, Format
from voxlake.api.http.answers.blocks import AHEAD, BlocksAhead, Read, block_shape
from voxlake.api.http.answers.stream import StreamResponse
from voxlake.api.http.limits.budget import Budget, Held
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import LimitExceededError


@dataclass(frozen=True, slots=True)
class Plan:
    """How a cutout is read."""

    tile: tuple[int, ...]
    """Shape of its blocks, which follow one another in the body."""
    ahead: int
    """Blocks that are in memory at once."""
    held_bytes: int
    """Memory that it takes."""


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
    def encoded_bytes(self) -> int:
        """Memory that it takes once it is read, and joined."""
        return max(2 * self.cutout.nbytes + self.format.besides(self.cutout), self.size)

    def within(self, most_bytes: int) -> Plan:
        """Return how it is read within so much memory, if it can be."""
        cutout, room = self.cutout, (most_bytes - self.decoding_bytes) // self.copies
        itemsize, joins = cutout.dtype.itemsize, self.format.joins
        box = cutout.box.shifted(self._lift)
        tile = box.stop
        if self.chunk is not None:
            most = sys.maxsize if joins else room
            tile = block_shape(box, self.chunk, itemsize, most) or tile
        largest = itemsize * math.prod(map(min, tile, cutout.shape))
        blocks = box.count_cells(tile)
        ahead = blocks if joins else min(blocks, AHEAD, max(room // largest, 1))
        reading = ahead * largest * self.copies + self.decoding_bytes
        return Plan(tile, ahead, max(reading, self.encoded_bytes) if joins else reading)

    def blocks(self, tile: tuple[int, ...]) -> Iterator[Box]:
        """Yield the blocks of the cutout, in the order in which they are in the body."""
        back = tuple(-n for n in self._lift)
        for block in self.cutout.box.shifted(self._lift).tiles(tile):
            yield block.shifted(back)

    @property
    def _lift(self) -> tuple[int, ...]:
        """Voxels, whole chunks, by which a box that begins below 0 is lifted to be cut.

        Grids have a face at 0, which would cut it.
        """
        chunk = self.chunk or (1,) * self.cutout.box.ndim
        return tuple(
            max(-(lo // n), 0) * n for lo, n in zip(self.cutout.box.start, chunk, strict=True)
        )

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
    """Reads a cutout and sends it.

    Where a format has to join the voxels, all are read before the first byte is sent; if there is
    no memory for that, its `unjoined` form is sent. Of others
    `AHEAD` blocks are; the next is read when one was sent, so that a cutout may be larger than
    memory. What was read counts against `budget` until the socket took it.

    Raises
    ------
    LimitExceededError
        At once, if the cutout would never fit in the budget.
    """

    def __init__(self, reading: CutoutReading, budget: Budget) -> None:
        cutout, plan = reading.cutout, reading.within(budget.share_bytes)
        if plan.held_bytes > budget.share_bytes and reading.format.unjoined is not None:
            reading = replace(reading, format=reading.format.unjoined)
            plan = reading.within(budget.share_bytes)
        if plan.held_bytes > budget.share_bytes:
            raise LimitExceededError(
                f"cutout {cutout.box} of level {cutout.level} takes {plan.held_bytes} bytes of "
                f"memory, {reading.decoding_bytes} of them to decode chunks, and the server has "
                f"{budget.share_bytes} for answers; ask for a smaller box or a coarser level, or "
                "raise VOXLAKE_GATEWAY_MEMORY_BYTES at the server"
            )
        self.reading, self.unsent_bytes = reading, reading.size
        self.source = BlocksAhead(reading.read, reading.blocks(plan.tile), plan.ahead)
        parts = reading.format.encode(cutout, self.source.blocks())
        super().__init__(parts, reading.headers(), budget, plan.held_bytes)

    async def prepare(self, held: Held) -> None:
        """Read the first blocks: a failure of most cutouts is told before any of it is sent."""
        await self.source.begin()
        if self.reading.format.joins:
            held.shrink(self.reading.encoded_bytes)
        else:
            self._shrink(held)

    async def make(self) -> bytes | memoryview | None:
        """Return the next part, once the block that it may need is read."""
        await self.source.wait()
        return await super().make()

    def free(self, held: Held, size: int) -> None:
        """Hold less, or read on, when a part is sent."""
        self.unsent_bytes -= size
        if self.reading.format.joins:
            held.shrink(max(held.size - size, 0))
        else:
            self.source.go_on()
            self._shrink(held)

    def _shrink(self, held: Held) -> None:
        if self.source.are_read:
            held.shrink(max(self.unsent_bytes, 0))

    async def end(self) -> None:
        """Read no more."""
        await self.source.end()
