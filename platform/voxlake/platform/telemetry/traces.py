"""Where time goes: spans of requests, jobs, their stages, and requests to stores.

They are told to a receiver of OpenTelemetry, if the settings name one. Without it nothing of
OpenTelemetry is loaded, and a span costs a look at a variable.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from voxlake.platform.settings import Settings

type Fact = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a span comes from."""

    parent: str | None = None
    """What it is part of, as a ``traceparent`` of W3C Trace Context; None: of what goes on here."""
    is_request: bool = False
    """Whether somebody else waits for it."""


HERE = Origin()


class Span(Protocol):
    """A stretch of time."""

    @property
    def trace_id(self) -> str | None:
        """What the trace is found by, 32 hexadecimal digits; None: nobody is told of it."""

    def tell(self, name: str | None = None, **facts: Fact | None) -> None:
        """Say what it is called, and more of it; nothing of what is None."""


class Tracer(Protocol):
    """Tells a receiver of spans."""

    def span(
        self, name: str, origin: Origin, facts: dict[str, Fact]
    ) -> AbstractContextManager[Span]:
        """Tell of the time that a ``with`` block takes, and of the error that ends it."""

    def is_tracing(self) -> bool:
        """Return whether a span goes on here that the receiver is told of."""

    def traceparent(self) -> str | None:
        """Return what another process says to go on with the span here; None: there is none."""

    def close(self) -> None:
        """Tell what has not been told yet."""


class _NoSpan:
    trace_id = None

    def tell(self, name: str | None = None, **facts: Fact | None) -> None:
        pass


_NO_SPAN: AbstractContextManager[Span] = nullcontext(_NoSpan())
_tracer: Tracer | None = None


def span(name: str, origin: Origin = HERE, **facts: Fact) -> AbstractContextManager[Span]:
    """Tell of the time that a ``with`` block takes."""
    return _NO_SPAN if _tracer is None else _tracer.span(name, origin, facts)


def part(name: str) -> AbstractContextManager[Span]:
    """Tell of the time that a ``with`` block takes, if it is part of something that is told of."""
    return _NO_SPAN if _tracer is None or not _tracer.is_tracing() else _tracer.span(name, HERE, {})


def traceparent() -> str | None:
    """Return what another process says to go on with what goes on here; None: nothing to."""
    return None if _tracer is None else _tracer.traceparent()


@contextmanager
def traced(settings: Settings, service: str) -> Iterator[None]:
    """Tell the receiver of the settings, if there is one, of spans in a ``with`` block.

    Raises
    ------
    UnsupportedError
        If what tells it is not installed.
    """
    global _tracer  # noqa: PLW0603  (of the process, as what it logs)
    if settings.traces_url is None or _tracer is not None:
        yield
        return
    tracer = _open_tracer(settings.traces_url, settings.traces_share, service)
    _tracer = tracer
    try:
        yield
    finally:
        _tracer = None
        tracer.close()


def _open_tracer(url: str, share: float, service: str) -> Tracer:
    try:
        from voxlake.platform.telemetry.open_telemetry import OpenTelemetry
    except ImportError as error:
        raise UnsupportedError(
            f"VOXLAKE_TRACES_URL is set, and what tells {url} of traces is not installed "
            f"({error}); install it with: pip install 'voxlake[traces]'"
        ) from error
    return OpenTelemetry(url, share, service)
