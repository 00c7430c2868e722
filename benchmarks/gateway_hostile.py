"""A gateway under hostile load: boxes of any size, requests that are broken off, bombs for bodies.

What is answered is compared with the voxels and the stored bytes; and at the end nothing is held.
"""

from __future__ import annotations

import http.client
import io
import json
import random
import socket
import struct
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import psutil

from benchmarks.gateway_memory import Watch, make_lake, running, stored_keys
from benchmarks.gateway_requests import IMAGE, LABELS
from voxlake.ngff.dataset import open_dataset
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from benchmarks.rounds import Say

CLIENTS = 64
VAST = 1 << 60
"""Extent of the largest boxes."""
REFUSED = frozenset({400, 401, 404, 405, 406, 408, 409, 411, 412, 413, 415, 416, 422, 429})
"""Statuses by which a gateway may refuse what is hostile."""
SETTLED_S = 60.0
POOLED_FILES = 16
"""Files that the connections of the catalog's pool may have opened meanwhile."""
_USER = "mallory"


class WrongAnswerError(Exception):
    """The gateway said what is not so, or failed."""


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway, and what is true of its lake."""

    address: str
    token: str
    voxels: npt.NDArray[Any]
    keys: list[tuple[str, int]]
    folder: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the gateway."""

    kinds: dict[str, int]
    """Requests of each kind, and answers of each status."""
    before: dict[str, Any]
    after: dict[str, Any]
    """What the gateway counted after a fifth of them, and in the end; all clients had left."""
    rss_peak: int
    """Most memory of its process meanwhile, in bytes."""


def run_gateway_hostile(folder: Path, say: Say) -> dict[str, Any]:
    """Try it at length, print what came and return all figures."""
    lake = folder / "hostile-lake"
    make_lake(lake, (128, 256, 256))
    say(f"{CLIENTS} hostile clients send 12,000 requests")
    outcome = attack(lake, 12_000, 256 << 20)
    print(json.dumps(outcome.kinds, indent=2), flush=True)
    return {"kinds": outcome.kinds, "after": outcome.after, "rss_peak": outcome.rss_peak}


def attack(lake: Path, requests: int, memory_bytes: int, seed: int = 0) -> Outcome:
    """Send so many requests by all clients at once to a gateway of so much memory.

    Raises
    ------
    WrongAnswerError
        If an answer is wrong, or is a failure of the gateway.
    """
    url = StoreURL.parse(str(lake))
    with open_catalog(url, Settings()) as catalog:
        catalog.people.add_user(_USER)
        catalog.shares.share(DatasetName.parse(IMAGE).parts[:2], _USER, Role.ANNOTATOR)
        _, token = catalog.tokens.make(_USER, "hostile")
    image = open_dataset(url / f"{IMAGE}.ome.zarr").level(0)
    with running(lake, memory_bytes) as (address, process):
        voxels = image.array.read().result()
        host = address.removeprefix("http://")
        target = Target(host, token, voxels, stored_keys(lake), lake / f"{IMAGE}.ome.zarr")
        watch = Watch(process)
        warm = requests // 5
        kinds = _all_clients(target, warm, seed)
        before = _settled(watch, None)
        kinds += _all_clients(target, requests - warm, seed + 1)
        after = _settled(watch, before)
        state = watch.state("end", requests)
        assert psutil.Process(process.pid).is_running()
    return Outcome(dict(kinds), before, after, int(state.rss_peak * 2**20))


