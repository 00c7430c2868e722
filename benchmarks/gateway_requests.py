"""Requests of all sorts to a gateway, by clients that read at once, slowly, or leave."""

from __future__ import annotations

import http.client
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE, LABELS = "bench/phantom/em", "bench/phantom/cells"
CLIENTS = 8
SLOW, LEAVING = 0.02, 0.02
"""Shares of the requests whose clients read slowly, and leave before the end."""
_READ = 1 << 18


@dataclass(frozen=True, slots=True)
class Asked:
    """What there is to ask of a lake."""

    address: str
    """Host and port of the gateway."""
    shape: tuple[int, int, int]
    labels: list[int]
    keys: list[tuple[str, int]]
    """Keys of stored objects below their dataset's address, and their sizes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    kind: str
    path: str
    headers: dict[str, str]


def run_requests(asked: Asked, count: int, seed: int) -> Counter[str]:
    """Send so many requests by several clients; return how many there were of each kind.

    Raises
    ------
    RuntimeError
        If one was refused.
    """
    shares = [count // CLIENTS + (number < count % CLIENTS) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        work = [
            clients.submit(_client, asked, share, seed * CLIENTS + number)
            for number, share in enumerate(shares)
        ]
        return sum((each.result() for each in work), Counter[str]())


def _client(asked: Asked, count: int, seed: int) -> Counter[str]:
    chance, kinds = random.Random(seed), Counter[str]()
    connection = http.client.HTTPConnection(asked.address, timeout=120)
    for _ in range(count):
        make = chance.choices(list(_KINDS), list(_KINDS.values()))[0]
        request = make(asked, chance)
        manner = chance.random()
        try:
            answer = _ask(connection, request)
        except (http.client.RemoteDisconnected, ConnectionError):
            # A server closes what was idle for some seconds.
            connection.close()
            kinds["(connected anew)"] += 1
            answer = _ask(connection, request)
        if answer.status not in {200, 206}:
            raise RuntimeError(f"{request.path}: {answer.status} {answer.read(1000)!r}")
        if manner < LEAVING:
            connection.close()
            kinds["(left)"] += 1
        else:
            slow = manner < LEAVING + SLOW
            kinds["(slow)"] += slow
            while answer.read(_READ):
                time.sleep(0.02 * slow)
        kinds[request.kind] += 1
    connection.close()
    return kinds


def _ask(connection: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
    connection.request("GET", request.path, headers=request.headers)
    return connection.getresponse()


def _cutout(asked: Asked, chance: random.Random) -> Request:
    edge = chance.choice((32, 64, 64, 128, 200))
    form = chance.choice(("raw", "npy"))
    return Request(
        "cutout", f"/v2/datasets/{IMAGE}/cutout?{_box(asked, chance, edge)}&format={form}", {}
    )


def _label_cutout(asked: Asked, chance: random.Random) -> Request:
    edge = chance.choice((32, 64, 64, 128, 180))
    return Request(
        "cutout of labels", f"/v2/datasets/{LABELS}/cutout?{_box(asked, chance, edge)}", {}
    )


def _look_up(asked: Asked, chance: random.Random) -> Request:
    return Request("look-up", f"/v2/datasets/{LABELS}/labels/{chance.choice(asked.labels)}", {})


def _sparse(asked: Asked, chance: random.Random) -> Request:
    label, form = chance.choice(asked.labels), chance.choice(("srles", "rles", "arrow"))
    path = f"/v2/datasets/{LABELS}/labels/{label}/sparse-volume?format={form}"
    return Request("sparse volume", path, {})


def _range(asked: Asked, chance: random.Random) -> Request:
    key, size = chance.choice(asked.keys)
    start = chance.randrange(max(size - 200_000, 1))
    return Request("range", f"/zarr/{key}", {"Range": f"bytes={start}-{start + 200_000}"})


def _object(asked: Asked, chance: random.Random) -> Request:
    return Request("object", f"/zarr/{chance.choice(asked.keys)[0]}", {})


def _table(asked: Asked, chance: random.Random) -> Request:
    path = chance.choice(
        (
            "/top?n=1000&format=arrow",
            "/top?n=100",
            f"?{_box(asked, chance, 100)}&counts=true",
        )
    )
    return Request("table", f"/v2/datasets/{LABELS}/labels{path}", {})


def _box(asked: Asked, chance: random.Random, edge: int) -> str:
    ranges = []
    for axis, extent in zip("zyx", asked.shape, strict=True):
        size = min(edge, extent)
        start = chance.randint(0, extent - size)
        ranges.append(f"{axis}={start}:{start + size}")
    return "&".join(ranges)


_KINDS: dict[Callable[[Asked, random.Random], Request], int] = {
    _cutout: 25,
    _label_cutout: 10,
    _look_up: 25,
    _sparse: 6,
    _range: 25,
    _object: 2,
    _table: 7,
}
"""How often each kind is sent, of a hundred."""
