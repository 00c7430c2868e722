"""bossDB's API beside the gateway's own: how long requests take, and what intern adds to them.

One client sends one request after another by one connection, ways taking turns. What is read is
compared before it is measured.
"""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from numcodecs import blosc

from benchmarks.bossdb_client import Client, by_intern, of_client
from benchmarks.bossdb_questions import Question, Request, questions
from benchmarks.gateway_memory import make_lake
from benchmarks.gateway_ranges import UNLIMITED
from benchmarks.gateway_rates import TICK_S, Server, cpu_of, serving
from benchmarks.gateway_requests import LABELS
from benchmarks.tables import markdown_table
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.rounds import Say

SHAPE = (256, 512, 512)
USER, FRAME, KEY = "ana", "whole", "stain"


@dataclass(slots=True)
class Latency:
    """What requests of one kind took, of one way of asking."""

    what: str
    way: str
    nbytes: int
    """Voxels that each stands for."""
    seconds: list[float] = field(default_factory=list)
    """Of each request, until the client has the last byte."""
    cpu_s: float = 0.0
    """Of the server, for all of them."""

    def at(self, share: float) -> float:
        """Return the milliseconds within which so great a share of the requests was answered."""
        return 1e3 * float(np.quantile(self.seconds, share))

    @property
    def mb_per_s(self) -> float:
        """Megabytes of voxels in a second of the median request."""
        return self.nbytes / 1e3 / self.at(0.5)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of the server's CPU for a request."""
        return 1e3 * self.cpu_s / len(self.seconds)


def run_bossdb(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Measure, print the tables and return all figures."""
    say(f"bossdb: a lake of {SHAPE} voxels is made")
    lake = folder / "bossdb-lake"
    labels = make_lake(lake, SHAPE)
    token = furnish(lake)
    with serving("benchmarks.gateway_process", str(lake), **UNLIMITED) as server:
        latencies = measure(server, token, questions(SHAPE, labels[0]), repeats)
        print(requests_table(latencies), flush=True)
        clients = of_client(server.address, token, SHAPE, repeats)
        print(clients_table(clients), flush=True)
    return {
        "requests": [asdict(each) for each in latencies],
        "clients": [asdict(each) for each in clients],
    }


def furnish(lake: Path) -> str:
    """Give an experiment what bossDB's have, and a user who may write; return the user's token."""
    with open_catalog(StoreURL.parse(str(lake)), Settings()) as catalog:
        collection, experiment, _ = LABELS.split("/")
        place = (collection, experiment)
        catalog.frames.add(Frame(FRAME, (0, 0, 0), SHAPE, (8.0, 8.0, 8.0), "nanometer", ""))
        catalog.collections.set_frame(place, FRAME)
        catalog.metadata.put_value(place, KEY, "osmium")
        catalog.people.add_user(USER)
        catalog.shares.share([collection], USER, Role.OWNER)
        _, token = catalog.tokens.make(USER, "bench")
        return token


def measure(server: Server, token: str, asked: Sequence[Question], repeats: int) -> list[Latency]:
    """Return what the requests of each kind took, by bossDB's API and by the gateway's own.

    Raises
    ------
    RuntimeError
        If one was refused, or the two do not answer the same voxels.
    """
    process, found = psutil.Process(server.pid), list[Latency]()
    with closing(http.client.HTTPConnection(server.address, timeout=120)) as connection:
        asker = Asker(connection, token)
        for question in asked:
            _check_equal(asker, question)
            ways = {way: Latency(question.what, way, question.nbytes) for way in question.ways}
            for turn in range(repeats):
                for way, latency in ways.items():
                    before, first = cpu_of(process), turn * question.count
                    for number in range(first, first + question.count):
                        request = question.ways[way](number)
                        began = time.perf_counter()
                        asker.ask(request)
                        latency.seconds.append(time.perf_counter() - began)
                    latency.cpu_s += max(cpu_of(process) - before, TICK_S)
            found += ways.values()
    return found


@dataclass(frozen=True, slots=True)
class Asker:
    """Who sends requests by one connection."""

    connection: http.client.HTTPConnection
    token: str

    def ask(self, request: Request) -> bytes:
        """Return the body of the answer; raise RuntimeError if it was refused."""
        scheme = "Token" if request.path.startswith("/v1/") else "Bearer"
        headers = {**request.headers, "Authorization": f"{scheme} {self.token}"}
        self.connection.request(request.method, request.path, request.body, headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status not in {200, 201}:
            raise RuntimeError(f"{request.path}: {answer.status} {body[:1000]!r}")
        return body


def _check_equal(asker: Asker, question: Question) -> None:
    bodies = {way: asker.ask(make(0)) for way, make in question.ways.items()}
    voxels = [blosc.decompress(body) for way, body in bodies.items() if way.endswith("blosc")]
    if any(len(each) != question.nbytes or each != voxels[0] for each in voxels):
        raise RuntimeError(f"{question.what}: the ways do not answer the same voxels")


def requests_table(found: Sequence[Latency]) -> str:
    """Return what requests take as a Markdown table."""
    head = ("request", "by", "median ms", "95 % within, ms", "MB/s", "server CPU ms")
    lines = [
        (
            each.what,
            each.way,
            f"{each.at(0.5):.1f}",
            f"{each.at(0.95):.1f}",
            f"{each.mb_per_s:,.0f}" if each.nbytes else "",
            f"{each.cpu_ms:.1f}",
        )
        for each in found
    ]
    return markdown_table("requests of bossDB's API and of the gateway's own", [head, *lines])


def clients_table(found: Sequence[Client]) -> str:
    """Return what intern takes beside plain requests as a Markdown table."""
    plain = {each.what: each.seconds for each in found if each.way == "requests"}
    head = ("read", "by", "s", "MB/s", "share of intern itself")
    lines = [
        (
            each.what,
            each.way,
            f"{each.seconds:.3f}",
            f"{each.nbytes / 1e6 / each.seconds:,.0f}",
            f"{1 - plain[each.what] / each.seconds:.0%}" if by_intern(each) else "",
        )
        for each in found
    ]
    return markdown_table("intern beside requests of the same blocks", [head, *lines])
