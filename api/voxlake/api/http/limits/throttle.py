"""Throttling: nobody gets so much that others get nothing.

It is counted in memory, by each process of a gateway for itself.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxlake.api.gateway import gateway_of
from voxlake.api.http.answers.problems import problem
from voxlake.api.http.layers.layer import Layer
from voxlake.api.http.layers.public_address import inner_path
from voxlake.api.http.limits.account import ACCOUNT, account_of, address_of
from voxlake.api.http.limits.allowance import Allowance
from voxlake.platform.errors import ThrottledError, UnauthenticatedError, VoxlakeError
from voxlake.platform.settings import Settings

UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics"})
"""What those ask who watch the gateway."""
LOGIN = frozenset({"/login", "/login/callback"})
"""Where secrets are given in an address, once."""
CHARGED_BYTES = 1 << 20
"""What is sent of an answer is counted whenever it is so much."""
REMEMBERED = 10_000
"""How many credentials are remembered that were good."""


class Throttle(Layer):
    """Refuses requests of those who had their share, with 429 and when to ask again."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(app)
        self.requests = Allowance("requests", settings.requests_per_minute)
        self.bytes = Allowance("bytes", settings.bytes_per_minute)
        self.failures = Allowance("failed logins", settings.failed_logins_per_minute)
        self.at_once = settings.requests_at_once
        self._running = Counter[str]()
        self._good = OrderedDict[bytes, None]()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if inner_path(scope) in UNCOUNTED:
            await self.app(scope, receive, send)
            return
        digest = _digest(scope)
        if (refused := self._refuse_guess(scope, digest)) is not None:
            await refused(scope, receive, send)
            return
        account = await self._account(scope, digest)
        ACCOUNT.set(account)
        if account is None:
            await self.app(scope, receive, send)
        elif (refused := self._refuse(scope, account)) is not None:
            await refused(scope, receive, send)
        else:
            send = self._watched(scope, send)
            with self._one_more(account), _Charged(send, account, self.bytes) as charged:
                await self.app(scope, receive, charged.send)

    def _watched(self, scope: Scope, send: Send) -> Send:
        """Return what sends as `send` does, and counts login links that are no good."""
        if inner_path(scope) not in LOGIN:
            return send

        async def send_watched(message: Message) -> None:
            if message.get("status") == HTTPStatus.UNAUTHORIZED:
                self.failures.charge(address_of(scope), 1)
            await send(message)

        return send_watched

    def _refuse_guess(self, scope: Scope, digest: bytes | None) -> Response | None:
        """Return the answer to who fails too often, before what they send is looked at.

        What was good before is looked at: others may share an address with who guesses.
        """
        is_guess = inner_path(scope) in LOGIN if digest is None else digest not in self._good
        if not is_guess or self.failures.is_left(address := address_of(scope)):
            return None
        return throttled(scope, self.failures, address)

    async def _account(self, scope: Scope, digest: bytes | None) -> str | None:
        try:
            principal = await gateway_of(scope).identity.identify(scope)
        except UnauthenticatedError:
            self.failures.charge(address_of(scope), 1)
            return address_of(scope)
        except VoxlakeError:
            # It is raised again where it is answered.
            return address_of(scope)
        if digest is not None:
            self._good[digest] = None
            self._good.move_to_end(digest)
            if len(self._good) > REMEMBERED:
                self._good.popitem(last=False)
        return account_of(principal, scope)

    def _refuse(self, scope: Scope, account: str) -> Response | None:
        if self.at_once and self._running[account] >= self.at_once:
            detail = (
                f"{self.at_once} requests of {account} are being answered; ask for fewer at once"
            )
            headers = {"Retry-After": "1"}
            return problem(scope, ThrottledError.kind, ThrottledError.status, detail, headers)
        if not self.bytes.is_left(account):
            return throttled(scope, self.bytes, account)
        if not self.requests.take(account):
            return throttled(scope, self.requests, account)
        return None

    @contextmanager
    def _one_more(self, account: str) -> Iterator[None]:
        self._running[account] += 1
        try:
            yield
        finally:
            self._running[account] -= 1
            if not self._running[account]:
                del self._running[account]


class _Charged:
    """Counts the bytes of an answer as they are sent; what is cut off is not sent."""

    def __init__(self, send: Send, account: str, allowance: Allowance) -> None:
        self._send, self._account, self._allowance = send, account, allowance
        self._sent = 0

    def __enter__(self) -> _Charged:
        return self

    def __exit__(self, *_: object) -> None:
        self._charge()

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        await self._send(message)
        self._sent += len(message.get("body", b""))
        if self._sent >= CHARGED_BYTES:
            self._charge()

    def _charge(self) -> None:
        self._allowance.charge(self._account, self._sent)
        self._sent = 0


def throttled(scope: Scope, allowance: Allowance, account: str) -> Response:
    """Return the answer to who had their share.

    The headers are those of draft-ietf-httpapi-ratelimit-headers.
    """
    seconds = allowance.seconds_until_left(account)
    detail = (
        f"{account} had {allowance.amount} {allowance.unit} in a minute; ask again in {seconds} s, "
        "or have whoever runs the server raise the limit"
    )
    name = allowance.unit.replace(" ", "-")
    headers = {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"{name}";q={allowance.amount};w={allowance.seconds}',
        "RateLimit": f'"{name}";r=0;t={seconds}',
    }
    return problem(scope, ThrottledError.kind, ThrottledError.status, detail, headers)


def _digest(scope: Scope) -> bytes | None:
    sent = dict(scope["headers"]).get(b"authorization")
    return None if sent is None else sha256(sent).digest()
