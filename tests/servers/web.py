"""A web server of a folder, which knows ranges, with addresses that fail on demand."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        elif wanted := re.fullmatch(r"bytes=(\d*)-(\d+)", self.headers.get("Range", "")):
            last = int(wanted[2])
            self._send_range(*((int(wanted[1]), last + 1) if wanted[1] else (-last, None)))
        else:
            super().do_GET()

    def _send_range(self, start: int, stop: int | None) -> None:
        file = Path(self.translate_path(self.path))
        if not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        part = body[start:stop]
        start = len(body) - len(part) if stop is None else start
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(body)}")
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # as many connections may come at once


@contextmanager
def run_web(folder: Path) -> Iterator[WebServer]:
    """Serve `folder` until the end of the block."""
    state = WebServer("")
    handler = partial(_Handler, server_state=state, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
