"""Look for secrets in whatever a gateway wrote, said or kept."""

from __future__ import annotations

import base64
import json
import pickle
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    import httpx2

COOKIES = ("voxlake-session-test", "session", "__Host-session", "middle_auth_token")
QUERY = ("once", "code", "state", "token", "access_token", "id_token", "middle_auth_token", "key")
HEADERS = ("Proxy-Authorization", "X-Api-Key", "X-Request-Id", "X-Forwarded-Access-Token")


@dataclass
class Hunt:
    """What is looked for, and where."""

    secrets: dict[str, str] = field(default_factory=dict)
    places: dict[str, bytes] = field(default_factory=dict)

    def secret(self, name: str, value: str | None = None) -> str:
        """Return a secret that must be nowhere, by default a made-up one."""
        return self.secrets.setdefault(name, value or f"canary-{secrets.token_hex(12)}")

    def look(self, where: str, *values: object) -> None:
        """Look for secrets in what values show, and in their pickles."""
        for value in values:
            self.places[f"repr of {type(value).__name__}, {where}"] = f"{value!r} {value}".encode()
            self.places[f"pickle of {type(value).__name__}, {where}"] = pickled(value)

    def look_at(self, answer: httpx2.Response) -> None:
        """Look for secrets in an answer."""
        where = f"answer {len(self.places)} ({answer.request.method}, {answer.status_code})"
        self.places[where] = repr(answer.headers.raw).encode() + answer.content

    def found(self) -> list[str]:
        """Return which secrets are in which places."""
        return [
            f"{name} is in {where}"
            for name, secret in self.secrets.items()
            for where, text in self.places.items()
            if any(form in text for form in forms(secret))
        ]


def forms(secret: str) -> set[bytes]:
    """Return how a secret may be written: as it is, quoted, in JSON, hexadecimal, in base64."""
    plain = secret.encode()
    texts = (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], plain.hex())
    # In base64 it looks different at each of three places, and its ends depend on what is around.
    shifted = (base64.b64encode(b"\0" * before + plain)[4:-4] for before in range(3))
    return {text.encode() for text in texts} | set(shifted)


def pickled(value: object) -> bytes:
    """Return the pickle of a value; nothing if it refuses to be pickled."""
    try:
        return pickle.dumps(value)
    except (TypeError, AttributeError, pickle.PicklingError):
        return b""


def secret_settings(hunt: Hunt) -> dict[str, Any]:
    """Return a made-up value of every setting that is secret, but for the database's address."""
    return {
        name: hunt.secret(f"setting {name}")
        for name, about in Settings.model_fields.items()
        if "SecretStr" in str(about.annotation) and name != "database_url"
    }


def carrying(hunt: Hunt) -> dict[str, dict[str, str]]:
    """Return a query and headers with a secret in every place that is for one."""
    cookies = (f"{name}={hunt.secret(f'cookie {name}')}" for name in COOKIES)
    return {
        "params": {name: hunt.secret(f"query {name}") for name in QUERY},
        "headers": {
            **{name: hunt.secret(f"header {name}") for name in HEADERS},
            "Referer": f"http://localhost/login?once={hunt.secret('header Referer')}",
            "Cookie": "; ".join(cookies),
        },
    }


def wrong_credentials(hunt: Hunt) -> list[str]:
    """Return values of `Authorization` that are good for nothing."""
    head = base64.urlsafe_b64encode(b'{"alg":"RS256"}').decode().rstrip("=")
    password = base64.b64encode(f"ada:{hunt.secret('password')}".encode()).decode()
    return [
        f"Bearer {hunt.secret('opaque token')}",
        f"Bearer {hunt.secret('API token', 'vxl_' + 'Canary0' * 7)}",
        f"Bearer {hunt.secret('forged JWT', f'{head}.{"Canary1" * 9}.{"Canary2" * 9}')}",
        f"Basic {password}",
    ]
