"""A strict OpenID provider: npm's oidc-provider, with the pages that it has for development.

Whoever signs in says who they are: login name ``ada+lab+staff`` is user ada in the groups lab and
staff, with any password.
"""

from __future__ import annotations

import json
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SERVER = Path(__file__).with_name("server.mjs")


@contextmanager
def run_oidc_provider(folder: Path) -> Iterator[str]:
    """Run the provider until the end of the block; yield its issuer."""
    (port,) = free_ports(1)
    issuer = f"http://127.0.0.1:{port}"
    command = ["node", str(SERVER), str(port)]
    process = start(command, folder / "provider.log", lambda: _answers(issuer))
    try:
        yield issuer
    finally:
        stop(process)


def register_client(issuer: str, server: str, *, secret: bool = False) -> tuple[str, str | None]:
    """Register a gateway at its URL with the provider; return the client's id and its secret."""
    wanted = {
        "redirect_uris": [f"{server}/login/callback"],
        "post_logout_redirect_uris": [f"{server}/"],
        "grant_types": ["authorization_code", DEVICE_CODE],
        "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
    }
    request = urllib.request.Request(
        f"{issuer}/reg", json.dumps(wanted).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        client = json.load(answer)
    return client["client_id"], client.get("client_secret")


def _answers(issuer: str) -> bool:
    try:
        address = f"{issuer}/.well-known/openid-configuration"
        with urllib.request.urlopen(address, timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
