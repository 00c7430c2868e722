"""Every request is observed to its end: it gets an id, is told of in the log, and is counted."""

from __future__ import annotations

import asyncio
import logging
import re
from threading import Event
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from voxlake.api.gateway import gateway_of
from voxlake.api.http.layers.exchange import CutOff, Exchange, exchange_of, template_of
from voxlake.api.http.layers.forwarded import Networks, is_trusted, parse_address
from voxlake.api.http.layers.layer import Layer
from voxlake.platform.errors import TimedOutError
from voxlake.platform.telemetry.traces import Fact, Origin, Span, span

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


class Observed(Layer):
    """Around all else: gives each request its id, and tells of each answer when it is over.

    A trusted proxy may have given the request its id: then one log leads to the other.
    """

    def __init__(self, app: ASGIApp, trusted_proxies: Networks) -> None:
        super().__init__(app)
        self._proxies = trusted_proxies

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        exchange = Exchange(scope["method"])
        given = self._given_id(scope, "x-request-id")
        exchange.request_id = given if given and _ID.fullmatch(given) else exchange.request_id
        scope.setdefault("state", {})["exchange"] = exchange
        # All that is logged while the request is served carries its id, by whomever.
        bind_contextvars(request_id=exchange.request_id)
        origin = Origin(self._given_id(scope, "traceparent"), is_request=True)
        with span(exchange.method, origin) as traced:
            if (trace_id := traced.trace_id) is not None:
                exchange.trace_id = trace_id
                bind_contextvars(trace_id=trace_id)
            try:
                await self._observe(exchange, scope, receive, send)
            finally:
                _tell(traced, exchange)

    async def _observe(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        gateway = gateway_of(scope)
        metrics = gateway.metrics
        metrics.in_flight += 1
        try:
            received = _counting_received(receive, exchange)
            await self.app(scope, received, _counting(send, exchange, gateway.stopping))
        except BaseException as error:
            exchange.cut_off = exchange.cut_off or cause_of(error)
            raise
        finally:
            metrics.in_flight -= 1
            exchange.client = scope["client"] and scope["client"][0]
            _end(exchange)
            metrics.count(exchange)
            gateway.usage.count(exchange, scope["state"].get("principal"))

    def _given_id(self, scope: Scope, header: str) -> str | None:
        """Return by what a trusted proxy knows the request."""
        if not self._proxies:
            return None
        peer = parse_address((scope["client"] or ("",))[0])
        if peer is None or not is_trusted(peer, self._proxies):
            return None
        return Headers(scope=scope).get(header)


class Routed(Layer):
    """The innermost: notes the route, which layers in between may put into a copy of the scope."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        try:
            await self.app(scope, receive, send)
        finally:
            exchange_of(scope).route = template_of(scope)


def cause_of(error: BaseException) -> CutOff:
    """Return why an answer ends with an error that leaves the application."""
    match error:
        case asyncio.CancelledError():
            return CutOff.STOP
        # The framework has its own word for errors that it cannot answer any more.
        case TimedOutError() | RuntimeError(__cause__=TimedOutError()):
            return CutOff.DEADLINE
        case _:
            return CutOff.FAILURE


def _tell(span: Span, exchange: Exchange) -> None:
    """Say of a request, when it is over, what the log says of it (names: OpenTelemetry)."""
    facts: dict[str, Fact | None] = {
        "http.request.method": exchange.method,
        "http.route": exchange.route,
        "http.response.status_code": exchange.status,
        "http.response.body.size": exchange.sent_bytes,
        "voxlake.request_id": exchange.request_id,
        "voxlake.cut_off": exchange.cut_off,
    }
    span.tell(f"{exchange.method} {exchange.route}" if exchange.route else None, **facts)


def _counting(send: Send, exchange: Exchange, stopping: Event) -> Send:
    async def send_counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = exchange.request_id
            if stopping.is_set():
                headers["Connection"] = "close"  # the next request is for another gateway
            await send(message)
        else:
            await send(message)
            exchange.sent_bytes += len(message.get("body", b""))
            exchange.is_whole = not message.get("more_body", False)

    return send_counted


def _counting_received(receive: Receive, exchange: Exchange) -> Receive:
    async def receive_counted() -> Message:
        message = await receive()
        exchange.received_bytes += len(message.get("body", b""))
        return message

    return receive_counted


def _end(exchange: Exchange) -> None:
    exchange.seconds = perf_counter() - exchange.begun
    if not exchange.is_whole and exchange.cut_off is None:
        exchange.cut_off = CutOff.CLIENT
    if _log.isEnabledFor(logging.INFO):
        _log.info("request", extra=facts_of(exchange))


def facts_of(exchange: Exchange) -> dict[str, object]:
    """Return what the log says of an exchange."""
    return {
        "request_id": exchange.request_id,
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.status,
        "bytes": exchange.sent_bytes,
        "seconds": round(exchange.seconds, 6),
        "principal": exchange.principal,
        "client": exchange.client,
        "cut_off": exchange.cut_off,
    }
