"""How answers get into the socket: a head together with its body, and files without a copy."""

from __future__ import annotations

import asyncio
import socket

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from voxlake.api.http.file_span import FileSpan

_MORE_COMES = getattr(socket, "MSG_MORE", 0)
"""Has the system wait for what follows."""


class HeadWithBody:
    """The transport of one answer: its head waits for the body that follows it at once.

    Two system calls would be two packets, and wake the client twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes | memoryview) -> None:
        """Write, the first time by the end of this turn of the event loop."""
        if head := self.take():
            # An empty part would be one that asyncio never gets rid of.
            self._transport.writelines([head, data] if data else [head])
        elif self._begun:
            self._transport.write(data)
        else:
            self._begun, self._head = True, bytes(data)
            self._loop.call_soon(self.flush)

    def take(self) -> bytes:
        """Return what waits, for somebody else to write."""
        head, self._head = self._head or b"", None
        return head

    def flush(self) -> None:
        """Write what waits."""
        if head := self.take():
            self._transport.write(head)

    def close(self) -> None:
        """Close the connection once all is written."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether it is closed, or will be."""
        return self._transport.is_closing()


class Sending:
    """Sends the answers of a connection of uvicorn, files included."""

    def __init__(self, connection: HttpToolsProtocol) -> None:
        self._connection = connection
        self._socket: socket.socket | None = None

    def of_cycle(self, cycle: RequestResponseCycle) -> None:
        """Have an answer sent in these ways."""
        joined = HeadWithBody(self._connection.transport, self._connection.loop)
        cycle.transport = joined  # type: ignore[assignment]  # it has what a cycle uses
        send = cycle.send

        async def send_files(message: Message) -> None:
            body = message.get("body")
            if isinstance(body, FileSpan):
                more = message.get("more_body", False)
                message = {**message, "body": await self._send_file(cycle, joined, body)}
                if more and not message["body"]:
                    return
            await send(message)  # type: ignore[arg-type]  # a message, as uvicorn has them

        cycle.send = send_files  # type: ignore[assignment,method-assign]

    def close(self) -> None:
        """End it, with the connection."""
        if self._socket is not None:
            self._socket.close()

    async def _send_file(
        self, cycle: RequestResponseCycle, joined: HeadWithBody, span: FileSpan
    ) -> bytes:
        """Send bytes of a file; return them where they are to be sent as others are."""
        if self._connection.transport.get_write_buffer_size():
            return bytes(span)  # what is before them waits for the socket still
        cycle.expected_content_length -= len(span)
        head, start = joined.take(), span.start
        while start < span.stop and not self._is_over(cycle):
            try:
                if head:
                    head = head[self._own().send(head, _MORE_COMES) :]
                else:
                    start += span.send(self._own().fileno(), start)
            except BlockingIOError:
                await self._until_writable()
            except ConnectionError:
                self._connection.transport.abort()
                break
        return b""

    def _is_over(self, cycle: RequestResponseCycle) -> bool:
        return cycle.disconnected or self._connection.transport.is_closing()

    def _own(self) -> socket.socket:
        """Return the socket of the connection: the event loop lets nobody have its own."""
        if self._socket is None:
            given = self._connection.transport.get_extra_info("socket")
            self._socket = socket.fromfd(given.fileno(), given.family, given.type)
            self._socket.settimeout(0)
        return self._socket

    async def _until_writable(self) -> None:
        """Wait until the client took something, or is gone; it is watched meanwhile."""
        loop, own = self._connection.loop, self._own()
        self._connection.pause_writing()
        loop.add_writer(own, self._connection.resume_writing)
        try:
            await self._connection.flow.drain()
        finally:
            loop.remove_writer(own)
