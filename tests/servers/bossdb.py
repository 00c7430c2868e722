"""A small bossDB: one channel by its API, as bossDB answers it, and wrong if that is asked for."""

from __future__ import annotations

import json
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from numcodecs import blosc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    type Fault = Callable[[_Handler, bytes], None]
    """Sends an answer in the place of the body that was to be sent."""

NAMES = ("lab", "brain", "em")


@dataclass
class BossDB:
    """A running server of the channel ``lab/brain/em``, and what it holds."""

    voxels: npt.NDArray[Any]
    """Time points, and z, y, x of the level that is the finest."""
    start: tuple[int, int, int] = (0, 0, 0)
    """First voxel of the frame, z, y, x."""
    address: str = ""
    token: str | None = None
    """Who asks must have it; None: everybody may ask."""
    delay: float = 0.0
    """Seconds that each cutout takes."""
    faults: list[Fault] = field(default_factory=list)
    """What is wrong with the next cutouts, in their order."""
    asked: list[str] = field(default_factory=list)
    """Addresses of what was asked for."""
    tokens: set[str | None] = field(default_factory=set)
    channel: dict[str, Any] = field(default_factory=dict)
    """What it says of the channel, beyond or instead of the usual."""
    experiment: dict[str, Any] = field(default_factory=dict)
    frame: dict[str, Any] = field(default_factory=dict)
    levels: dict[str, Any] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    """By ``lab``, ``lab/brain`` and ``lab/brain/em``."""
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    """Keys and values, likewise."""
    hides: bool = False
    """Whether keys and values are refused."""

    @property
    def location(self) -> str:
        """The channel as a source."""
        return f"bossdb+{self.address}/{'/'.join(NAMES)}"

    @property
    def cutouts(self) -> list[str]:
        """The cutouts that were asked for."""
        return [path for path in self.asked if path.startswith("/v1/cutout/")]

    def answer(self, path: str) -> object | None:
        """Return the document at a path; None if there is none."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match parts:
            case ["v1", "collection", "lab"]:
                return self._said("lab") | {"experiments": ["brain"]}
            case ["v1", "collection", "lab", "experiment", "brain"]:
                return self._said("lab/brain") | self._experiment()
            case ["v1", "collection", "lab", "experiment", "brain", "channel", "em"]:
                return self._said("lab/brain/em") | self._channel()
            case ["v1", "coord", "the frame"]:
                return self._frame()
            case ["v1", "downsample", *names] if tuple(names) == NAMES:
                return self._levels()
        return None

    def metadata(self, path: str, query: str) -> object | None:
        """Return keys, or the value of one."""
        values = self.values.get(path.removeprefix("/v1/meta/").strip("/"), {})
        if not query:
            return {"keys": list(values)}
        key = parse_qs(query)["key"][0]
        return {"key": key, "value": values[key]} if key in values else None

    def cutout(self, path: str) -> bytes:
        """Return the voxels of a path, as Blosc."""
        *spans, last = [tuple(map(int, each.split(":"))) for each in path.strip("/").split("/")[6:]]
        x, y, z, *_ = (*spans, last)
        t = last if len(spans) == 3 else (0, 1)
        boxes = [
            slice(lo - first, hi - first)
            for (lo, hi), first in zip((z, y, x), self.start, strict=True)
        ]
        voxels = self.voxels[slice(*t), *boxes]
        body: bytes = blosc.compress(np.ascontiguousarray(voxels), b"lz4", 5, blosc.NOSHUFFLE)
        return body

    def _said(self, place: str) -> dict[str, Any]:
        name = place.rpartition("/")[2]
        said = {"name": name, "public": True, "creator": "somebody"}
        return said | {"description": self.descriptions.get(place, "")}

    def _channel(self) -> dict[str, Any]:
        usual = {
            "experiment": "brain",
            "default_time_sample": 0,
            "type": "image",
            "base_resolution": 0,
            "datatype": self.voxels.dtype.name,
            "sources": [],
            "downsample_status": "NOT_DOWNSAMPLED",
            "related": [],
            "storage_type": "spdb",
            "bucket": None,
            "cv_path": None,
        }
        return usual | self.channel

    def _experiment(self) -> dict[str, Any]:
        usual = {
            "channels": ["em"],
            "collection": "lab",
            "coord_frame": "the frame",
            "num_hierarchy_levels": 1,
            "hierarchy_method": "anisotropic",
            "num_time_samples": len(self.voxels),
            "time_step": None,
            "time_step_unit": None,
        }
        return usual | self.experiment

    def _frame(self) -> dict[str, Any]:
        usual: dict[str, Any] = {"name": "the frame", "description": "", "voxel_unit": "nanometers"}
        for axis, lo, n, size in zip(
            "zyx", self.start, self.voxels.shape[1:], (40, 4, 4.5), strict=True
        ):
            usual |= {f"{axis}_start": lo, f"{axis}_stop": lo + n, f"{axis}_voxel_size": size}
        return usual | self.frame

    def _levels(self) -> dict[str, Any]:
        usual = {
            "num_hierarchy_levels": 1,
            "status": "NOT_DOWNSAMPLED",
            "voxel_size": {"0": [4.5, 4.0, 40.0]},
            "extent": {"0": list(self.voxels.shape[:0:-1])},
            "cuboid_size": {"0": [512, 512, 16]},
        }
        return usual | self.levels


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, boss: BossDB) -> None:
        self.boss = boss
        super().__init__(*args)  # type: ignore[arg-type]  # as it was called

    def do_GET(self) -> None:
        boss, url = self.boss, urlsplit(self.path)
        boss.asked.append(self.path)
        boss.tokens.add(self.headers.get("Authorization"))
        if boss.token and self.headers.get("Authorization") != f"Token {boss.token}":
            self.fail(403, 3001, "You are missing permissions")
        elif url.path.startswith("/v1/cutout/"):
            time.sleep(boss.delay)
            body = boss.cutout(url.path)
            fault = boss.faults.pop(0) if boss.faults else _Handler.send
            fault(self, body)
        elif url.path.startswith("/v1/meta/"):
            if boss.hides:
                self.fail(403, 3001, "You are missing permissions")
            else:
                self.send_document(boss.metadata(url.path, url.query))
        else:
            self.send_document(boss.answer(url.path))

    def send_document(self, document: object | None) -> None:
        """Send a document, or that there is none."""
        if document is None:
            self.fail(404, 4005, "The resource was not found")
        else:
            self.send(json.dumps(document).encode(), "application/json")

    def send(self, body: bytes, kind: str = "application/blosc", **headers: str) -> None:
        """Send a whole answer."""
        self.send_head(200, len(body), {"Content-Type": kind, **headers})
        self.wfile.write(body)

    def send_head(self, status: int, length: int, headers: dict[str, str]) -> None:
        """Send the head of an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def fail(self, status: int, code: int, message: str, **headers: str) -> None:
        """Send an error in bossDB's form."""
        body = json.dumps({"status": status, "code": code, "message": message}).encode()
        self.send_head(status, len(body), {"Content-Type": "application/json", **headers})
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


def failing(status: int, message: str = "wrong", **headers: str) -> Fault:
    """Answer an error."""
    return lambda handler, _body: handler.fail(status, 9999, message, **headers)


def sending(change: Callable[[bytes], bytes], **headers: str) -> Fault:
    """Answer something else, as if it were whole."""
    return lambda handler, body: handler.send(change(body), **headers)


def breaking_off(handler: _Handler, body: bytes) -> None:
    """Promise all of the body, and send a part."""
    handler.send_head(200, len(body), {})
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def hanging_up(handler: _Handler, _body: bytes) -> None:
    """Answer nothing."""
    handler.close_connection = True


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # as many connections may come at once

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients go when they have what they want, or were killed."""


@contextmanager
def run_bossdb(boss: BossDB, certificate: Path | None = None) -> Iterator[BossDB]:
    """Serve it until the end of the block; by TLS with the key and certificate of a file."""
    server = _Server(("127.0.0.1", 0), partial(_Handler, boss=boss))
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    boss.address = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield boss
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
