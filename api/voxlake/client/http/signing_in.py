"""Sign in at a gateway from a terminal: a token of its own stands for whoever does, here."""

from __future__ import annotations

import platform
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from voxlake.client.http.connection import Connection
from voxlake.client.http.credentials import (
    Credentials,
    address_of,
    check_private,
    find,
    forget,
    keep,
)
from voxlake.client.http.device_login import DeviceLogin, find_device_login
from voxlake.documents.people.people import MeDocument, NewTokenDocument, TokenDocument
from voxlake.documents.service.gateway import IdentityDocument
from voxlake.platform.errors import (
    NotFoundError,
    UnauthenticatedError,
    UnsupportedError,
    VoxlakeError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.client.http.device_login import DeviceCode

LASTS = timedelta(days=90)
"""How long the token of a login is good."""


def log_in(gateway: str, tell: Callable[[DeviceCode], None]) -> MeDocument:
    """Sign in at the issuer of a gateway, and keep a token of the gateway.

    Parameters
    ----------
    gateway
        Its URL.
    tell
        Shows a person where to go with a browser, and the code to enter there.

    Raises
    ------
    UnsupportedError
        If nobody signs in there from a terminal.
    ForbiddenError, TimedOutError
        If the issuer was told not to let them in, or nothing.
    InvalidInputError
        If others could read what is sent to the gateway.
    """
    address = address_of(gateway)
    check_private(address)
    device, scope = _device_login(address)
    code = device.begin(scope)
    tell(code)
    made = _make_token(address, device.wait(code))
    return _keep(Credentials(gateway=address, secret=made.secret, token=made.token.id))


def log_in_with(gateway: str, secret: str) -> MeDocument:
    """Keep a token that somebody has for a gateway, once it is sure that it is good there."""
    address = address_of(gateway)
    check_private(address)
    return _keep(Credentials(gateway=address, secret=secret))


def who_am_i(gateway: str) -> MeDocument:
    """Return who asks the gateway at a URL by the token that is kept for it.

    Raises
    ------
    UnauthenticatedError
        If none is kept, or it is good no more.
    """
    return _me(_found(gateway))


def log_out(gateway: str) -> str:
    """Forget the token for a gateway, and revoke it if a login made it; return its address.

    Raises
    ------
    UnauthenticatedError
        If none is kept.
    StoreUnavailableError
        If the gateway does not answer: the token is still good, and kept.
    """
    kept = _found(gateway)
    _revoke(kept)
    forget(kept.gateway)
    return kept.gateway


def _found(gateway: str) -> Credentials:
    kept = find(gateway)
    if kept is None:
        address = address_of(gateway)
        raise UnauthenticatedError(
            f"no token is kept for {address}; get one with: voxlake login {address}"
        )
    return kept


def _keep(credentials: Credentials) -> MeDocument:
    """Keep a token that is good, and revoke the one of the login before."""
    me, before = _me(credentials), None
    # One that is damaged, or that others can read, is replaced all the same.
    with suppress(VoxlakeError):
        before = find(credentials.gateway)
    keep(credentials)
    if before is not None:
        with suppress(VoxlakeError):
            _revoke(before)
    return me


def _device_login(gateway: str) -> tuple[DeviceLogin, str]:
    with _connected(gateway) as connection:
        how = connection.ask(IdentityDocument, "/v2/identity")
    if how.issuer is None or how.device_client_id is None:
        raise UnsupportedError(
            f"nobody signs in at {gateway} from a terminal; keep a token that you have for it: "
            f"voxlake login --token {gateway}"
        )
    return find_device_login(how.issuer, how.device_client_id), how.scope


def _make_token(gateway: str, access_token: str) -> NewTokenDocument:
    wanted = {
        "name": f"voxlake login on {platform.node()}"[:255],
        "ends_at": (datetime.now(UTC) + LASTS).isoformat(),
    }
    with _connected(gateway, access_token) as connection:
        return connection.ask(NewTokenDocument, "/v2/tokens", "POST", json=wanted)


def _me(credentials: Credentials) -> MeDocument:
    with _connected(credentials.gateway, credentials.secret) as connection:
        return connection.ask(MeDocument, "/v2/me")


def _revoke(credentials: Credentials) -> None:
    if credentials.token is None:
        return
    # It may be over, or revoked by somebody else.
    with (
        suppress(UnauthenticatedError, NotFoundError),
        _connected(credentials.gateway, credentials.secret) as connection,
    ):
        connection.ask(TokenDocument, f"/v2/tokens/{credentials.token}", "DELETE")


@contextmanager
def _connected(gateway: str, token: str | None = None) -> Iterator[Connection]:
    connection = Connection(gateway, token)
    try:
        yield connection
    finally:
        connection.close()
