"""A reverse proxy: passes requests on, and says whom they are from, as nginx is told to."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator

HOPS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
"""Headers that are of one connection alone."""


@contextmanager
def run_proxy(target: str, prefix: str = "") -> Iterator[str]:
    """Run a proxy that shows a server below a path, and yield the URL of that.

    It takes the prefix off, and says that it was asked by https.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            said = {
                "X-Forwarded-For": self.client_address[0],
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": self.headers["host"],
                "X-Forwarded-Prefix": prefix,
            }
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOPS}
            with httpx2.Client(timeout=30) as client:
                path = self.path.removeprefix(prefix)
                answer = client.request(
                    self.command, f"{target}{path}", headers=kept | said, content=body
                )
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name not in HOPS:
                    self.send_header(name, value)
            self.send_header("Content-Length", answer.headers.get("content-length", "0"))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815  (its names)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
