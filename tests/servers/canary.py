"""A server that nobody may reach, and addresses that lead to it if they are not looked at."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Canary:
    """Listens on the loopback, by IPv4 and IPv6, and notes every connection."""

    port: int
    hits: list[str] = field(default_factory=list)
    """Where each came from."""


@contextmanager
def run_canary() -> Iterator[Canary]:
    """Listen until the end of the block."""
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        canary = Canary(server.getsockname()[1])
        thread = threading.Thread(target=_note, args=(server, canary))
        thread.start()
        yield canary
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _note(server: socket.socket, canary: Canary) -> None:
    while True:
        try:
            connection, peer = server.accept()
        except OSError:
            return
        canary.hits.append(str(peer[0]))
        connection.close()


@contextmanager
def run_redirecting(port: int) -> Iterator[str]:
    """Send whoever asks for anything to the same path at another port; yield the address."""
    handler = type("Handler", (_Redirect,), {"to": f"http://127.0.0.1:{port}"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class _Redirect(BaseHTTPRequestHandler):
    to: ClassVar[str]

    def _send_away(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.to + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = _send_away  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def hostile_addresses(port: int) -> list[str]:
    """Return addresses of stores that lead, by some program or other, to a port of this machine.

    Or to files of it, or to where clouds tell machines their secrets.
    """
    hosts = [f"{host}:{port}" for host in _HOSTS]
    endpoints = [f"http://{host}" for host in hosts[:8]]
    return [
        *(f"http://{host}/em.zarr" for host in hosts),
        *(f"https://{host}/em.zarr" for host in hosts[:4]),
        *(f"s3://bucket/em.zarr?endpoint={quote(each, safe='')}" for each in endpoints),
        *(each.format(port=port) for each in _ODD),
    ]


_HOSTS = (
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "LOCALHOST",
    "localhost.",
    "0.0.0.0",
    "0",
    "[::]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "127.0.0.1%00.lab.org",
    "lab.org@127.0.0.1",
    "lab.org:80@127.0.0.1",
    "lab.org%40127.0.0.1",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "localho\u017ft",
    "127.0.0.1\\@lab.org",
    "127.0.0.1\t",
    " 127.0.0.1",
)
_ODD = (
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://10.0.0.1:{port}/em.zarr",
    "http://192.168.0.1:{port}/em.zarr",
    "http://[fe80::1]:{port}/em.zarr",
    "http://lab.org#@127.0.0.1:{port}/em.zarr",
    "https://lab.org\r\nHost: 127.0.0.1:{port}\r\n/em.zarr",
    "https://lab.org/%0d%0aHost:%20127.0.0.1:{port}/em.zarr",
    "https://lab.org/../../127.0.0.1:{port}/em.zarr",
    "https://lab.org\\@127.0.0.1:{port}/em.zarr",
    "https://lab.org@127.0.0.1:{port}/em.zarr",
    "https://user:secret@127.0.0.1:{port}/em.zarr",
    "//127.0.0.1:{port}/em.zarr",
    "http:/127.0.0.1:{port}/em.zarr",
    "http:127.0.0.1:{port}/em.zarr",
    "http:///127.0.0.1:{port}/em.zarr",
    "gopher://127.0.0.1:{port}/_GET%20/",
    "ftp://127.0.0.1:{port}/em.zarr",
    "dict://127.0.0.1:{port}/info",
    "ldap://127.0.0.1:{port}/",
    "gs://127.0.0.1:{port}/em.zarr",
    "az://127.0.0.1:{port}/em.zarr",
    "s3://127.0.0.1:{port}/em.zarr",
    "s3://bucket@127.0.0.1:{port}/em.zarr",
    "s3://bucket/em.zarr?endpoint=127.0.0.1:{port}",
    "s3://open/em.zarr?endpoint=https://lab.org&endpoint=http://127.0.0.1:{port}",
    "s3://open/em.zarr?region=us-east-1%2F@127.0.0.1:{port}%2F",
    "memory://127.0.0.1:{port}/em.zarr",
    "file:///etc/passwd",
    "file://127.0.0.1:{port}/etc/passwd",
    "/etc",
    "/proc/self/root",
    "/dev/tcp/127.0.0.1/{port}",
    "reference://?fo=http://127.0.0.1:{port}/em.json",
    "zip://em.zarr::http://127.0.0.1:{port}/em.zip",
    "simplecache::http://127.0.0.1:{port}/em.zarr",
    "http://127.0.0.1:{port}|zarr3:",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/em.zarr",
    "jar:http://127.0.0.1:{port}!/em.zarr",
    "HTTP://127.0.0.1:{port}/em.zarr",
)
