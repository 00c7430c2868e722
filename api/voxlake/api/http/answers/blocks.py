"""A box in blocks that follow one another in the body, read a few ahead of who takes them."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import numpy.typing as npt

from voxlake.api.formats.cutout import Blocks
from voxlake.api.http.again import read_again
from voxlake.ngff.grid.box import Box

BLOCK_BYTES = 16 << 20
"""Voxels that are read, sent and released as one, about; or those of one row of chunks."""
LEAST_BYTES = 1 << 20
"""What is not read in less room; it would take ever more reads."""
AHEAD = 4
"""Blocks that are in memory at once: read, on their way to the client, or being read."""

type Read = Callable[[Box], Awaitable[npt.NDArray[Any]]]
"""Reads the voxels of a box, C order: of a volume, or made of one as it is read."""


def block_shape(
    box: Box, chunk: tuple[int, ...], itemsize: int, room: int
) -> tuple[int, ...] | None:
    """Return the shape of tiles of a box whose voxels follow one another in C order.

    They end between chunks, so that each chunk is decoded once; but where a row of chunks takes
    more than `room` bytes they are as much thinner as it needs. None if there is no room.
    """
    if room < min(LEAST_BYTES, itemsize * box.size):
        return None
    for axis, extent in enumerate(box.shape):
        layer = itemsize * math.prod(box.shape[axis + 1 :])
        is_cut_below = extent == 1 or (chunk[axis] == 1 and layer > BLOCK_BYTES)
        if is_cut_below and axis + 1 < box.ndim:
            continue
        step = _layers(chunk[axis], extent, layer, room)
        if step:
            return (*(1,) * axis, step, *box.stop[axis + 1 :])
    return None


def _layers(chunk: int, extent: int, layer: int, room: int) -> int:
    """Return how many layers of so many bytes make a block; 0 if not one fits."""
    most = min(BLOCK_BYTES, room)
    if layer * min(chunk, extent) <= room:
        return max(most // (layer * chunk), 1) * chunk
    return max((n for n in range(1, room // layer + 1) if chunk % n == 0), default=0)


class BlocksAhead:
    """Reads blocks in their order. For one event loop; they are taken in a thread.

    No more than `ahead` are in memory: being read, read, or with who took them.
    """

    def __init__(self, read: Read, boxes: Iterator[Box], ahead: int) -> None:
        self._read, self._boxes, self._ahead = read, boxes, ahead
        self._next = next(boxes, None)
        self._reads = deque[asyncio.Task[npt.NDArray[Any]]]()
        self._ready = deque[npt.NDArray[Any]]()

    @property
    def are_read(self) -> bool:
        """Whether nothing is left to be read."""
        return self._next is None and all(read.done() for read in self._reads)

    def blocks(self) -> Blocks:
        """Yield the blocks; each has to be waited for before it is taken."""
        while self._ready or self._reads or self._next:
            yield self._ready.popleft()

    async def begin(self) -> None:
        """Read as many as may be in memory."""
        self.go_on()
        while self._reads:
            await self._receive()

    def go_on(self) -> None:
        """Go on to read, once those that were taken are no longer in memory."""
        while self._next and len(self._reads) + len(self._ready) < self._ahead:
            read = read_again(partial(self._read, self._next))
            self._reads.append(asyncio.create_task(read))
            self._next = next(self._boxes, None)

    async def wait(self) -> None:
        """Return when the next can be taken, or there is none."""
        while self._reads and not self._ready:
            await self._receive()

    async def end(self) -> None:
        """Give up what is being read, and keep nothing."""
        for read in self._reads:
            read.cancel()
        await asyncio.gather(*self._reads, return_exceptions=True)
        self._reads.clear()
        self._ready.clear()

    async def _receive(self) -> None:
        try:
            self._ready.append(await self._reads.popleft())
        except Exception:
            # One that fails does not end the others: their memory counts until they are done.
            await asyncio.gather(*self._reads, return_exceptions=True)
            raise