def _all_clients(target: Target, requests: int, seed: int) -> Counter[str]:
    shares = [requests // CLIENTS + (n < requests % CLIENTS) for n in range(CLIENTS)]
    numbers = range(seed * CLIENTS, (seed + 1) * CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as clients:
        return sum(clients.map(_client, [target] * CLIENTS, shares, numbers), Counter[str]())


def _settled(watch: Watch, before: dict[str, Any] | None) -> dict[str, Any]:
    """Return what is counted once nothing is under way, or what is after a long while."""
    ends = time.monotonic() + SETTLED_S
    while True:
        found = watch.counted()
        idle = found["held"] == 0 and (
            before is None
            or (
                found["tasks"] <= before["tasks"]
                and found["files"] <= before["files"] + POOLED_FILES
            )
        )
        if idle or time.monotonic() > ends:
            return found
        time.sleep(0.2)


def _client(target: Target, count: int, seed: int) -> Counter[str]:
    chance, kinds = random.Random(seed), Counter[str]()
    for _ in range(count):
        act = chance.choices(list(_ACTS), list(_ACTS.values()))[0]
        name = act.__name__.strip("_")
        status = act(target, chance)
        kinds[name] += 1
        kinds[f"{name}: {status}"] += 1
    return kinds


def _ask(
    target: Target, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(target.address, timeout=120)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (ConnectionError, http.client.HTTPException) as error:
        # It may end a connection whose body it does not want, and must say nothing else.
        if method == "GET":
            raise WrongAnswerError(f"{path}: {error!r}") from error
        return 0, b""
    finally:
        connection.close()


def _refused(path: str, status: int, body: bytes) -> int:
    if status not in REFUSED | {0}:
        raise WrongAnswerError(f"{path}: {status} {body[:500]!r}")
    return status


def _any_box(target: Target, chance: random.Random) -> int:
    """Ask for a box of any size at any place, up to 2^60."""
    ranges = []
    for extent in target.voxels.shape:
        largest = chance.choice((extent, extent, extent, 2 * extent, 1 << 31, VAST))
        start = chance.randrange(largest)
        ranges.append((start, min(start + chance.choice((1, 17, 64, largest)), largest)))
    asked = "&".join(f"{axis}={lo}:{hi}" for axis, (lo, hi) in zip("zyx", ranges, strict=True))
    form = chance.choice(("raw", "npy"))
    path = f"/v2/datasets/{IMAGE}/cutout?{asked}&format={form}"
    status, body = _ask(target, "GET", path, {})
    inside = all(hi <= n for (_, hi), n in zip(ranges, target.voxels.shape, strict=True))
    if status != 200 or not inside:
        return _refused(path, status, body)
    truth = target.voxels[tuple(slice(lo, hi) for lo, hi in ranges)]
    found = np.load(io.BytesIO(body)).tobytes() if form == "npy" else body
    if found != truth.tobytes():
        raise WrongAnswerError(f"{path}: its voxels are others")
    return status


def _any_range(target: Target, chance: random.Random) -> int:
    """Ask for any range of a stored object."""
    key, size = chance.choice(target.keys)
    start = chance.randrange(chance.choice((size, size, VAST)))
    stop = start + chance.choice((1, 1000, 300_000, VAST))
    path = f"/zarr/{key}"
    status, body = _ask(target, "GET", path, {"Range": f"bytes={start}-{stop - 1}"})
    if status != 206:
        return _refused(path, status, body)
    with (target.folder / key.removeprefix(f"{IMAGE}/")).open("rb") as file:
        file.seek(start)
        if body != file.read(min(stop, size) - start):
            raise WrongAnswerError(f"{path} from {start} to {stop}: its bytes are others")
    return status


def _broken_off(target: Target, chance: random.Random) -> str:
    """Ask for something large, take a little of it or nothing, and break off."""
    what = chance.choice(
        (
            f"/v2/datasets/{IMAGE}/cutout",
            f"/v2/datasets/{LABELS}/cutout?z=0:64",
            f"/v2/datasets/{LABELS}/labels?counts=true",
            f"/zarr/{target.keys[0][0]}",
        )
    )
    host, port = target.address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        # To close it sends a reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        head = f"GET {what} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        client.sendall(head[: chance.choice((10, len(head), len(head)))])
        time.sleep(chance.random() * 0.02)
        if chance.random() < 0.5:
            client.settimeout(0.05)
            try:
                client.recv(chance.choice((1, 1 << 16)))
            except TimeoutError:
                return "nothing came"
    return "left"


def _bomb(target: Target, chance: random.Random) -> int:
    """Send a body that is much less, more or other than it says, where bodies are taken."""
    method, path = chance.choice(
        (
            ("PUT", f"/v2/datasets/{IMAGE}/cutout?z=0:64&y=0:64&x=0:64"),
            ("PUT", f"/v2/datasets/{IMAGE}/cutout?z=0:{VAST}&y=0:{VAST}&x=0:{VAST}"),
            ("POST", f"/v2/datasets/{LABELS}/labels/lookup"),
            ("POST", f"/v2/datasets/{LABELS}/merges"),
            ("POST", "/v2/states"),
        )
    )
    kind, body = chance.choice(_BOMBS)
    headers = {"Content-Type": kind, "Authorization": f"Bearer {target.token}"}
    if chance.random() < 0.2:
        headers["Content-Encoding"] = "gzip"
    if chance.random() < 0.2:
        headers["Content-Length"] = str(VAST)
    status, answer = _ask(target, method, path, headers, body)
    # What only asks, or keeps a little text, may be answered; voxels are never written.
    return status if method == "POST" and status < 300 else _refused(path, status, answer)


def _npy(shape: str) -> bytes:
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + bytes(64)


def _hdf5(chunk: bytes | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        voxels = opened.create_dataset("voxels", (64,) * 3, np.uint8, **options)
        if chunk is not None:
            voxels.id.write_direct_chunk((0,) * 3, chunk)
    return file.getvalue()


_BOMBS = (
    ("application/json", b"[" * 200_000),
    ("application/json", b'{"labels": [' + b"1," * 500_000 + b"1]}"),
    ("application/json", b'{"supervoxels": ' + b"9" * 100_000 + b"}"),
    ("application/x-npy", _npy(f"({VAST},)")),
    ("application/x-npy", _npy("(" + "(" * 60 + ")" * 60 + ",)")),
    ("application/x-blosc", b"\x02\x01\x93\x08" + struct.pack("<III", 0xFFFFFFF0, 1 << 20, 32)),
    ("application/octet-stream", bytes(9 << 20)),
    ("application/x-npz", zlib.compress(bytes(64 << 20), 9)),
    (
        "application/x-hdf5",
        _hdf5(zlib.compress(bytes(256 << 20), 9), chunks=(64,) * 3, compression="gzip"),
    ),
    ("application/x-hdf5", _hdf5(external=[("/etc/hostname", 0, 64**3)])),
)
"""Bodies of small size that promise, or become, a large one; none are the voxels of a box."""

_ACTS: dict[Callable[[Target, random.Random], object], int] = {
    _any_box: 45,
    _any_range: 20,
    _broken_off: 25,
    _bomb: 10,
}
"""How often each is done, of a hundred."""
