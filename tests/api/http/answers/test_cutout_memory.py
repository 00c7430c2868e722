"""What a cutout has in memory: counted until the socket took it, block by block, and no more."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import weakref
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from tests.api.conftest import run_app
from tests.api.formats.described import described

from voxlake.api.formats import FORMATS
from voxlake.api.formats.blosc import BLOSC, STORED
from voxlake.api.formats.hdf5 import HDF5
from voxlake.api.formats.raw import RAW
from voxlake.api.http.answers.blocks import AHEAD, BLOCK_BYTES, LEAST_BYTES, block_shape
from voxlake.api.http.answers.cutout import CutoutReading, CutoutResponse
from voxlake.api.http.layers.leaving import WhileWanted
from voxlake.api.http.limits.budget import Budget
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import CorruptDataError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from voxlake.api.formats import Cutout, Format

BYTE = np.dtype(np.uint8)
LAYER = (1, 1024, 1024)
DEPTH = 8 * BLOCK_BYTES >> 20


@dataclass
class Memory:
    """Voxels that are numbered layers, and which blocks of them somebody still has."""

    dtype: np.dtype[Any] = BYTE
    blocks: list[weakref.ref[npt.NDArray[Any]]] = field(default_factory=list)
    fails_at: int | None = None

    async def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the layers of a box."""
        await asyncio.sleep(0)
        if box.start[0] == self.fails_at:
            raise CorruptDataError("a chunk is damaged; restore it")
        found = np.empty(box.shape, self.dtype)
        found[:] = np.arange(box.start[0], box.stop[0], dtype=self.dtype)[:, None, None]
        self.blocks.append(weakref.ref(found))
        return found

    @property
    def kept(self) -> int:
        """Blocks that were not released."""
        gc.collect()
        return sum(block() is not None for block in self.blocks)


def reading_of(memory: Memory, form: Format = RAW) -> CutoutReading:
    """Return the reading of a cutout of eight blocks."""
    cutout = described(Box((0, 0, 0), (DEPTH, *LAYER[1:])), memory.dtype)
    return CutoutReading(cutout, form, memory.read, chunk=(4, 64, 64))


@pytest.fixture
def budget() -> Budget:
    return Budget(1 << 30)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def url(budget: Budget, memory: Memory) -> Iterator[str]:
    app = FastAPI()
    app.add_middleware(WhileWanted, seconds=60)

    @app.get("/")
    async def answer() -> CutoutResponse:
        return CutoutResponse(reading_of(memory), budget)

    with run_app(app) as url:
        yield url


def connected(url: str) -> socket.socket:
    """Ask, from a socket with a small buffer."""
    host, port = url.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    client.connect((host, int(port)))
    client.sendall(b"GET / HTTP/1.1\r\nHost: it\r\n\r\n")
    return client


def take(client: socket.socket, size: int) -> None:
    """Receive so many bytes."""
    while size:
        size -= len(client.recv(min(size, 1 << 20)))


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_blocks_count_until_the_socket_took_them(url: str, budget: Budget, memory: Memory) -> None:
    with connected(url) as client:
        take(client, 1)
        time.sleep(0.2)
        assert budget.used_bytes == AHEAD * BLOCK_BYTES
        assert memory.kept == len(memory.blocks) == AHEAD
        # The system's buffers of a connection hold less than a block.
        take(client, 3 * BLOCK_BYTES)
        until(lambda: len(memory.blocks) == AHEAD + 3)
        until(lambda: memory.kept == AHEAD)
        assert budget.used_bytes == AHEAD * BLOCK_BYTES
        for left in (3, 2, 1):
            take(client, (2 if left == 3 else 1) * BLOCK_BYTES)
            until(lambda left=left: memory.kept == left)  # type: ignore[misc]  # in a loop
            assert budget.used_bytes == left * BLOCK_BYTES
        take(client, BLOCK_BYTES)
    until(lambda: memory.kept == budget.used_bytes == 0)


def test_a_client_that_leaves_frees_all_blocks(url: str, budget: Budget, memory: Memory) -> None:
    with connected(url) as client:
        take(client, BLOCK_BYTES)
        assert budget.used_bytes
    until(lambda: memory.kept == budget.used_bytes == 0)
    assert len(memory.blocks) <= AHEAD + 2


