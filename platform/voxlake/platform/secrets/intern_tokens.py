"""By which token a server of bossDB is asked: that which intern would ask it by.

No address has one, so that none is recorded, shown or sent to another server than its own.
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PUBLIC = "public"
"""The token of those who have none (bossDB: ``bosscore``, user ``public-access``)."""

PUBLIC_SERVER = "https://api.bossdb.io"
"""That of bossdb.org, which intern asks unless it is told of another."""

_FILE = "~/.intern/intern.cfg"
_VARIABLES = ("host", "protocol", "token")


def token_for(server: str) -> str:
    """Return the token for a server; that of everybody if there is none.

    It is that of a section of ``~/.intern/intern.cfg`` with the host and protocol of the server,
    or else ``INTERN_TOKEN``, if these are ``INTERN_HOST`` and ``INTERN_PROTOCOL``.

    Raises
    ------
    SourceError
        If the file is there and cannot be read.
    """
    for said in _said():
        if _server(said).lower() == server and said.get("token"):
            return said["token"]
    return PUBLIC


def configured_server() -> str:
    """Return the server that intern asks where none is named.

    Raises
    ------
    SourceError
        If the file is there and cannot be read.
    """
    return next((_server(said) for said in _said() if said.get("host")), PUBLIC_SERVER)


def _server(said: Mapping[str, str]) -> str:
    return f"{said.get('protocol') or 'https'}://{said.get('host', '')}".rstrip("/")


def _said() -> Iterator[Mapping[str, str]]:
    file = Path(_FILE).expanduser()
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(file, encoding="utf-8")
    except (OSError, ValueError, configparser.Error) as error:
        # What it says is not repeated: it is a line of the file, which may be that of the token.
        raise SourceError(
            f"{file} cannot be read ({type(error).__name__}); mend or remove it"
        ) from None
    for section in parser.sections():
        yield dict(parser[section])
    given = {name: os.environ.get(f"INTERN_{name.upper()}", "") for name in _VARIABLES}
    yield {name: value for name, value in given.items() if value}
