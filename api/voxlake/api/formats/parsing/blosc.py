"""Blosc: the voxels as one Blosc 1 buffer, which is decoded as it comes, block by block.

Its head is checked before anything is decoded. A buffer has a head of 16 bytes, the place of each
block, and the blocks in any order:
https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.blosc import BLOSC
from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.parsing.parser import PART_BYTES, Parser, checked, misfit
from voxlake.platform.errors import InvalidInputError

MOST_BLOCK_BYTES = 16 << 20
"""Of a block that is decoded; blosc chooses up to some megabytes."""
_MOST_BLOCKS = 1 << 20
_HEAD = struct.Struct("<4B3I")
"""Version, that of the coder, flags, bytes of an item; bytes inflated, of a block, of all."""
_PLACE_BYTES = 4
_VERSION = 2
"""Of the format of buffers that Blosc 1 writes."""
_COPIED, _NOT_SPLIT = 0x02, 0x10
"""Flags: the voxels follow as they are; no block is split by the bytes of its items."""


@dataclass(frozen=True, slots=True)
class _Head:
    coder: int
    flags: int
    item: int
    inflated: int
    block: int
    size: int

    @classmethod
    def of(cls, cutout: Cutout, head: bytes) -> _Head:
        """Read a head, and check what it promises: see `voxlake.ngff.codecs.blosc_heads`."""
        version, *fields = _HEAD.unpack(head)
        found = cls(*fields)
        if version != _VERSION:
            raise _broken(f"it is of version {version}, and {_VERSION} is read")
        if found.inflated != cutout.nbytes:
            raise misfit(f"a buffer of {found.inflated} bytes", cutout)
        if not 0 < found.block <= found.inflated:
            raise _broken("its head does not fit it")
        if found.is_copied:
            return found
        if found.block > MOST_BLOCK_BYTES or found.blocks > _MOST_BLOCKS:
            raise _broken(
                f"it has {found.blocks} blocks of {found.block} bytes, and at most {_MOST_BLOCKS} "
                f"of {MOST_BLOCK_BYTES} are read; leave their size to Blosc"
            )
        return found

    @property
    def is_copied(self) -> bool:
        return bool(self.flags & _COPIED)

    @property
    def blocks(self) -> int:
        return -(-self.inflated // self.block)

    def alone(self, part: memoryview, size: int) -> bytes:
        """Return a buffer of one block, which inflates to `size` bytes."""
        # The last block is shorter than the others, and then never split.
        flags = self.flags if size == self.block else self.flags | _NOT_SPLIT
        begin = _HEAD.size + _PLACE_BYTES
        head = _HEAD.pack(_VERSION, self.coder, flags, self.item, size, size, begin + len(part))
        return b"".join((head, begin.to_bytes(_PLACE_BYTES, "little"), part))


class BloscUnpacking:
    """Takes a buffer as it comes; no more of it is kept than a block."""

    def __init__(self, cutout: Cutout) -> None:
        self._cutout = cutout
        self._kept, self._taken = bytearray(), 0
        self._head: _Head | None = None
        self._places: _Places | None = None

    def take(self, part: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the buffer."""
        self._kept += part
        self._taken += len(part)
        if self._head is None:
            if len(self._kept) < _HEAD.size:
                return
            self._head = _Head.of(self._cutout, self._cut(_HEAD.size))
            self._voxels = np.empty(self._cutout.shape, self._cutout.dtype.newbyteorder("<"))
            self._bytes = self._voxels.reshape(-1).view(np.uint8)
        if self._taken > self._head.size:
            raise _broken("its head does not fit it")
        if self._head.is_copied:
            self._copy(self._head)
        elif self._places is not None or self._have_places(self._head):
            assert self._places is not None
            self._decode(self._head, self._places)

    def finish(self) -> npt.NDArray[Any]:
        """Return the voxels."""
        if self._head is None or self._taken != self._head.size:
            raise _broken("it is too short")
        if self._head.is_copied and self._taken - _HEAD.size != self._head.inflated:
            raise _broken("its head does not fit it")
        if not self._head.is_copied and not (self._places and self._places.are_done):
            raise _broken("it is too short")
        return checked(self._voxels, self._cutout)

    def _cut(self, size: int) -> bytes:
        """Take the first bytes of those that are kept."""
        first = bytes(memoryview(self._kept)[:size])
        del self._kept[:size]
        return first

    def _copy(self, head: _Head) -> None:
        begin = self._taken - _HEAD.size - len(self._kept)
        if begin + len(self._kept) > head.inflated:
            raise _broken("its head does not fit it")
        self._bytes[begin : begin + len(self._kept)] = np.frombuffer(self._kept, np.uint8)
        self._kept = bytearray()

    def _have_places(self, head: _Head) -> bool:
        """Read where the blocks lie; False: that is not here yet."""
        size = head.blocks * _PLACE_BYTES
        if len(self._kept) < size:
            return False
        starts = np.frombuffer(self._cut(size), "<u4").astype(np.int64)
        order = np.argsort(starts)
        ends = np.append(starts[order], head.size)
        if ends[0] != _HEAD.size + size or not (np.diff(ends) > 0).all():
            raise _broken("its blocks lie where they cannot")
        self._places = _Places(order, ends[1:])
        return True

    def _decode(self, head: _Head, places: _Places) -> None:
        """Decode the blocks that are here."""
        from numcodecs import blosc

        begin = at = self._taken - len(self._kept)
        with memoryview(self._kept) as view:
            for number, end in places.whole_until(self._taken):
                out = self._bytes[number * head.block : (number + 1) * head.block]
                try:
                    blosc.decompress(head.alone(view[at - begin : end - begin], out.size), out)
                except (RuntimeError, ValueError) as error:
                    raise _broken(str(error)[:200]) from error
                at = end
        del self._kept[: at - begin]


@dataclass(slots=True)
class _Places:
    """Where blocks lie in a buffer."""

    order: npt.NDArray[np.int64]
    """Their numbers as they come."""
    ends: npt.NDArray[np.int64]
    done: int = 0
    """Those that were decoded."""

    @property
    def are_done(self) -> bool:
        return self.done == len(self.order)

    def whole_until(self, taken: int) -> Iterator[tuple[int, int]]:
        """Yield number and end of each block that is whole in the first bytes of a buffer."""
        while not self.are_done and self.ends[self.done] <= taken:
            yield int(self.order[self.done]), int(self.ends[self.done])
            self.done += 1


def parse(cutout: Cutout, body: memoryview) -> npt.NDArray[Any]:
    """Return the voxels of a whole buffer."""
    unpacking = BloscUnpacking(cutout)
    for at in range(0, body.nbytes, PART_BYTES):
        unpacking.take(body[at : at + PART_BYTES])
    return unpacking.finish()


def _broken(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the body is no Blosc buffer ({why}); write it by numcodecs.blosc or blosc.compress"
    )


BLOSC_PARSER = Parser(BLOSC.name, BLOSC.media_type, parse, copies=1, unpack=BloscUnpacking)