def test_one_block_that_fails_is_a_problem_and_frees_the_others(
    budget: Budget, memory: Memory
) -> None:
    memory.fails_at = 2 * BLOCK_BYTES >> 20
    response = CutoutResponse(reading_of(memory), budget)
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            sent.append(message)

        with pytest.raises(CorruptDataError):
            await response({}, receive, send)

    asyncio.run(run())
    assert (sent, budget.used_bytes, memory.kept) == ([], 0, 0)


def test_a_body_is_encoded_in_threads(budget: Budget, memory: Memory) -> None:
    threads = set()

    def encode(cutout: Cutout, blocks: Any) -> Iterator[memoryview]:
        for part in RAW.encode(cutout, blocks):
            threads.add(threading.current_thread())
            yield part

    response = CutoutResponse(reading_of(memory, replace(RAW, encode=encode)), budget)
    body = bytearray()

    async def run() -> None:
        async def receive() -> Any:
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            body.extend(message.get("body", b""))

        await response({}, receive, send)

    asyncio.run(run())
    want = np.arange(DEPTH, dtype=np.uint8).repeat(1 << 20)
    np.testing.assert_array_equal(np.frombuffer(body, np.uint8), want)
    assert threads
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("form", ["raw", "npy", "npz", "nrrd", "nifti"])
def test_one_that_fails_after_the_head_is_sent_is_cut_off(form: str, budget: Budget) -> None:
    memory = Memory(fails_at=6 * BLOCK_BYTES >> 20)
    chosen = next(each for each in FORMATS if each.name == form)
    response = CutoutResponse(reading_of(memory, chosen), budget)
    app = FastAPI()

    @app.get("/")
    async def answer() -> CutoutResponse:
        return response

    with run_app(app) as url, httpx2.stream("GET", url) as got:
        assert got.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            for _ in got.iter_bytes():
                pass
    until(lambda: budget.used_bytes == 0)


def test_formats_that_do_not_join_take_a_block_a_part_and_keep_none(budget: Budget) -> None:
    streamed = [each for each in FORMATS if not each.joins]
    assert {each.name for each in streamed} == {"raw", "npy", "npz", "nifti", "nrrd"}
    for form in streamed:
        memory, most, size = Memory(), 0, 0
        response = CutoutResponse(reading_of(memory, form), budget)

        async def send(message: Any, memory: Memory = memory) -> None:
            nonlocal most, size
            size += len(message.get("body", b""))
            del message
            most = max(most, sum(block() is not None for block in memory.blocks))

        async def receive() -> Any:
            await asyncio.sleep(60)

        asyncio.run(response({}, receive, send))
        assert most == AHEAD, form.name
        assert len(memory.blocks) == 8
        assert size <= response.reading.size


def test_what_would_never_fit_is_refused_before_a_voxel_is_read(memory: Memory) -> None:
    joined = reading_of(memory, HDF5)
    CutoutResponse(joined, Budget(joined.encoded_bytes))
    tight = Budget(joined.encoded_bytes - 1)
    chunks = replace(reading_of(memory), decoding_bytes=1 << 20, copies=2)
    CutoutResponse(chunks, Budget((1 << 20) + 2 * LEAST_BYTES))
    for refused, budget in ((joined, tight), (chunks, Budget((1 << 20) + 2 * LEAST_BYTES - 1))):
        with pytest.raises(LimitExceededError, match=r"for answers.*GATEWAY_MEMORY_BYTES"):
            CutoutResponse(refused, budget)
    assert memory.blocks == []


