"""The issuer of the tokens that people bring: its discovery document and its keys, kept a while."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from joserfc.jwk import Key

from voxlake.api.identity.oidc.signing_keys import fits, import_keys
from voxlake.platform.errors import InvalidInputError, IssuerUnavailableError
from voxlake.platform.loopback import is_loopback

DISCOVERY = "/.well-known/openid-configuration"
_MOST_BYTES = 512 << 10
"""Of a document of the issuer."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an issuer is asked for its keys, in seconds."""

    fresh: float = 300.0
    """Keys as old are asked for again while they are used, and before they are at twice the age."""
    stale: float = 3600.0
    """Keys as old are used no more, if the issuer does not answer meanwhile."""
    unknown: float = 30.0
    """From one time that it is asked for the sake of a key that is not known to the next."""
    retry: float = 5.0
    """From a failure to the next try."""
    answer: float = 5.0
    """How long an answer may take."""


@dataclass(slots=True)
class Issuer:
    """An issuer of OpenID Connect, by the address that names it. For one event loop."""

    url: str
    pace: Pace = Pace()
    _about: dict[str, Any] = field(default_factory=dict, repr=False)
    _keys: tuple[Key, ...] = ()
    _read_at: float = -math.inf
    _failed_at: float = -math.inf
    _unknown_at: float = -math.inf
    reads: int = 0
    """How often its keys were read."""
    failures: int = 0
    """How often they could not be."""
    _flight: asyncio.Task[None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_address("the issuer", self.url)
        parts = urlsplit(self.url)
        if parts.query or parts.fragment or parts.username:
            raise InvalidInputError(
                f"{self.url} cannot be an issuer: it has a query, a fragment or a user; give "
                "what `issuer` in its discovery document says"
            )

    async def key(self, algorithm: str, kid: str | None) -> Key:
        """Return the key that a token says it is signed with.

        Parameters
        ----------
        algorithm
            One of `ALGORITHMS`, by which it says it is signed.
        kid
            Its name; None: it is not named, and the issuer has one such key alone.

        Raises
        ------
        LookupError
            If there is none.
        IssuerUnavailableError
            If the issuer does not answer, and its keys are not known or too old.
        """
        await self._keep_fresh()
        if kid is not None and all(key.kid != kid for key in self._keys):
            await self._look_for_new()
        fit = [key for key in self._keys if kid in (None, key.kid) and fits(key, algorithm)]
        if not fit or (kid is None and len(fit) > 1):
            raise LookupError("the issuer has no such key (kid)")
        return fit[0]

    async def about(self) -> Mapping[str, Any]:
        """Return its discovery document.

        Raises
        ------
        IssuerUnavailableError
            If it does not answer, and the document is not known or too old.
        """
        await self._keep_fresh()
        return self._about

    async def state(self) -> Literal["ok", "stale"]:
        """Return whether it answered when it was asked last, or its keys at hand have to do.

        Raises
        ------
        IssuerUnavailableError
            If it does not answer, and its keys are not known or too old.
        """
        await self._keep_fresh()
        return "ok" if self.answers else "stale"

    @property
    def answers(self) -> bool:
        """Whether its keys could be read when it was asked last, or it never was."""
        return self._read_at >= self._failed_at

    async def _keep_fresh(self) -> None:
        moment = time.monotonic()
        age = moment - self._read_at
        if age < self.pace.fresh:
            return
        if moment - self._failed_at >= self.pace.retry:
            flight = self._fly()
            # After a failure nobody waits for another: the keys at hand are good for a while.
            due = age >= 2 * self.pace.fresh and self._failed_at <= self._read_at
            if due or age >= self.pace.stale:
                await asyncio.shield(flight)
        if time.monotonic() - self._read_at >= self.pace.stale:
            raise IssuerUnavailableError(
                f"the issuer {self.url} does not answer, so nobody can be known by its tokens; "
                "try again later"
            )

    async def _look_for_new(self) -> None:
        """Ask for the keys anew, seldom: who makes up names of keys causes no storm of requests."""
        moment = time.monotonic()
        if moment - self._unknown_at >= self.pace.unknown:
            self._unknown_at = moment
            await asyncio.shield(self._fly())

    def _fly(self) -> asyncio.Task[None]:
        """Return the task that asks for the keys: one at a time, which no leaving client ends."""
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._read())
        return self._flight

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self.pace.answer):
                self._about, self._keys = await read_issuer(self.url)
        # What a server can send is endless: whatever it is, it is the issuer's failure.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RecursionError) as error:
            self._failed_at = time.monotonic()
            self.failures += 1
            _log.warning("the keys of the issuer %s cannot be read: %r", self.url, error)
        else:
            self._read_at = time.monotonic()
            self.reads += 1


def check_address(what: str, url: str) -> None:
    """Raise InvalidInputError unless an address is encrypted, or of this machine.

    Examples
    --------
    >>> check_address("the issuer", "https://id.example.org/realms/lab")
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or (parts.scheme != "https" and not local):
        raise InvalidInputError(
            f"{what} is at {url}, where anybody between could answer in its place; it has to be "
            "https://, or on this machine"
        )


async def read_issuer(issuer: str) -> tuple[dict[str, Any], tuple[Key, ...]]:
    """Return the discovery document of an issuer, and its keys (OpenID Connect Discovery 1.0, 4).

    Raises
    ------
    ValueError
        If what it says of itself is not right.
    httpx2.HTTPError
        If it cannot be asked.
    """
    # Redirects are not followed: an issuer is at its address, and leads to no other.
    async with httpx2.AsyncClient(follow_redirects=False) as client:
        about = await _read_json(client, issuer.rstrip("/") + DISCOVERY)
        if about.get("issuer") != issuer:
            raise ValueError(f"it calls itself {about.get('issuer')!r}; set VOXLAKE_OIDC_ISSUER so")
        address = about.get("jwks_uri")
        if not isinstance(address, str):
            raise ValueError("it does not say where its keys are")  # noqa: TRY004  (its fault)
        check_address("its set of keys", address)
        return about, import_keys(await _read_json(client, address))


async def _read_json(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    # Not compressed, so that what is read is as long as what is sent.
    wanted = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with client.stream("GET", url, headers=wanted) as answer:
        if answer.status_code != httpx2.codes.OK:
            raise ValueError(f"{url} answers {answer.status_code}")
        body = bytearray()
        async for part in answer.aiter_raw():
            body += part
            if len(body) > _MOST_BYTES:
                raise ValueError(f"{url} answers more than {_MOST_BYTES >> 10} KiB")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{url} answers no object")  # noqa: TRY004
    return document
