"""The server that a gateway runs in: it tells when it listens, and ends in good order."""

from __future__ import annotations

import math
import signal
import socket
from collections.abc import Callable
from threading import Event
from time import monotonic
from types import FrameType

import uvicorn


class Server(uvicorn.Server):
    """A server that ends when it is told to, and at the second time at once.

    Told by SIGTERM, it says so by `stopping`, and goes on for `drain_s` seconds, so that a load
    balancer that sees it is not ready sends its requests elsewhere. Then, and by Ctrl-C at once,
    it takes no more requests, and gives answers on their way the time of its configuration.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        stopping: Event,
        drain_s: float = 0.0,
    ) -> None:
        super().__init__(config)
        self.ready, self.stopping, self.drain_s = ready, stopping, drain_s
        self._ends_at = math.inf

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then tell."""
        await super().startup(sockets)
        self.ready()

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end."""
        return await super().on_tick(counter) or monotonic() >= self._ends_at

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; if that was begun already, die by the signal."""
        if self.stopping.is_set():
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self.stopping.set()
        if sig == signal.SIGTERM:
            # It is how a server is asked to stop, so the process does not die by it in the end.
            self._ends_at = monotonic() + self.drain_s
        else:
            super().handle_exit(sig, frame)
