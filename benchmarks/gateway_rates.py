"""What a server sends for a second of its CPU, asked by several connections at once.

The client is this process: it reads without a look, and shares the machine with the server, so the
CPU seconds of the server are what is compared, and not the time on a clock.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


TICK_S = 1 / os.sysconf("SC_CLK_TCK")
"""What the system tells apart of the CPU time of a process."""


@dataclass(frozen=True, slots=True)
class Query:
    """A request, and how many bytes its answer stands for."""

    path: str
    nbytes: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rate:
    """What was served in a while."""

    nbytes: int
    requests: int
    cpu_s: float
    wall_s: float

    @property
    def mb_per_cpu_s(self) -> float:
        """Megabytes for a second of the server's CPU."""
        return self.nbytes / 1e6 / self.cpu_s


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a process of its own."""

    address: str
    """Host and port."""
    pid: int

    def ask(self, query: Query) -> bytes:
        """Return the body of an answer."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", query.path, headers=dict(query.headers))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status not in {200, 206}:
            raise RuntimeError(f"{query.path}: {answer.status} {body[:1000]!r}")
        return body

    def rate(self, queries: Sequence[Query], count: int, connections: int) -> Rate:
        """Send so many requests, the queries in turns, and return what was served."""
        process = psutil.Process(self.pid)
        shares = [islice(cycle(queries), each, count, connections) for each in range(connections)]
        before, begun = cpu_of(process), time.perf_counter()
        with ThreadPoolExecutor(connections) as clients:
            nbytes = sum(clients.map(self._drain, shares))
        took = time.perf_counter() - begun
        return Rate(nbytes, count, max(cpu_of(process) - before, TICK_S), took)

    def _drain(self, queries: Iterator[Query]) -> int:
        """Send requests by one connection; return how many bytes their answers stand for."""
        connection, nbytes = http.client.HTTPConnection(self.address, timeout=60), 0
        buffer = memoryview(bytearray(1 << 20))
        for query in queries:
            connection.request("GET", query.path, headers=dict(query.headers))
            answer = connection.getresponse()
            while answer.readinto(buffer):
                pass
            assert answer.status in {200, 206}
            nbytes += query.nbytes
        connection.close()
        return nbytes


def cpu_of(process: psutil.Process) -> float:
    """Return the CPU seconds of a process, its threads included."""
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def serving(module: str, *arguments: str, **environment: str) -> Iterator[Server]:
    """Run a module that prints its URL, and serves until it is told to end."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            yield Server(url.removeprefix("http://"), process.pid)
        finally:
            process.terminate()
