"""What it costs a small request that the gateway asks who sends it, and guards itself.

One chunk of 64^3 voxels is asked for again and again, as viewers do, by a user with a token. The
application is asked in this process, without a server, and by a client of a server; each with all
layers, and with those that a row names left out.
"""

from __future__ import annotations

import asyncio
import http.client
import statistics
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from benchmarks.tables import markdown_table
from voxlake.api.app import create_app
from voxlake.api.http.connection import Connection
from voxlake.api.identity.local import LocalIdentity
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.access import Principal, Role
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.types import Message, Scope

    from benchmarks.rounds import Say

NAME = DatasetName("bench", "phantom", "em")
USER = "ana"
REQUESTS = 400
"""In a row, of one way; ways take turns."""
SPAN = 100_000
"""Bytes of a chunk, about: a range of its shard."""
GUARDS = ("Throttle", "Bodies", "OriginCheck", "Cors", "Envelope", "PublicAddress", "LinkPaths")
"""Layers that say who may ask how often, from where, and what browsers may do."""
SERVICE = ("Observed", "WhileWanted", "HeadAsGet", "LineEnds", "Routed")
"""Layers for logs and metrics, deadlines, and HTTP itself."""


@dataclass(frozen=True, slots=True)
class Way:
    """How requests are served, and what one takes, in microseconds."""

    name: str
    application_us: float
    """Of the thread of the event loop, without a server."""
    served_us: float
    """Until a client has the answer."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Knows without a look who asks."""

    principal: Principal

    async def identify(self, _: Scope) -> Principal:
        return self.principal


def run_gateway_layers(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Measure, print the table and return all figures."""
    say("gateway layers: a lake is made")
    ways = measure(folder / "layers-lake", repeats)
    print(layers_table(ways), flush=True)
    return {"ways": [asdict(way) for way in ways]}


def measure(lake: Path, repeats: int, requests: int = REQUESTS) -> list[Way]:
    """Return the ways, all layers first and none last."""
    lake.mkdir(parents=True)
    url, settings = StoreURL.parse(str(lake)), Settings(workers=0)
    with Workspace.opened(url, settings) as workspace:
        run_job(workspace, start_ingest(workspace, IngestRequest("phantom:96", _PLACE, levels=1)))
        catalog = workspace.catalog
        catalog.people.add_user(USER)
        catalog.shares.share(NAME.parts, USER, Role.VIEWER)
        _, token = catalog.tokens.make(USER, "bench")
        principal = catalog.tokens.principal_of(token)

        def app(left_out: Sequence[str] = (), *, known: bool = False) -> FastAPI:
            made = create_app(settings, url, catalog, LocalIdentity("x" * 40))
            kept = [each for each in made.user_middleware if _name(each) not in left_out]
            made.user_middleware = kept
            if known:
                object.__setattr__(made.state.gateway, "identity", _Known(principal))
            return made

        ways = {
            "all": app(),
            "without who asks": app(known=True),
            "without guards": app(GUARDS),
            "without who asks and guards": app(GUARDS, known=True),
            "without any layer": app((*GUARDS, *SERVICE), known=True),
        }
        headers = {"Authorization": f"Bearer {token}", "Range": f"bytes=0-{SPAN - 1}"}
        return _take_turns(ways, headers, repeats, requests)


_PLACE = Place(NAME, Kind.IMAGE)
_KEY = f"/zarr/{NAME}/0/c/0/0/0"


def _name(layer: Any) -> str:
    return str(layer.cls.__name__)


def _take_turns(
    ways: dict[str, FastAPI], headers: dict[str, str], repeats: int, requests: int
) -> list[Way]:
    inside = {name: list[float]() for name in ways}
    served = {name: list[float]() for name in ways}
    for _ in range(repeats * 4):
        for name, app in ways.items():
            inside[name] += asyncio.run(_ask_inside(app, headers, requests // 4))
    for name, app in ways.items():
        # What it keeps for an event loop that ended is of no use to another.
        with served_at_port(app) as port:
            served[name] += _ask_served(port, headers, requests * repeats)
    return [Way(name, _quick(inside[name]) * 1e6, _quick(served[name]) * 1e6) for name in ways]


def _quick(times: list[float]) -> float:
    """Return the time below which a twentieth is: what else runs on the machine adds to others."""
    return statistics.quantiles(times, n=20)[0]


async def _ask_inside(app: FastAPI, headers: dict[str, str], requests: int) -> list[float]:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    times = []
    for _ in range(requests):
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": _KEY, "raw_path": _KEY.encode(), "query_string": b"", "root_path": "",
            "headers": [(b"host", b"localhost"), *raw], "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip
        sent: list[Message] = []
        left = asyncio.Event()

        async def receive(left: asyncio.Event = left) -> Message:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        begun = time.thread_time()
        await app(scope, receive, send)
        times.append(time.thread_time() - begun)
        assert sent[0]["status"] == 206, sent
    return times


def _ask_served(port: int, headers: dict[str, str], requests: int) -> list[float]:
    connection, times = http.client.HTTPConnection("127.0.0.1", port, timeout=30), []
    for _ in range(requests):
        begun = time.perf_counter()
        connection.request("GET", _KEY, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        times.append(time.perf_counter() - begun)
        assert (answer.status, len(body) > 0) == (206, True)
    connection.close()
    return times


@contextmanager
def served_at_port(app: FastAPI) -> Iterator[int]:
    """Serve an application from a thread, and yield its port."""
    config = uvicorn.Config(
        app, port=0, http=Connection, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


def layers_table(ways: Sequence[Way]) -> str:
    """Return the ways as a table, beside the one with all layers."""
    every = ways[0]
    rows = [
        (
            way.name,
            f"{way.application_us:.0f}",
            f"{way.served_us:.0f}",
            f"{(every.application_us - way.application_us) / every.served_us:.1%}",
        )
        for way in ways
    ]
    head = ("layers", "application, us", "served, us", "what is left out, of a served request")
    return markdown_table("A chunk by the gateway", [head, *rows])
