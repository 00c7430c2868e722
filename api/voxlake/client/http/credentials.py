"""Tokens by which a gateway is asked unless one is named.

That of the environment (``VOXLAKE_GATEWAY`` and ``VOXLAKE_TOKEN``), and those that
``voxlake login`` keeps: a file for each gateway, for its user alone.
"""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx2
import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxlake.platform.errors import CorruptDataError, InvalidInputError, UnauthenticatedError
from voxlake.platform.loopback import is_loopback
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class Credentials(BaseModel):
    """A token, and the gateway that it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gateway: str = Field(description="Where it may be sent, and nowhere else.")
    secret: str = Field(repr=False)
    token: int | None = Field(
        None, description="Its number, if `voxlake login` made it and `voxlake logout` revokes it."
    )


def address_of(url: str) -> str:
    """Return the address of a gateway in the one way to write it.

    Raises
    ------
    InvalidInputError
        If it is none.

    Examples
    --------
    >>> address_of("HTTPS://Lake.Example.org:443/")
    'https://lake.example.org'
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise InvalidInputError(f"{url!r} is no address of a gateway ({error})") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.query:
        raise InvalidInputError(
            f"{url!r} is no address of a gateway; write it as https://lake.example.org"
        )
    return str(parsed.copy_with(fragment=None)).rstrip("/")


def check_private(url: str) -> None:
    """Raise InvalidInputError unless what is sent to a URL can be read there alone.

    Examples
    --------
    >>> check_private("https://lake.example.org")
    >>> check_private("http://127.0.0.1:8080")
    """
    parsed = httpx2.URL(url)
    if parsed.scheme != "https" and not is_loopback(parsed.host):
        raise InvalidInputError(
            f"{url} is not encrypted: others could read what is sent there; use https"
        )


def keep(credentials: Credentials) -> None:
    """Keep a token for its gateway, in the place of the one before."""
    path = _path(credentials.gateway)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(credentials.model_dump_json(indent=2))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def find(gateway: str) -> Credentials | None:
    """Return the token of the environment or the one that is kept for the gateway at a URL.

    None if there is neither.

    Raises
    ------
    InvalidInputError
        If the environment has a token and does not say of which gateway.
    UnauthenticatedError
        If others can read it.
    CorruptDataError
        If the file is damaged.
    """
    address = address_of(gateway)
    if (given := _of_environment()) is not None and given.gateway == address:
        return given
    path = _path(address)
    try:
        with path.open("rb") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_IMODE(mode) & 0o077:
        raise UnauthenticatedError(
            f"others can read {path}, which holds your token for {address}; take that from them "
            f"(chmod 600), or get another: voxlake login {address}"
        )
    try:
        kept = Credentials.model_validate_json(text)
    except ValidationError as error:
        raise CorruptDataError(
            f"{path} holds no token; delete it, and get another: voxlake login {address}"
        ) from error
    return kept if kept.gateway == address else None


def _of_environment() -> Credentials | None:
    settings = Settings()
    if settings.token is None:
        return None
    if settings.gateway is None:
        raise InvalidInputError(
            "VOXLAKE_TOKEN holds a token, and nothing says which gateway it is for; set "
            "VOXLAKE_GATEWAY to its address"
        )
    return Credentials(
        gateway=address_of(settings.gateway), secret=settings.token.get_secret_value()
    )


def forget(gateway: str) -> None:
    """Keep nothing for the gateway at a URL."""
    _path(address_of(gateway)).unlink(missing_ok=True)


def _path(address: str) -> Path:
    return platformdirs.user_config_path("voxlake") / "gateways" / quote(address, safe="")
