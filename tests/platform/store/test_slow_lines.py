"""A line that is slow is not one that is broken."""

from __future__ import annotations

import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from tests.conftest import forget_stores

from voxlake.platform import store
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = bytes(1 << 20)
STALL_S = 0.2


def _written(url: StoreURL) -> str:
    return store.write(url, BODY)


def _grown(url: StoreURL) -> str:
    growing = store.grow(url)
    growing.append([BODY])
    return growing.commit()


@pytest.mark.parametrize("send", [_written, _grown])
def test_what_takes_long_to_send_is_sent(
    send: Callable[[StoreURL], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes longer than a server may be silent, and comes all the time."""
    monkeypatch.setenv("VOXLAKE_S3_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("VOXLAKE_STORE_STALL_TIMEOUT_S", f"{STALL_S}")
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    forget_stores()
    with _slow_server() as endpoint:
        assert send(StoreURL("s3", "lakes", "shard", endpoint, "us-east-1")) == '"1"'
    forget_stores()


@contextmanager
def _slow_server() -> Iterator[str]:
    """Run a server that takes a body piece by piece."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            size, pieces = int(self.headers["Content-Length"]), 4
            for _ in range(pieces):
                self.rfile.read(size // pieces)
                time.sleep(STALL_S)
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
