"""Requests are served while they are wanted: until their client leaves, or a deadline passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxlake.api.http.answers.problems import from_error
from voxlake.api.http.layers.layer import Layer
from voxlake.platform.deadline import Deadline, until
from voxlake.platform.errors import TimedOutError

BODILESS = {"GET", "HEAD", "OPTIONS"}
"""Methods whose requests have no body, or one that means nothing."""
WATCHED_AFTER_S = 0.02
"""From when on a client is watched: most requests are over before, and need no task for it."""


class WhileWanted(Layer):
    """Ends what is done for a request, in coroutines and threads, when nobody waits for it.

    A deadline counts from each part of the body, and of long work, until the answer begins, and
    again from each part of that to the next; what a client takes for receiving a part does not
    count. One that passes is answered with 504; after the beginning of the answer the connection is
    cut off.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        super().__init__(app)
        self.seconds = seconds

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        deadline = Deadline(self.seconds)
        client = _Client(receive, deadline, has_body=scope["method"] not in BODILESS)
        sending = _Sending(send, deadline, client)
        client.sends = sending.renew
        try:
            with until(deadline):
                async with sending.in_time():
                    await self.app(scope, client.receive, sending.send)
        except TimedOutError as late:
            if sending.started:
                raise
            await from_error(scope, late)(scope, receive, send)
        except asyncio.CancelledError:
            if not client.left.is_set():
                raise
            client.task.uncancel()
        except ClientDisconnect:
            # They left before their body was whole, and nobody is there to be answered.
            pass
        finally:
            client.end_watch()
            deadline.give_up()


class _Sending:
    """Sends an answer; the deadline does not count while the client takes it."""

    def __init__(self, send: Send, deadline: Deadline, client: _Client) -> None:
        self._send, self._deadline, self._client = send, deadline, client
        self.started = False
        deadline.progressed = self._renew_if_early

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Raise TimedOutError if the deadline passes in the ``with`` block."""
        try:
            async with asyncio.timeout(self._deadline.seconds) as self._limit:
                yield
        except TimeoutError as error:
            if not self._limit.expired():
                raise
            raise self._deadline.passed() from error

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        self.started = True
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            # The server tells of the end as if the client left.
            self._client.end_watch()
        self._limit.reschedule(None)
        await self._send(message)
        self.renew()

    def _renew_if_early(self) -> None:
        """Count from here, if it is not too late."""
        if not self._limit.expired():
            self.renew()

    def renew(self) -> None:
        """Count from here."""
        self._deadline.renew()
        seconds = self._deadline.seconds
        self._limit.reschedule(asyncio.get_running_loop().time() + seconds)


class _Client:
    """Who asks: their body is passed on, and once it is whole they are watched for leaving."""

    def __init__(self, receive: Receive, deadline: Deadline, *, has_body: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task, self.left = task, asyncio.Event()
        self._receive, self._deadline = receive, deadline
        self._given, self._whole = False, asyncio.Event()
        if not has_body:
            self._whole.set()
        self.sends: Callable[[], None] = lambda: None
        """Called when a part of the body came."""
        loop = asyncio.get_running_loop()
        self._begins = loop.call_later(WATCHED_AFTER_S, self._begin_to_watch)
        self._watched: asyncio.Task[None] | None = None

    def _begin_to_watch(self) -> None:
        self._watched = asyncio.ensure_future(self._watch())

    def end_watch(self) -> None:
        """Watch them no more."""
        self._begins.cancel()
        if self._watched is not None:
            self._watched.cancel()

    async def receive(self) -> Message:
        """Return what came, for the application."""
        if self._whole.is_set():
            if not self._given:
                self._given = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.left.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        self.sends()
        if message["type"] == "http.disconnect":
            self.left.set()
        if not message.get("more_body", False):
            self._given = True
            self._whole.set()
        return message

    async def _watch(self) -> None:
        await self._whole.wait()
        while not self.left.is_set():
            if (await self._receive())["type"] == "http.disconnect":
                self.left.set()
        self._deadline.give_up()
        self.task.cancel()
