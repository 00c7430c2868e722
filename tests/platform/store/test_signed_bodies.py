"""What requests to S3 say of their bodies: hashed where nothing else guards them on their way."""

from __future__ import annotations

import hashlib
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from tests.servers.certificates import make_certificate

from voxlake.platform import store
from voxlake.platform.settings import Settings
from voxlake.platform.store import adapters
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = b"voxels"


@contextmanager
def _server(certificate: Path | None, said: list[str]) -> Iterator[str]:
    """Run a server that takes any object, over TLS if it has a certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            said.append(self.headers["x-amz-content-sha256"])
            assert self.rfile.read(int(self.headers["Content-Length"])) == BODY
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_body_is_hashed_unless_it_is_encrypted(
    encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path / "certificate.pem")
    options = adapters._patience(Settings())
    options["client_options"]["allow_invalid_certificates"] = True  # This one nobody signed.
    monkeypatch.setattr(adapters, "_patience", lambda *_, **__: options)
    monkeypatch.setenv("VOXLAKE_S3_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", "secret")
    said: list[str] = []
    with _server(certificate if encrypted else None, said) as endpoint:
        store.write(StoreURL("s3", "bucket", "k", endpoint, "us-east-1"), BODY)
    hashed = hashlib.sha256(BODY).hexdigest()
    assert said == ["UNSIGNED-PAYLOAD" if encrypted else hashed]
