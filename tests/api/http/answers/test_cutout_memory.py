"""What a cutout has in memory: counted until the socket took it, block by block, and no more."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import weakref
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from tests.api.conftest import run_app
from tests.api.formats.described import described

from voxlake.api.formats.raw import RAW
from voxlake.api.http.answers.cutout import BLOCK_BYTES, CutoutReading, CutoutResponse
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
DEPTH = 5 * BLOCK_BYTES >> 20


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
    """Return the reading of a cutout of five blocks."""
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
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_blocks_count_until_the_socket_took_them(url: str, budget: Budget, memory: Memory) -> None:
    with connected(url) as client:
        take(client, 1)
        time.sleep(0.2)
        assert budget.used_bytes == DEPTH << 20
        assert memory.kept == 5
        # The system's buffers of a connection hold less than a block.
        take(client, 3 * BLOCK_BYTES)
        until(lambda: memory.kept == 2)
        assert budget.used_bytes == 2 * BLOCK_BYTES
        take(client, BLOCK_BYTES)
        until(lambda: memory.kept == 1)
        assert budget.used_bytes == BLOCK_BYTES
        take(client, BLOCK_BYTES)
    until(lambda: memory.kept == budget.used_bytes == 0)


def test_a_client_that_leaves_frees_all_blocks(url: str, budget: Budget, memory: Memory) -> None:
    with connected(url) as client:
        take(client, BLOCK_BYTES)
        assert budget.used_bytes
    until(lambda: memory.kept == budget.used_bytes == 0)


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


def test_what_would_never_fit_is_refused_before_a_voxel_is_read(memory: Memory) -> None:
    reading = reading_of(memory)
    CutoutResponse(reading, Budget(reading.size))
    refusals = [(reading, reading.size - 1), (replace(reading, copies=2), reading.size)]
    for refused, limit in refusals:
        with pytest.raises(LimitExceededError, match=f"{limit} for answers.*GATEWAY_MEMORY_BYTES"):
            CutoutResponse(refused, Budget(limit))
    assert memory.blocks == []


@given(
    shape=st.lists(st.integers(1, 400), min_size=2, max_size=5),
    chunk=st.integers(1, 64),
    start=st.integers(0, 100),
    itemsize=st.sampled_from([1, 2, 8]),
)
def test_blocks_follow_one_another_in_the_body(
    shape: list[int], chunk: int, start: int, itemsize: int
) -> None:
    box = Box((start,) * len(shape), tuple(start + n for n in shape))
    memory = Memory(np.dtype(f"u{itemsize}"))
    cutout = described(box, memory.dtype)
    blocks = CutoutReading(cutout, RAW, memory.read, chunk=(chunk,) * len(shape)).blocks()
    axis = next((axis for axis, n in enumerate(shape) if n > 1), 0)
    assert all(n == 1 for n in shape[:axis])
    edges = [block.start[axis] for block in blocks] + [box.stop[axis]]
    assert edges == sorted(set(edges))
    assert all(edge % chunk == 0 for edge in edges[1:-1])
    for block, (low, high) in zip(blocks, pairwise(edges), strict=True):
        ends = (*box.start[:axis], low), (*box.stop[:axis], high)
        assert block == Box(ends[0] + box.start[axis + 1 :], ends[1] + box.stop[axis + 1 :])
        layer = block.size // block.shape[axis] * itemsize
        assert block.size * itemsize <= max(BLOCK_BYTES, layer * chunk)
