"""Tells a receiver of OpenTelemetry of spans, by OTLP over HTTP."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.telemetry.traces import Fact, Origin

ANSWER_S = 5.0
"""How long a receiver may take for what it is told."""
_HEADER = "traceparent"
_context = TraceContextTextMapPropagator()


class OpenTelemetry:
    """Tells a receiver of spans, in a thread of its own: one that is away holds nobody up."""

    def __init__(self, url: str, share: float, service: str) -> None:
        self._provider = TracerProvider(
            ParentBased(TraceIdRatioBased(share)),
            Resource.create({"service.name": service, "service.version": version("voxlake")}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=ANSWER_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("voxlake")

    @contextmanager
    def span(self, name: str, origin: Origin, facts: dict[str, Fact]) -> Iterator[_Span]:
        """Tell of the time that a ``with`` block takes, and of the error that ends it."""
        above = None if origin.parent is None else _context.extract({_HEADER: origin.parent})
        kind = SpanKind.SERVER if origin.is_request else SpanKind.INTERNAL
        span = self._tracer.start_span(name, above, kind, facts)
        # By itself it would tell what errors say, which may be secret.
        with trace.use_span(span, True, False, False):  # noqa: FBT003  (names differ by version)
            try:
                yield _Span(span)
            except BaseException as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    def is_tracing(self) -> bool:
        """Return whether a span goes on here that the receiver is told of."""
        return trace.get_current_span().is_recording()

    def traceparent(self) -> str | None:
        """Return what another process says to go on with the span here; None: there is none."""
        carrier: dict[str, str] = {}
        _context.inject(carrier)
        return carrier.get(_HEADER)

    def close(self) -> None:
        """Tell what has not been told yet."""
        self._provider.shutdown()


class _Span:
    """A span that goes on."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        """What the trace is found by."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    def tell(self, name: str | None = None, **facts: Fact | None) -> None:
        """Say what it is called, and more of it."""
        if name is not None:
            self._span.update_name(name)
        self._span.set_attributes({key: fact for key, fact in facts.items() if fact is not None})