def test_blosc_without_memory_to_join_is_sent_as_it_comes(memory: Memory) -> None:
    """Uncompressed, in the memory of some blocks: no box is too large for it alone."""
    joined = reading_of(memory, BLOSC)
    roomy = CutoutResponse(joined, Budget(joined.encoded_bytes * 2))
    tight = CutoutResponse(joined, Budget(joined.encoded_bytes // 4))
    assert roomy.reading.format is BLOSC
    assert tight.reading.format is STORED
    assert tight.held_bytes <= joined.encoded_bytes // 4
    assert (b"content-length", str(tight.reading.size).encode()) in tight.raw_headers


@pytest.mark.parametrize("room_bytes", [1 << 20, 3 << 20, 40 << 20, 1 << 30])
def test_blocks_fit_in_the_budget(memory: Memory, room_bytes: int) -> None:
    for copies in (1, 2):
        reading = replace(reading_of(memory), copies=copies, decoding_bytes=1000)
        plan = reading.within(1000 + 2 * room_bytes)
        largest = max(box.size for box in reading.cutout.box.tiles(plan.tile))
        assert plan.ahead * largest * copies + 1000 == plan.held_bytes <= 1000 + 2 * room_bytes
        assert 1 <= plan.ahead <= AHEAD


@given(
    shape=st.lists(st.integers(1, 60), min_size=2, max_size=4),
    chunk=st.lists(st.sampled_from([1, 3, 4, 64]), min_size=4, max_size=4),
    start=st.integers(0, 100),
    room=st.integers(LEAST_BYTES, 1 << 26),
)
def test_blocks_follow_one_another_in_the_body(
    shape: list[int], chunk: list[int], start: int, room: int
) -> None:
    rank, itemsize = len(shape), 1 << 16  # so that few voxels are many bytes
    box = Box((start,) * rank, tuple(start + n for n in shape))
    tile = block_shape(box, tuple(chunk[:rank]), itemsize, room)
    assert tile is not None
    done = 0
    for block in islice(box.tiles(tile), 300):
        inside = block.within(box)
        first = int(np.ravel_multi_index(inside.start, box.shape))
        last = int(np.ravel_multi_index(tuple(n - 1 for n in inside.stop), box.shape))
        assert (first, last + 1) == (done, done + block.size)
        assert itemsize * block.size <= room
        done += block.size


@given(
    shape=st.lists(st.integers(1, 60), min_size=2, max_size=4),
    start=st.lists(st.integers(-100, 20), min_size=4, max_size=4),
    chunk=st.lists(st.sampled_from([1, 3, 4, 64]), min_size=4, max_size=4),
    room=st.integers(LEAST_BYTES, 1 << 23),
    knows_chunks=st.booleans(),
)
def test_so_do_those_of_a_box_that_begins_below_zero(
    shape: list[int], start: list[int], chunk: list[int], room: int, *, knows_chunks: bool
) -> None:
    rank = len(shape)
    box = Box(tuple(start[:rank]), tuple(lo + n for lo, n in zip(start, shape, strict=False)))
    known = tuple(chunk[:rank]) if knows_chunks else None
    reading = CutoutReading(described(box, BYTE), RAW, Memory().read, chunk=known)
    plan, done = reading.within(room), 0
    for block in reading.blocks(plan.tile):
        inside = block.within(box)
        first = int(np.ravel_multi_index(inside.start, box.shape))
        assert first == done
        last = int(np.ravel_multi_index(tuple(n - 1 for n in inside.stop), box.shape))
        assert last + 1 == done + block.size
        done += block.size
    assert done == box.size


@given(
    shape=st.lists(st.integers(1, 400), min_size=2, max_size=4),
    chunk=st.integers(1, 64),
    start=st.integers(0, 100),
)
def test_blocks_end_between_chunks_where_there_is_room(
    shape: list[int], chunk: int, start: int
) -> None:
    box = Box((start,) * len(shape), tuple(start + n for n in shape))
    tile = block_shape(box, (chunk,) * len(shape), 1, 1 << 60)
    assert tile is not None
    for low, high in pairwise(islice(box.tiles(tile), 1000)):
        cut = [n for n in range(len(shape)) if low.stop[n] == high.start[n]]
        assert any(low.stop[n] % chunk == 0 for n in cut)
        assert low.size <= max(BLOCK_BYTES, chunk * low.size // low.shape[cut[0]])


def test_a_cutout_of_any_size_is_planned_at_once(memory: Memory) -> None:
    box = Box((0,) * 5, (1000, 3, 1 << 17, 1 << 17, 1 << 17))
    reading = CutoutReading(described(box, BYTE), RAW, memory.read, chunk=(1, 1, 64, 64, 64))
    began = time.process_time()
    assert CutoutResponse(reading, Budget(1 << 30)).held_bytes <= 1 << 30
    assert time.process_time() - began < 1
