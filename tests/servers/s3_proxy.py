"""A proxy before an S3 server: it counts requests, takes its time, and fails as it is told to.

It passes on the host that was asked for, so signatures stay good; what bears none, or is changed on
the way, is signed with the keys of the tests.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]  # it ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # it ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # it ships no types
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SENT = frozenset({"content-type", "content-md5", "range", "if-match", "if-none-match"})
"""Headers that go on where a request is signed anew."""


class Fault(Enum):
    """What goes wrong with a request."""

    BUSY = "503"
    BUSY_FOR_A_SECOND = "503 with Retry-After"
    RESET = "the connection breaks before the server has heard of it"
    LOST = "the connection breaks when the server has done it"
    LIED = "503, and the server has done it"
    TRUNCATED = "the connection breaks in the middle of the answer"
    SHORT = "half of the body comes, a little more each time, as if that were all"
    STALLED = "after half of the answer nothing comes any more"
    UNKNOWN = "501: the server has no such request"
    ELSEWHERE = "404 and a page, of a proxy that knows no server behind it"
    SKEWED = "403: the clocks are too far from one another"
    HIDDEN = "403 if it is not there, as S3 answers those who may not list the bucket"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    method: str
    target: str
    headers: dict[str, str]
    """By names in small letters."""
    body: bytes

    @property
    def key(self) -> str:
        """Bucket and key."""
        return unquote(urlsplit(self.target).path).strip("/")

    @property
    def kind(self) -> str:
        """The method; of GET whether it is of a range, or lists; POST that deletes is DELETE."""
        query = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        if self.method == "GET" and query.keys() & {"list-type", "prefix", "delimiter", "uploads"}:
            return "LIST"
        if self.method == "POST" and "delete" in query:
            return "DELETE"
        return "GET range" if self.method == "GET" and "range" in self.headers else self.method


@dataclass
class S3Proxy:
    """A running proxy; a test may change how it is at any time."""

    server: str
    """Endpoint of the server behind it."""
    endpoint: str = ""
    latency_s: float = 0.0
    """Seconds that each request takes longer."""
    choose: Callable[[Request], Fault | None] = lambda _: None
    """Says what goes wrong with a request."""
    dropped: frozenset[str] = frozenset()
    """Headers that the server does not hear of."""
    requests: list[Request] = field(default_factory=list)
    """All that were made, in order, without their bodies."""

    @property
    def found(self) -> Counter[str]:
        """How many requests were made, by kind."""
        return Counter(each.kind for each in list(self.requests))


@contextmanager
def s3_proxy(server: str, latency_s: float = 0.0) -> Iterator[S3Proxy]:
    """Run a proxy before the S3 server at an endpoint until the end of the block."""
    proxy, serving = S3Proxy(server, latency_s=latency_s), set[asyncio.Task[None]]()
    listening = asyncio.run_coroutine_threadsafe(_listen(proxy, serving), _loop()).result()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(_end(listening, serving), _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all proxies of the process: what they end with is left to it."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="s3-proxies", daemon=True).start()
    return loop


async def _listen(proxy: S3Proxy, serving: set[asyncio.Task[None]]) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await _serve(proxy, reader, writer)
        finally:
            writer.transport.abort()
            serving.discard(task)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20, backlog=128)
    proxy.endpoint = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    return listening


async def _end(listening: asyncio.Server, serving: set[asyncio.Task[None]]) -> None:
    listening.close()
    for task in serving:
        task.cancel()


async def _serve(
    proxy: S3Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer the requests of one connection, by one to the server."""
    address = urlsplit(proxy.server)
    behind, to_server = await asyncio.open_connection(address.hostname, address.port, limit=1 << 20)
    try:
        while True:
            request = await _read_request(reader, writer)
            proxy.requests.append(replace(request, body=b""))
            await asyncio.sleep(proxy.latency_s)
            fault = proxy.choose(request)
            if fault is Fault.RESET:
                return
            if fault in _REFUSED:
                writer.write(_refused(_REFUSED[fault], is_head=request.method == "HEAD"))
                continue
            head, body = await _ask(_passed_on(proxy, request), behind, to_server)
            if not await _answer(writer, fault, head, body, len(proxy.requests)):
                return
    finally:
        to_server.transport.abort()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    first, headers = await _read_head(reader)
    method, target, _ = first.split(" ")
    if "expect" in headers:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    headers.pop("expect", None)
    return Request(method, target, headers, body)


