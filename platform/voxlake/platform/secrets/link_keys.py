"""Keys that sign links: what is signed with one of them was made by this lake."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import platformdirs
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from voxlake.platform.errors import InvalidInputError, UnauthenticatedError
from voxlake.platform.secrets.secret_file import kept_secret

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from voxlake.platform.settings import Settings

FILE = "link-key"
"""Where the key is kept that was made for want of another."""
LEAST = 32
"""Characters that a key has at least."""
LONGEST = 512
"""Characters that a link has at most: nothing longer is looked at."""
_HEADER = {"alg": "HS256", "typ": "voxlake-link"}
_FORGED = "the link is none of this lake, or was cut off; copy it whole, or ask for another"


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """The keys of a lake: the first signs, and what any has signed is good."""

    keys: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys or min(map(len, self.keys)) < LEAST:
            raise InvalidInputError(
                f"a key that signs links is shorter than {LEAST} characters; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )

    @classmethod
    def of(cls, settings: Settings, folder: Path | None = None) -> Self:
        """Return the keys that are set; else the one that is kept in `folder` for its user alone.

        By default that folder is the one in which the owner's token is kept.
        """
        if settings.link_key is not None:
            return cls.parse(settings.link_key.get_secret_value())
        folder = folder or platformdirs.user_state_path("voxlake")
        return cls((kept_secret(folder / FILE, lambda: secrets.token_urlsafe(LEAST)),))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the keys of a setting, which spaces or commas part."""
        return cls(tuple(text.replace(",", " ").split()))

    @classmethod
    def random(cls) -> Self:
        """Return a new key."""
        return cls((secrets.token_urlsafe(LEAST),))

    def sign(self, serial: str, ends_at: datetime) -> str:
        """Return the token of a link.

        Examples
        --------
        >>> from datetime import UTC, datetime
        >>> keys = LinkKeys.random()
        >>> keys.read(keys.sign("a1", datetime(2100, 1, 1, tzinfo=UTC)))
        'a1'
        """
        payload = json.dumps({"jti": serial, "exp": int(ends_at.timestamp())})
        return jws.serialize_compact(_HEADER, payload, OctKey.import_key(self.keys[0]), ["HS256"])

    def read(self, token: str) -> str:
        """Return the serial of the link that a token is of.

        Raises
        ------
        UnauthenticatedError
            If no key has signed it, or it is over.
        """
        payload = self._verified(token) if len(token) <= LONGEST else None
        if payload is None:
            raise UnauthenticatedError(_FORGED)
        claims = json.loads(payload)
        if claims["exp"] <= time.time():
            raise UnauthenticatedError("the link is over; ask whoever made it for another")
        serial: str = claims["jti"]
        return serial

    def _verified(self, token: str) -> bytes | None:
        for key in self.keys:
            try:
                signed = jws.deserialize_compact(token, OctKey.import_key(key), ["HS256"])
            except (JoseError, ValueError):
                continue
            if signed.headers() == _HEADER:
                return signed.payload
        return None
