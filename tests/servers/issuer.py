"""An issuer of OpenID Connect that does what a test says: new keys, no answer, wrong answers."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key

if TYPE_CHECKING:
    from collections.abc import Iterator

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"


@dataclass(slots=True)
class ScriptedIssuer:
    """A running issuer."""

    url: str = ""
    keys: list[Key] = field(default_factory=list)
    """Those that it publishes."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """What it answers at a path in the place of what is right."""
    status: int = 200
    redirect: str = ""
    """Where it leads to, with a status of 302."""
    answering: threading.Event = field(default_factory=threading.Event)
    """Not set while it lets those who ask wait."""
    asked: list[str] = field(default_factory=list)
    """The paths that it was asked for."""

    def new_key(self, kid: str) -> Key:
        """Make a key and publish it."""
        key = ECKey.generate_key("P-256", {"kid": kid})
        self.keys.append(key)
        return key

    def token(self, key: Key, **claims: Any) -> str:
        """Return a token that is signed with a key."""
        moment = int(time.time())
        said = {"iss": self.url, "aud": "lake", "sub": "248", "exp": moment + 300, **claims}
        return jwt.encode({"alg": "ES256", "kid": key.kid}, said, key)

    def about(self) -> dict[str, Any]:
        """Return its discovery document."""
        return {"issuer": self.url, "jwks_uri": f"{self.url}{JWKS}"}

    def body(self, path: str) -> bytes:
        """Return what it answers."""
        if path in self.answers:
            return self.answers[path]
        published = {"keys": [key.as_dict(private=False) for key in self.keys]}
        return json.dumps(self.about() if path == DISCOVERY else published).encode()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, *args: Any, state: ScriptedIssuer) -> None:
        self.state = state
        super().__init__(*args)

    def do_GET(self) -> None:
        self.state.asked.append(self.path)
        self.state.answering.wait(60)
        body = self.state.body(self.path)
        self.send_response(self.state.status)
        self.send_header("Content-Length", str(len(body)))
        if self.state.status == 302:
            self.send_header("Location", self.state.redirect)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_request: Any) -> None:
        """Say nothing of who hung up."""


@contextmanager
def run_issuer() -> Iterator[ScriptedIssuer]:
    """Run an issuer with one key until the end of the block."""
    state = ScriptedIssuer()
    state.answering.set()
    server = _Server(("127.0.0.1", 0), partial(_Handler, state=state))
    state.url = f"http://127.0.0.1:{server.server_port}"
    state.new_key("first")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        state.answering.set()
        server.shutdown()
        server.server_close()
        thread.join()
