"""``voxlake login``, ``whoami`` and ``logout``: who somebody is at a gateway, from a terminal."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from voxlake.cli.options import Answering, Flag
from voxlake.cli.shown.output import answer, facts, note
from voxlake.cli.shown.people import shown_me
from voxlake.client.http.signing_in import log_in, log_in_with, log_out, who_am_i
from voxlake.documents.service.gateway import LogoutDocument
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from voxlake.client.http.device_login import DeviceCode

type AtGateway = Annotated[str, Parameter(name="GATEWAY", help="Where it is.", env_var="GATEWAY")]
LOCAL = "http://127.0.0.1:8080"


def login(
    gateway: AtGateway = LOCAL,
    /,
    *,
    token: Annotated[
        Flag, Parameter(help="Keep a token that you have: it is asked for, or read from stdin.")
    ] = False,
    answering: Answering = Answering(),
) -> None:
    """Sign in at a gateway and keep a token for it, which Python sends there by itself."""
    me = log_in_with(gateway, _read_token()) if token else log_in(gateway, _tell)
    answer(me, shown_me(me), json=answering.json)


def whoami(gateway: AtGateway = LOCAL, /, *, answering: Answering = Answering()) -> None:
    """Tell who you are at a gateway, by the token that is kept for it."""
    me = who_am_i(gateway)
    answer(me, shown_me(me), json=answering.json)


def logout(gateway: AtGateway = LOCAL, /, *, answering: Answering = Answering()) -> None:
    """Forget the token that is kept for a gateway; one that a login made is revoked."""
    document = LogoutDocument(gateway=log_out(gateway))
    answer(document, [facts([("logged out of", document.gateway)])], json=answering.json)


def _tell(code: DeviceCode) -> None:
    note(f"open {code.verification_uri} and enter {code.user_code}")
    if code.verification_uri_complete is not None:
        note(f"or open {code.verification_uri_complete}")


def _read_token() -> str:
    secret = getpass("token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not secret.strip():
        raise InvalidInputError("no token was given; give it on stdin, or type it when asked")
    return secret.strip()
