"""Connections: one whose client takes nothing of an answer for too long is cut off."""

from __future__ import annotations

import asyncio
from array import array
from fcntl import ioctl
from termios import TIOCOUTQ
from time import monotonic

from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from voxlake.api.gateway import Gateway
from voxlake.api.http.exchange import CutOff, exchange_of

LOOK_SECONDS = 1.0
"""How often a client that does not take what is sent is looked at."""
CONTENDED_SECONDS = 5.0
"""How long it may stall while others wait for memory that answers hold."""


class Connection(HttpToolsProtocol):
    """A connection of uvicorn, watched while more is to be sent than its socket takes."""

    _timer: asyncio.TimerHandle | None = None
    _unsent = 0
    _since = 0.0

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
        super().connection_lost(exc)

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
