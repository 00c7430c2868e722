"""A server of bossDB, asked by HTTP: patiently, and for no more than was asked for."""

from __future__ import annotations

import random
import time
import weakref
from typing import TYPE_CHECKING

import httpx2
from pydantic import ValidationError

from voxlake.documents.bossdb.said import RefusalSaid
from voxlake.platform.authorities import trusted
from voxlake.platform.errors import SourceError, faults
from voxlake.platform.loopback import is_loopback
from voxlake.platform.secrets.intern_tokens import PUBLIC, token_for
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.documents.document import Document

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 120.0
"""How long an answer may pause: bossDB waits up to 60 s for voxels that are being written."""
ANSWER_SECONDS = 600.0
"""How long an answer may take."""
DOCUMENT_BYTES = 4 << 20
"""Longest document that is read: a value of bossDB has at most 400 kB."""
FIRST_WAIT, LONGEST_WAIT, LONGEST_ASKED_WAIT = 0.2, 4.0, 60.0
"""Seconds before a request is tried again; the last is that of a server that says how long."""

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_REFUSED = frozenset({401, 403, 404})
_SAID_MOST = 300


class PassingError(SourceError):
    """What may go by: it is worth asking again."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after
        """Seconds to wait, if the server says it."""


class RefusedError(SourceError):
    """The server says that something is not there, or not for who asks."""


class BossServer:
    """A server, asked by one token. May be used by many threads at once.

    Parameters
    ----------
    address
        ``https://HOST`` or ``http://HOST``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._token = token_for(address)
        self._retries = Settings().store_retries
        here = is_loopback(httpx2.URL(address).host)
        self._http = httpx2.Client(
            headers={"Authorization": f"Token {self._token}", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS),
            verify=False if address.startswith("http:") else trusted(),
            # A proxy of the environment would see the token of what is on this machine; and no
            # redirect is followed, which would take the token elsewhere.
            trust_env=not here,
            follow_redirects=False,
        )
        weakref.finalize(self, self._http.close)

    def document[T: Document](self, kind: type[T], path: str) -> T:
        """Return a document.

        Raises
        ------
        SourceError
            If it cannot be had, or is not understood. `RefusedError` if it is not there, or not
            for who asks.
        """
        body = self.patiently(path, lambda: self.body(path, "application/json", DOCUMENT_BYTES))
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            raise SourceError(
                f"{self.address}{path} is not what bossDB says ({faults(error.errors())}); check "
                "the address"
            ) from error

    def patiently[T](self, path: str, ask: Callable[[], T]) -> T:
        """Return what `ask` does, which is tried again while what fails may go by."""
        for tried in range(self._retries):
            try:
                return ask()
            except PassingError as error:
                usual = min(FIRST_WAIT * 2**tried, LONGEST_WAIT) * random.uniform(0.5, 1)  # noqa: S311  (spreads requests)
                time.sleep(min(error.after, LONGEST_ASKED_WAIT) or usual)
        try:
            return ask()
        except PassingError as error:
            times = f" {self._retries + 1} times" if self._retries else ""
            raise SourceError(f"{self.address}{path} was asked{times} in vain: {error}") from error

    def body(self, path: str, accept: str, most: int) -> bytearray:
        """Return what lies at `path`, of at most so many bytes; asked once.

        Raises
        ------
        PassingError, RefusedError, SourceError
            If it cannot be had.
        """
        url = f"{self.address}{path}"
        try:
            with self._http.stream("GET", url, headers={"Accept": accept}) as answer:
                if answer.status_code != 200:
                    raise self._failure(answer)
                return _received(answer, most)
        except httpx2.TransportError as error:
            reason = str(error) or type(error).__name__
            raise PassingError(
                f"it did not answer, or not to the end ({reason}); check the address, that it can "
                "be reached, and its certificate"
            ) from error

    def _failure(self, answer: httpx2.Response) -> SourceError:
        status, words = answer.status_code, _message(answer)
        if status in _PASSING:
            return PassingError(f"{status} {words}; try later", _asked_wait(answer))
        what = f"{answer.url.copy_with(query=None)} answered {status} {words}"
        if status not in _REFUSED:
            return SourceError(f"{what}; check the address")
        how = "without a token" if self._token == PUBLIC else "by the token of intern"
        return RefusedError(
            f"{what}; it was asked {how}: check the names, and the token in ~/.intern/intern.cfg, "
            "or INTERN_TOKEN with INTERN_HOST and INTERN_PROTOCOL, of one who may read it"
        )


def _received(answer: httpx2.Response, most: int) -> bytearray:
    coding = answer.headers.get("Content-Encoding", "identity")
    if coding != "identity":
        raise SourceError(
            f"{answer.url.host} sends {coding}, which was not asked for; check what stands between"
        )
    received, end = bytearray(), time.monotonic() + ANSWER_SECONDS
    for part in answer.iter_raw():
        received += part
        if len(received) > most:
            raise SourceError(
                f"{answer.url.host} sends more than the {most} bytes that what was asked for can "
                "have; check the address, and what stands between"
            )
        if time.monotonic() > end:
            raise PassingError(f"it sends for longer than {ANSWER_SECONDS:.0f} s; try later")
    return received


def _message(answer: httpx2.Response) -> str:
    """Return what an answer that is a failure says, as far as that is text for people."""
    try:
        said = RefusalSaid.model_validate_json(_received(answer, DOCUMENT_BYTES))
        words = said.message or said.detail or ""
    except ValidationError:  # a page of what stands in between, say
        words = ""
    text = "".join(letter if letter.isprintable() else " " for letter in str(words or ""))
    return f"({text[:_SAID_MOST]})" if text else ""


def _asked_wait(answer: httpx2.Response) -> float:
    """Return the seconds after which the server wants to be asked again; 0 if it does not say."""
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else 0.0
