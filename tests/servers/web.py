"""A web server of a folder, with addresses that fail on demand."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(slots=True)
class WebServer:
    """A running server."""

    address: str
    failing: set[str] = field(default_factory=set)
    """Ends of paths that are answered with 500."""


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: object, server_state: WebServer, directory: str) -> None:
        self.state = server_state
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]  # as it was called

    def do_GET(self) -> None:
        if self.path.endswith(tuple(self.state.failing)):
            self.send_error(500)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


@contextmanager
def run_web(folder: Path) -> Iterator[WebServer]:
    """Serve `folder` until the end of the block."""
    state = WebServer("")
    handler = partial(_Handler, server_state=state, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
