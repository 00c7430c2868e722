"""A receiver of OpenTelemetry that keeps what it is told."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Told:
    """A span, as a receiver has it."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    """The id of the span that it is part of; nothing: of none."""
    failed: bool
    error: str
    facts: dict[str, str]


@dataclass(slots=True)
class Receiver:
    """A running receiver."""

    url: str
    spans: list[Told] = field(default_factory=list)

    def named(self, name: str) -> Told:
        """Return the one span of a name."""
        [found] = [each for each in self.spans if each.name == name]
        return found


def _spans(body: bytes) -> Iterator[Told]:
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        about = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for each in scope.spans:
                facts = {
                    fact.key: str(getattr(fact.value, fact.value.WhichOneof("value")))
                    for fact in each.attributes
                }
                yield Told(
                    about["service.name"],
                    each.name,
                    each.trace_id.hex(),
                    each.span_id.hex(),
                    each.parent_span_id.hex(),
                    each.status.code == 2,
                    each.status.message,
                    facts,
                )


@contextmanager
def run_receiver() -> Iterator[Receiver]:
    """Receive spans until the end of the block."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            receiver.spans += _spans(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
