"""Do one region of a pass: read every voxel once, and make all its levels from it.

See `voxlake.compute.passes.cut` for regions, layers, strips and levels. Strips run on the threads
that tasks share; what they give is put into the shards in order, so the same voxels always give
the same bytes. What is held in memory is strips, and a layer of each level above the base.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxlake.compute.passes.advance import advance
from voxlake.compute.passes.cut import Reading, pieces_of
from voxlake.compute.passes.reduce import downsample_into
from voxlake.compute.passes.threads import run_ordered, submit_reading, submit_waiting
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.pyramid import coarser_box
from voxlake.ngff.labels.scan.rows import found_in_box, joined_rows
from voxlake.ngff.labels.sidecars.build import write_sidecar
from voxlake.ngff.labels.times import shard_in_time
from voxlake.ngff.memory.reuse import reused
from voxlake.ngff.shards.chunk_codec import encode_chunks
from voxlake.ngff.shards.storing import always, look_at_shard
from voxlake.ngff.shards.stream import cut_at_shards, stream_shard
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import numpy.typing as npt

    from voxlake.compute.passes.cut import Cut
    from voxlake.ngff.grid.reduction import Reduction
    from voxlake.ngff.labels.scan.rows import Found
    from voxlake.ngff.shards.chunk_codec import Payload
    from voxlake.ngff.shards.format import ShardFormat
    from voxlake.ngff.shards.stream import ShardStream
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

_AT_ONCE = BoundedSemaphore(2)
"""Regions that a process works on: the next begins while the last shards of one are stored."""


class ReadInto(Protocol):
    """Reads voxels of the base level."""

    def __call__(self, box: Box, out: npt.NDArray[Any]) -> None:
        """Fill `out`, of the shape of `box`, with contiguous rows."""
        ...


@dataclass(frozen=True, slots=True)
class Pass:
    """What all regions of a pass have in common."""

    volumes: tuple[Volume, ...]
    """The base level and those made from it."""
    codings: tuple[ShardFormat | None, ...]
    """How the shards of each are coded; None where none is written."""
    steps: tuple[tuple[int, ...], ...]
    """Factors of each from the level before it."""
    block: tuple[int, ...]
    """What reading decodes as a whole, in voxels of the base."""
    reduction: Reduction
    cut: Cut
    index: StoreURL | None = None
    """Where the label index of the base lies, if it is written along."""
    check: Callable[[], None] = always
    """Raises if no shard may be stored any more."""
    is_far: bool = False
    """Whether the base is read from a server: the next strips are asked for meanwhile."""


def run_region(work: Pass, read: ReadInto, region: Box) -> Made:
    """Make the shards of all levels over `region` of the base, and say what was made.

    Doing it again writes the same bytes. After an error no shard is changed but those that were
    already whole.

    Raises
    ------
    SourceError, CorruptDataError
        If voxels of the region cannot be read.
    StoreError
        If the store fails.
    """
    with _AT_ONCE:
        pyramid = _RegionPyramid(work, read, region)
        try:
            pyramid.run()
            return pyramid.finish()
        except BaseException:
            pyramid.discard()
            raise


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a region."""

    voxels: int
    """Of the shards of all levels."""
    stored: int
    """Shards of the base that are stored: they are not all fill."""


@dataclass(slots=True)
class _Layer:
    """Voxels of one level between two places of z, all over the region."""

    box: Box
    memory: npt.NDArray[Any]
    """Large enough for any layer of the level."""

    def view(self, box: Box) -> npt.NDArray[Any]:
        """Return the part of the memory that holds `box`."""
        return self.memory[box.within(self.box).slices]


