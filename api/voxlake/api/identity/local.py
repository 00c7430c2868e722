"""Who is asking, in local mode: the owner of this server, or nobody in particular.

The owner shows the session cookie that a one-time login link gave, or the owner's token.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from voxlake.api.identity.issued import Issued, IssuedHere, IssuedInFolder, digest
from voxlake.platform.access import Principal, Way
from voxlake.platform.errors import UnauthenticatedError
from voxlake.platform.secrets.owner_proof import key_of, proof_of
from voxlake.platform.secrets.secret_file import kept_secret

OWNER = Principal("owner", is_owner=True, way=Way.LOCAL)
TOKEN_FILE = "owner-token"  # noqa: S105  (its name)
LINK_SECONDS = 24 * 3600
SESSION_SECONDS = 30 * 24 * 3600


@dataclass(slots=True)
class LocalIdentity:
    """The sessions, login links and the token of a local server. Secrets are kept as hashes."""

    token: InitVar[str]
    """The owner's token."""
    cookie: str = "voxlake-session"
    """Name of the session cookie; ports do not separate cookies, so it carries the port."""
    links: Issued = field(default_factory=IssuedHere, repr=False)
    sessions: Issued = field(default_factory=IssuedHere, repr=False)
    _token: str = field(init=False, repr=False)
    _proves: bytes = field(init=False, repr=False)

    def __post_init__(self, token: str) -> None:
        self._token, self._proves = digest(token), key_of(token)

    @classmethod
    def of_workers(cls, token: str, cookie: str, folder: Path) -> Self:
        """Return the identity that all processes of a server share by a folder of theirs."""
        links, sessions = (IssuedInFolder(folder / kind) for kind in ("links", "sessions"))
        return cls(token, cookie, links, sessions)

    def login_link(self, server: str, target: str) -> str:
        """Return a new login link of the server at a URL, which leads to a path of it."""
        query = urlencode({"once": self.new_link(), "next": target})
        return f"{server.rstrip('/')}/login?{query}"

    def new_link(self) -> str:
        """Return the secret of a new login link, good for one use within a day."""
        secret = secrets.token_urlsafe(32)
        self.links.add(secret, LINK_SECONDS)
        return secret

    def redeem(self, secret: str) -> str:
        """Turn the secret of a login link into a new session, once, and return the session's.

        Raises
        ------
        UnauthenticatedError
            If it is unknown, used or too old.
        """
        if not self.links.take(secret):
            raise UnauthenticatedError(
                "this login link was used before, is too old or belongs to another server; "
                "make a new one with: voxlake login-link"
            )
        session = secrets.token_urlsafe(32)
        self.sessions.add(session, SESSION_SECONDS)
        return session

    def of_session(self, headers: Headers) -> Principal | None:
        """Return whose session a request shows by its cookie; None if it shows none that holds."""
        session = cookie_parser(headers.get("cookie", "")).get(self.cookie)
        return OWNER if session and self.sessions.holds(session) else None

    def sign_out(self, headers: Headers) -> None:
        """End the session that a request shows by its cookie; none is no error."""
        session = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
        self.sessions.take(session)

    def of_token(self, scheme: str, token: str) -> Principal:
        """Return the owner if a token is theirs; raise UnauthenticatedError if it is not."""
        right = hmac.compare_digest(digest(token), self._token)
        if scheme.lower() != "bearer" or not right:
            raise UnauthenticatedError(
                f"the token is not this server's; send the one in the file {TOKEN_FILE}, or one "
                "that an administrator made, as `Authorization: Bearer TOKEN`"
            )
        return OWNER

    def proof(self, nonce: str, host: str, port: int) -> str:
        """Return the proof that this server, which was reached at an address, has the token."""
        return proof_of(self._proves, nonce, host, port)


def owner_token(folder: Path) -> str:
    """Return the owner's token, kept in `folder` for the owner alone; made at the first call."""
    return kept_secret(folder / TOKEN_FILE, lambda: f"voxlake_{secrets.token_urlsafe(32)}")