def _passed_on(proxy: S3Proxy, request: Request) -> Request:
    """Return what the server is asked for."""
    if "authorization" in request.headers and not proxy.dropped & request.headers.keys():
        return request
    kept = _SENT.difference(proxy.dropped).intersection(request.headers)
    headers = {name: request.headers[name] for name in kept}
    signed = AWSRequest(request.method, proxy.server + request.target, headers, request.body)
    S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(signed)
    host = {"host": urlsplit(proxy.server).netloc, "content-length": str(len(request.body))}
    return replace(request, headers=dict(signed.headers) | host)


async def _ask(
    request: Request, behind: asyncio.StreamReader, to_server: asyncio.StreamWriter
) -> tuple[str, bytes]:
    """Return first line and headers of the server's answer, and its body."""
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    to_server.write("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
    first, headers = await _read_head(behind)
    empty = request.method == "HEAD" or first.split(" ")[1] in {"204", "304"}
    body = b"" if empty else await _read_body(behind, headers)
    if not empty:
        headers |= {"content-length": str(len(body))}
        headers.pop("transfer-encoding", None)
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in headers.items())]), body


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", ""):
        return await reader.readexactly(int(headers.get("content-length", 0)))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


def _refusal(status: str, body: str, header: str = "") -> str:
    return f"HTTP/1.1 {status}\r\n{header}content-length: {len(body)}\r\n\r\n{body}"


def _error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"


_REFUSED = {
    Fault.BUSY: _refusal("503 Slow Down", _error("SlowDown")),
    Fault.BUSY_FOR_A_SECOND: _refusal(
        "503 Slow Down", _error("SlowDown"), header="retry-after: 1\r\n"
    ),
    Fault.UNKNOWN: _refusal("501 Not Implemented", _error("NotImplemented")),
    Fault.ELSEWHERE: _refusal("404 Not Found", "<html><h1>404 Not Found</h1></html>"),
    Fault.SKEWED: _refusal("403 Forbidden", _error("RequestTimeTooSkewed")),
}
"""What is answered without the server."""


def _refused(answer: str, *, is_head: bool = False) -> bytes:
    head, end, body = answer.partition("\r\n\r\n")
    return f"{head}{end}{'' if is_head else body}".encode()


async def _answer(
    writer: asyncio.StreamWriter, fault: Fault | None, head: str, body: bytes, number: int
) -> bool:
    """Send an answer, or what a fault makes of it; return whether the connection goes on."""
    whole = f"{head}\r\n\r\n".encode("latin-1")
    match fault:
        case Fault.LOST:
            return False
        case Fault.LIED:
            writer.write(_refused(_REFUSED[Fault.BUSY]))
        case Fault.HIDDEN if " 404 " in head:
            writer.write(_refusal("403 Forbidden", _error("AccessDenied")).encode())
        case Fault.SHORT:
            half = body[: len(body) // 2 + number % 16]
            said = f"content-length: {len(body)}\r\n", f"content-length: {len(half)}\r\n"
            writer.write(f"{head}\r\n\r\n".replace(*said).encode("latin-1") + half)
        case Fault.TRUNCATED | Fault.STALLED:
            sent = whole + body[: len(body) // 2] if body else whole[: len(whole) // 2]
            writer.write(sent)
            await writer.drain()
            await asyncio.sleep(3600 if fault is Fault.STALLED else 0.01)
            return False
        case _:
            writer.write(whole + body)
    await writer.drain()
    return True