@dataclass(slots=True)
class _RegionPyramid:
    """A region on its way from the base to the highest level of the pass."""

    work: Pass
    read: ReadInto
    region: Box
    layers: dict[int, _Layer] = field(default_factory=dict)
    streams: dict[tuple[int, tuple[int, ...]], ShardStream] = field(default_factory=dict)
    rows: dict[tuple[int, ...], list[Found]] = field(default_factory=dict)
    """Of the label index: what was found in the strips of each shard of the base."""
    waiting: list[Future[bool]] = field(default_factory=list)
    """Shards that are being stored: whether it is one of the base, and not all fill."""
    states: dict[tuple[int, tuple[int, ...]], str] = field(default_factory=dict)
    """Of each shard before anything was read that it is made of: what is stored replaces it."""
    voxels: int = 0

    def run(self) -> None:
        self.states = self._look()
        for box in self.region.tiles(self._slab(self.work.cut.depths[0])):
            layer = None
            if self.work.cut.reading is not Reading.DIRECT:
                layer = self._layer(0, box)
                itemsize = self.work.volumes[0].dtype.itemsize
                pieces = box.tiles(pieces_of(self.work.block, box.shape, itemsize))
                for _ in run_ordered(partial(self._read_piece, layer, piece) for piece in pieces):
                    pass
            self._make(0, box, layer)

    def finish(self) -> Made:
        """Wait until every shard is stored."""
        return Made(self.voxels, sum([future.result() for future in self.waiting]))

    def discard(self) -> None:
        for future in self.waiting:
            future.exception()
        for stream in self.streams.values():
            stream.discard()

    def _make(self, level: int, box: Box, layer: _Layer | None) -> None:
        """Encode a whole layer and reduce it; go on with the next level if its layer is full."""
        above = self._above(level, box)
        works = (
            partial(self._strip, level, part, self._voxels_of(part, layer), above)
            for part in box.tiles(self.work.cut.strips[level])
        )
        for part, payloads, rows in run_ordered(works):
            self._put(level, part, payloads)
            for cell, own in rows:
                self.rows.setdefault(cell, []).append(own)
        self._close_below(level, box.stop[-3])
        if above is None:
            return
        top = self._coarser(level + 1, box).stop[-3]
        above.box = Box(above.box.start, (*above.box.stop[:-3], top, *above.box.stop[-2:]))
        whole = top == self._coarse_region(level + 1).stop[-3]
        if whole or top % self.work.cut.depths[level + 1] == 0:
            self._make(level + 1, above.box, above)
            start = (*above.box.start[:-3], top, *above.box.start[-2:])
            above.box = Box(start, above.box.stop)

    def _strip(
        self, level: int, box: Box, get: Callable[[], npt.NDArray[Any]], above: _Layer | None
    ) -> tuple[Box, list[Payload | None], list[tuple[tuple[int, ...], Found]]]:
        voxels = get()
        if above is not None:
            coarse = above.view(self._coarser(level + 1, box))
            factors = self.work.steps[level + 1][-3:]
            for place in np.ndindex(box.shape[:-3]):
                downsample_into(coarse[place], voxels[place], factors, self.work.reduction)
        coding = self.work.codings[level]
        rows = self._scan(box, voxels) if level == 0 and self.work.index else []
        return box, _encoded(coding, voxels) if coding else [], rows

    def _voxels_of(self, box: Box, layer: _Layer | None) -> Callable[[], npt.NDArray[Any]]:
        """Return what gives the voxels of a strip, which lie in a layer or are to be read."""
        if layer is not None:
            return partial(layer.view, box)
        if self.work.is_far:
            return submit_reading(partial(self._read_strip, box, np.empty)).result
        return partial(self._read_strip, box, partial(reused, "strip"))

    def _read_strip(
        self, box: Box, memory: Callable[[tuple[int, ...], np.dtype[Any]], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        voxels = memory(box.shape, self.work.volumes[0].dtype)
        self.read(box, voxels)
        return voxels

    def _scan(self, box: Box, voxels: npt.NDArray[Any]) -> list[tuple[tuple[int, ...], Found]]:
        """Return what the label index says of a strip of the base, shard by shard."""
        base, index = self.work.volumes[0], self.work.index
        assert index is not None
        found = []
        for cell in box.cells(base.shard):
            part = base.shard_box(cell) & box
            inside = voxels[part.within(box).slices]
            # A shard is of one time point, whatever is of several here.
            volume, *_ = shard_in_time(base, index, cell)
            own = Box(part.start[-3:], part.stop[-3:])
            found.append((cell, found_in_box(volume, own, inside.reshape(own.shape))))
        return found

    def _look(self) -> dict[tuple[int, tuple[int, ...]], str]:
        """Return the state of every shard that is to be stored."""
        places = [
            (level, cell)
            for level, volume in enumerate(self.work.volumes)
            if self.work.codings[level] is not None
            for cell in (self._coarse_region(level) & volume.box).cells(volume.shard)
        ]
        # Not by the threads that store: shards of other regions wait there to be sent.
        looks = in_parallel(lambda at: look_at_shard(self.work.volumes[at[0]], at[1]), places)
        return dict(zip(places, looks, strict=True))

    def _read_piece(self, layer: _Layer, box: Box) -> None:
        self.read(box, layer.view(box))

    def _put(self, level: int, box: Box, payloads: list[Payload | None]) -> None:
        coding = self.work.codings[level]
        if coding is None:
            return
        for cell, part, own in cut_at_shards(box, payloads, coding):
            key = (level, cell)
            if key not in self.streams:
                self.streams[key] = stream_shard(
                    self.work.volumes[level],
                    cell,
                    self.states[key],
                    self.work.check,
                    hashed=level == 0 and self.work.index is not None,
                )
            self.streams[key].put(part, own)
        self.voxels += box.size
        advance(box.size)

    def _close_below(self, level: int, top: int) -> None:
        """Let shards appear that end at `top` or before, or stick out of the volume."""
        end = self.work.volumes[level].shape[-3]
        for key in [key for key in self.streams if key[0] == level]:
            if top == end or self.streams[key].box.stop[-3] <= top:
                rows = self.rows.pop(key[1], []) if level == 0 else []
                store = partial(self._store, *key, self.streams.pop(key), rows)
                self.waiting.append(submit_waiting(store))

    def _store(
        self, level: int, cell: tuple[int, ...], stream: ShardStream, rows: list[Found]
    ) -> bool:
        """Let a shard appear, and then what the label index says of it."""
        etag = stream.close()
        if rows and self.work.index is not None:
            base, index, inside = shard_in_time(self.work.volumes[0], self.work.index, cell)
            found = joined_rows(base, inside, rows)
            write_sidecar(base, inside, index, found, etag, stream.content)
        return level == 0 and etag is not None

    def _above(self, level: int, box: Box) -> _Layer | None:
        """Return the layer that the layer `box` of `level` is reduced into."""
        if level + 1 == self.work.cut.levels:
            return None
        return self.layers.get(level + 1) or self._layer(level + 1, self._coarser(level + 1, box))

    def _layer(self, level: int, box: Box) -> _Layer:
        """Return the layer of `level` that begins where `box` does; memory is used again."""
        known = self.layers.get(level)
        if known is None:
            depth = min(self.work.cut.depths[level], self.work.volumes[level].shape[-3])
            shape = (*box.shape[:-3], depth, *box.shape[-2:])
            dtype = self.work.volumes[level].dtype
            memory = layer_memory(shape, dtype, self.work.cut.reading)
            known = self.layers[level] = _Layer(box, memory)
        known.box = box
        return known

    def _slab(self, depth: int) -> tuple[int, ...]:
        return (*self.region.shape[:-3], depth, *self.work.volumes[0].shape[-2:])

    def _coarse_region(self, level: int) -> Box:
        box = self.region
        for number in range(1, level + 1):
            box = self._coarser(number, box)
        return box

    def _coarser(self, level: int, box: Box) -> Box:
        """Return the voxels of `level` that `box` of the level below it makes."""
        return coarser_box(box, self.work.steps[level])


def _encoded(coding: ShardFormat, voxels: npt.NDArray[Any]) -> list[Payload | None]:
    """Return the payloads of all chunks of `voxels` (..., z, y, x), in C order."""
    places = np.ndindex(voxels.shape[:-3])
    return [payload for place in places for payload in encode_chunks(coding, voxels[place])]


def layer_memory(
    shape: tuple[int, ...], dtype: np.dtype[Any], reading: Reading
) -> npt.NDArray[Any]:
    """Return memory for a layer: a temporary file without a name, if layers are staged."""
    if reading is not Reading.STAGED:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="voxlake-") as file:
        return np.memmap(file, dtype, "w+", shape=shape)
