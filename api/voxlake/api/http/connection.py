"""Connections: of clients that take nothing, or ask for nothing, for too long, they are cut off."""

from __future__ import annotations

import asyncio
from array import array
from fcntl import ioctl
from termios import TIOCOUTQ
from time import monotonic

from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from voxlake.api.gateway import Gateway
from voxlake.api.http.file_span import EXTENSION
from voxlake.api.http.layers.exchange import CutOff, exchange_of
from voxlake.api.http.sending import Sending

LOOK_SECONDS = 1.0
"""How often a client that does not take what is sent is looked at."""
HEAD_SECONDS = 20.0
"""What a client has for the head of a request, from when it connects, or begins another."""
HEAD_BYTES = 64 << 10
"""Longest head of a request, about."""
CONTENDED_SECONDS = 5.0
"""How long it may stall while others wait for memory that answers hold."""


class Connection(HttpToolsProtocol):
    """A connection of uvicorn, watched while more is to be sent than its socket takes.

    It is watched until the head of a request is here, too.
    """

    _timer: asyncio.TimerHandle | None = None
    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _unsent = 0
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._sending = Sending(self)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what came, but no endless head."""
        super().data_received(data)
        self._head_bytes += len(data)
        if self._head is not None and self._head_bytes > HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin to wait for a head, unless that was begun."""
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {}}
        self._await_head()

    def on_headers_complete(self) -> None:
        """End to wait for it, and begin to answer."""
        self._end_head()
        super().on_headers_complete()
        self._sending.of_cycle(self.cycle)

    def _await_head(self) -> None:
        if self._head is None:
            self._head_bytes = 0
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _end_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def pause_writing(self) -> None:
        """Begin to watch: the transport holds all that it may."""
        super().pause_writing()
        self._unsent, self._since = self._count(), monotonic()
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look)

    def resume_writing(self) -> None:
        """End to watch: the client takes what is sent."""
        super().resume_writing()
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """End to watch."""
        self._end()
        self._end_head()
        super().connection_lost(exc)
        self._sending.close()

    def _look(self) -> None:
        unsent, now = self._count(), monotonic()
        if unsent != self._unsent:
            self._unsent, self._since = unsent, now
        if now - self._since > self._patience():
            exchange_of(dict(self.scope)).cut_off = CutOff.STALLED
            self.transport.abort()
        else:
            self._timer = self.loop.call_later(LOOK_SECONDS, self._look)

    def _patience(self) -> float:
        assert isinstance(self.config.app, FastAPI)
        gateway = self.config.app.state.gateway
        assert isinstance(gateway, Gateway)
        allowed = gateway.settings.gateway_send_timeout_s
        return min(allowed, CONTENDED_SECONDS) if gateway.answers.waiting else allowed

    def _count(self) -> int:
        """Return how many bytes the client has not taken yet, of the transport and the system."""
        queued = array("i", [0])
        ioctl(self.transport.get_extra_info("socket").fileno(), TIOCOUTQ, queued)
        return self.transport.get_write_buffer_size() + queued[0]

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
