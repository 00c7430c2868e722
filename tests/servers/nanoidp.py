"""A real issuer of OpenID Connect: nanoidp, whose keys can be rotated."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import httpx2
from joserfc.jwk import RSAKey
from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT = "voxlake"
SECRET = "voxlake-test-secret"  # of a client of the test server alone
PROGRAM = "voxlake-program"
"""The command line: a public client."""
AUDIENCE = "voxlake-api"
"""Whom its access tokens are for; its ID tokens are for the client."""
USERS: dict[str, dict[str, Any]] = {
    "ada": {"groups": ["/lab/mappers"], "roles": ["reader"], "email": "ada@example.org"},
    "bob": {"groups": [], "roles": []},
    "root": {"groups": [], "roles": ["lake-admin"]},
}
"""Each has their name for a password."""


@dataclass(frozen=True, slots=True)
class NanoIdp:
    """A running issuer."""

    issuer: str
    keys: str
    """The folder that its keys lie in."""
    pid: int

    def tokens(self, user: str) -> dict[str, str]:
        """Return the tokens of a user who gave their password: an access token and others."""
        form = {"grant_type": "password", "username": user, "password": user, "scope": "openid"}
        answer = httpx2.post(f"{self.issuer}/token", data=form, auth=(CLIENT, SECRET), timeout=30)
        tokens: dict[str, str] = answer.raise_for_status().json()
        return tokens

    def access_token(self, user: str) -> str:
        """Return an access token of a user."""
        return self.tokens(user)["access_token"]

    def rotate(self) -> str:
        """Let it sign with a new key, whose name is returned; the old ones stay published."""
        answer = httpx2.post(f"{self.issuer}/api/keys/rotate", timeout=30)
        return str(answer.raise_for_status().json()["new_kid"])

    def signing_key(self) -> RSAKey:
        """Return the private key that it signs with: a test may sign what it never would."""
        folder = Path(self.keys)
        kid = json.loads((folder / "keys.json").read_text())["active_kid"]
        return RSAKey.import_key((folder / "rsa_private.pem").read_bytes(), {"kid": kid})


@contextmanager
def run_nanoidp(folder: Path) -> Iterator[NanoIdp]:
    """Run an issuer that keeps what it has below `folder` until the end of the block."""
    [port] = free_ports(1)
    issuer, keys = f"http://127.0.0.1:{port}", folder / "keys"
    # What is JSON is YAML, too.
    (folder / "settings.yaml").write_text(json.dumps(_settings(port, keys)))
    users = {name: {"password": name, **rest} for name, rest in USERS.items()}
    (folder / "users.yaml").write_text(json.dumps({"config_version": 1, "users": users}))
    program = Path(sys.executable).with_name("nanoidp")
    command = [str(program), "--config", str(folder), "--strict-config"]
    process = start(command, folder / "nanoidp.log", lambda: _answers(issuer))
    try:
        yield NanoIdp(issuer, str(keys), process.pid)
    finally:
        stop(process)


def _settings(port: int, keys: Path) -> dict[str, object]:
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        # The port of an address of this machine may be any (RFC 8252, 7.3).
        "redirect_uris": ["http://127.0.0.1/login/callback"],
    }
    program = {"client_id": PROGRAM, "token_endpoint_auth_method": "none", "redirect_uris": []}
    return {
        "config_version": 1,
        "server": {"host": "127.0.0.1", "port": port},
        "oauth": {
            "issuer": f"http://127.0.0.1:{port}",
            "audience": AUDIENCE,
            "clients": [client, program],
        },
        "jwt": {"keys_dir": str(keys), "max_previous_keys": 10},
        "device_flow": {"polling_interval": 1},
    }


def _answers(issuer: str) -> bool:
    try:
        with urlopen(f"{issuer}/.well-known/jwks.json", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
