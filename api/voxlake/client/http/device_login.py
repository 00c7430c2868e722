"""Sign in at an issuer from a terminal, with a browser on any device (RFC 8628)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
from pydantic import BaseModel, Field, ValidationError

from voxlake.client.http.credentials import check_private
from voxlake.platform.authorities import trusted
from voxlake.platform.errors import (
    ForbiddenError,
    StoreError,
    StoreUnavailableError,
    TimedOutError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ANSWER_SECONDS = 20.0
SLOWER_SECONDS = 5.0
"""How much longer to wait from one question to the next when the issuer says so (3.5)."""
_BY_TOKEN = "make a token and keep it with: voxlake login --token"  # noqa: S105  (a command)


class _Issuer(BaseModel):
    """What an issuer says of itself."""

    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str | None = None


class DeviceCode(BaseModel):
    """What somebody needs to let a program in, and the program to learn of it."""

    device_code: str = Field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None = None
    expires_in: float
    interval: float = Field(default=5, ge=0)


class _Answer(BaseModel):
    access_token: str | None = Field(default=None, repr=False)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """A program that asks an issuer to be let in for somebody."""

    issuer: str
    client_id: str
    codes: str
    """Where codes are asked for."""
    tokens: str

    def begin(self, scope: str) -> DeviceCode:
        """Return a new code, to be shown to whoever signs in.

        Raises
        ------
        UnsupportedError
            If the issuer gives none.
        StoreUnavailableError, StoreError
            If it does not answer, or not as an issuer does.
        """
        form = {"client_id": self.client_id, "scope": scope}
        answer = _ask(self.issuer, "POST", self.codes, form)
        if not answer.is_success:
            raise UnsupportedError(
                f"the issuer {self.issuer} gives {self.client_id!r} no code for a terminal; "
                f"{_BY_TOKEN}"
            )
        return _read(self.issuer, DeviceCode, answer)

    def wait(self, code: DeviceCode) -> str:
        """Return the access token of whoever signs in with a code, once they have.

        Raises
        ------
        ForbiddenError
            If they refused.
        TimedOutError
            If they did not in time.
        StoreError
            If the issuer does not answer as an issuer does.
        """
        pause, end = code.interval, time.monotonic() + code.expires_in
        while time.monotonic() + pause < end:
            time.sleep(pause)
            try:
                answer = self._look(code)
            except StoreUnavailableError:
                pause *= 2  # as the standard has it, where no answer comes
                continue
            if answer.access_token is not None:
                return answer.access_token
            if answer.error == "slow_down":
                pause += SLOWER_SECONDS
            elif answer.error == "expired_token":
                break
            elif answer.error != "authorization_pending":
                raise ForbiddenError(f"the issuer {self.issuer} let nobody in ({answer.error})")
        raise TimedOutError("nobody signed in with the code in time; log in again")

    def _look(self, code: DeviceCode) -> _Answer:
        form = {"grant_type": GRANT, "device_code": code.device_code, "client_id": self.client_id}
        return _read(self.issuer, _Answer, _ask(self.issuer, "POST", self.tokens, form))


def find_device_login(issuer: str, client_id: str) -> DeviceLogin:
    """Return how somebody signs in at an issuer from a terminal.

    Raises
    ------
    UnsupportedError
        If nobody does.
    InvalidInputError
        If what is sent there could be read on its way.
    StoreUnavailableError, StoreError
        If it does not answer, or not as an issuer does.
    """
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    found = _read(issuer, _Issuer, _ask(issuer, "GET", address))
    if found.issuer != issuer:
        raise StoreError(f"{address} is of another issuer, {found.issuer!r}; tell who runs it")
    codes, tokens = found.device_authorization_endpoint, found.token_endpoint
    if codes is None:
        raise UnsupportedError(f"the issuer {issuer} signs nobody in from a terminal; {_BY_TOKEN}")
    return DeviceLogin(issuer, client_id, codes, tokens)


def _ask(
    issuer: str, method: str, url: str, form: Mapping[str, str] | None = None
) -> httpx2.Response:
    check_private(url)
    try:
        return httpx2.request(method, url, data=form, timeout=ANSWER_SECONDS, verify=trusted())
    except httpx2.TransportError as error:
        reason = str(error) or type(error).__name__
        raise StoreUnavailableError(
            f"the issuer {issuer} did not answer ({reason}); try again"
        ) from error


def _read[T: BaseModel](issuer: str, model: type[T], answer: httpx2.Response) -> T:
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        raise StoreError(
            f"the issuer {issuer} answered {answer.status_code}, and not as issuers do; "
            "tell who runs it"
        ) from error
