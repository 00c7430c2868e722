"""TLS before a server: what comes by it is passed on as it is."""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

type Begun = Future[tuple[int, Callable[[], object]]]
"""The port that is listened at, and what ends it."""


@contextmanager
def tls_before(endpoint: str, certificate: Path) -> Iterator[str]:
    """Offer the server at an ``http://`` endpoint by TLS; yield the ``https://`` endpoint."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    begun: Begun = Future()
    thread = Thread(target=lambda: asyncio.run(_listen(endpoint, context, begun)), daemon=True)
    thread.start()
    port, end = begun.result()
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        end()
        thread.join()


async def _listen(endpoint: str, context: ssl.SSLContext, begun: Begun) -> None:
    behind, over, loop = urlsplit(endpoint), asyncio.Event(), asyncio.get_running_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection(behind.hostname, behind.port)
        try:
            await asyncio.gather(_relay(reader, server), _relay(answers, writer))
        finally:
            server.transport.abort()
            writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    begun.set_result((port, lambda: loop.call_soon_threadsafe(over.set)))
    await over.wait()
    listening.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends; then the other side is told."""
    with suppress(OSError):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()
        writer.close()
