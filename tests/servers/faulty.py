"""Servers that are wrong in one way each."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.processes import free_ports
from tests.servers.s3_proxy import Fault, Request, s3_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator


def closed_port() -> str:
    """Return an endpoint where nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


@contextmanager
def silent_server() -> Iterator[str]:
    """Accept every connection and never answer; yield the endpoint."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def ignoring_conditions(endpoint: str) -> Iterator[str]:
    """Pass requests on to the S3 server at `endpoint`, without their conditions and ranges.

    Some servers do just that: they answer 200 to what they have not understood.
    """
    with s3_proxy(endpoint) as proxy:
        proxy.dropped = frozenset({"if-match", "if-none-match", "range"})
        yield proxy.endpoint


@contextmanager
def losing_answers(endpoint: str, says: int | None = None) -> Iterator[str]:
    """Pass requests on to the S3 server at `endpoint`, and lose the first answer to each PUT.

    What is put is stored. The client hears nothing, as the connection is closed, or a status that
    `says` that something else is wrong.
    """
    lost = set[tuple[str, bytes]]()

    def choose(request: Request) -> Fault | None:
        if request.method != "PUT" or (request.target, request.body) in lost:
            return None
        lost.add((request.target, request.body))
        return Fault.LOST if says is None else Fault.LIED

    with s3_proxy(endpoint) as proxy:
        proxy.choose = choose
        yield proxy.endpoint


@contextmanager
def hiding_what_is_missing(endpoint: str) -> Iterator[str]:
    """Pass requests on to the S3 server at `endpoint`, and answer 403 for what is not there.

    S3 does so to those who may not list the bucket.
    """
    with s3_proxy(endpoint) as proxy:
        proxy.choose = lambda _: Fault.HIDDEN
        yield proxy.endpoint


@dataclass
class Shortening:
    """What a store does to the answers to GET; they seem whole."""

    endpoint: str = ""
    key: str = ""
    """Ending of the keys of objects of which half comes."""
    left: int = 0
    """How many answers it is still to be done to."""


@contextmanager
def shortening(endpoint: str) -> Iterator[Shortening]:
    """Pass requests on to the S3 server at `endpoint`, and cut off what the test says."""
    how = Shortening()

    def choose(request: Request) -> Fault | None:
        if request.method != "GET" or not request.key.endswith(how.key) or not how.left:
            return None
        how.left -= 1
        return Fault.SHORT

    with s3_proxy(endpoint) as proxy:
        how.endpoint, proxy.choose = proxy.endpoint, choose
        yield how
