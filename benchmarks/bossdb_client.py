"""What intern, bossDB's client, takes to read, beside requests for the same blocks."""

from __future__ import annotations

import http.client
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numcodecs import blosc

from benchmarks.bossdb_questions import boss_box
from benchmarks.gateway_requests import IMAGE
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    import numpy.typing as npt

BLOCKS = {True: (96, 512, 512), False: (192, 512, 512)}
"""Voxels z, y, x of the blocks in which intern reads what is large, in parallel or not."""
SMALL = (64, 64, 64)

type Read = Callable[[], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Client:
    """What one way to read takes."""

    what: str
    way: str
    nbytes: int
    seconds: float
    """The median."""


def by_intern(client: Client) -> bool:
    """Return whether intern reads."""
    return client.way.startswith("intern")


def of_client(address: str, token: str, shape: tuple[int, int, int], repeats: int) -> list[Client]:
    """Return what it takes to read a small box, and all of an image, in each way.

    Raises
    ------
    RuntimeError
        If the ways do not read the same voxels.
    """
    found = []
    remote, channel = remote_of(address, token)
    for name, extent in (("64^3", SMALL), ("x".join(map(str, shape[::-1])), shape)):
        box = Box.of_shape(tuple(map(min, extent, shape)))
        ways: dict[str, Read] = {"requests": partial(_requests, address, token, box)}
        for parallel in (False, True):
            ways[f"intern, parallel={parallel}"] = partial(
                remote.get_cutout, channel, 0, *ranges_of(box), parallel=parallel
            )
        seconds = _take_turns(ways, repeats)
        found += [Client(name, way, box.size, seconds[way]) for way in ways]
    return found


def _take_turns(ways: dict[str, Read], repeats: int) -> dict[str, float]:
    want, *others = [read() for read in ways.values()]
    if not all(np.array_equal(each, want) for each in others):
        raise RuntimeError("intern does not read the voxels that requests have")
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, read in ways.items():
            began = time.perf_counter()
            read()
            took[way].append(time.perf_counter() - began)
    return {way: statistics.median(each) for way, each in took.items()}


def remote_of(address: str, token: str) -> tuple[Any, Any]:
    """Return intern's client of a server, and the image as it knows it."""
    with warnings.catch_warnings():
        # It is older than this Python.
        warnings.simplefilter("ignore")
        from intern.remote.boss import BossRemote
        from intern.resource.boss.resource import ChannelResource
    remote = BossRemote({"protocol": "http", "host": address, "token": token})
    collection, experiment, channel = IMAGE.split("/")
    found = ChannelResource(channel, collection, experiment, datatype="uint8")
    return remote, remote.get_project(found)


def ranges_of(box: Box) -> list[list[int]]:
    """Return a box as intern takes it: ranges of x, y and z."""
    return [list(each) for each in zip(box.start[::-1], box.stop[::-1], strict=True)]


def _requests(address: str, token: str, box: Box) -> npt.NDArray[np.uint8]:
    """Read a box by as many requests as intern does that is not parallel."""
    voxels = np.empty(box.shape, np.uint8)
    connection = http.client.HTTPConnection(address, timeout=120)
    headers = {"Authorization": f"Token {token}", "Accept": "application/blosc"}
    for block in box.tiles(BLOCKS[False]):
        connection.request("GET", f"/v1/cutout/{IMAGE}/0/{boss_box(block)}/", headers=headers)
        body = connection.getresponse().read()
        part = np.frombuffer(blosc.decompress(body), np.uint8).reshape(block.shape)
        voxels[block.slices] = part
    connection.close()
    return voxels
