"""Where a gateway listens."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from voxlake.api.workers.worker import Worker
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.loopback import is_loopback
from voxlake.platform.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen, and where the owner's token is kept."""

    host: str = "127.0.0.1"
    """An address of this machine alone, unless people sign in at an issuer: see `check_address`."""
    port: int = 8080
    """0 for any that is free."""
    secrets: Path = field(default_factory=lambda: platformdirs.user_state_path("voxlake"))
    """Folder of the file with the owner's token."""
    target: str = "/"
    """The path that the login link goes on to."""
    worker: Worker | None = None
    """Which of several processes this is that listen there; None: the only one."""


def check_address(host: str, settings: Settings) -> None:
    """Raise InvalidInputError if a gateway must not listen at an address.

    A local server has one owner and no encryption, and is for this machine alone. Where people
    sign in at an issuer, what they send is encrypted up to a reverse proxy.

    Examples
    --------
    >>> check_address("127.0.0.1", Settings())
    """
    if settings.oidc_issuer is None:
        if not is_loopback(host):
            raise InvalidInputError(
                f"a local server cannot listen on {host!r}, where others could reach it; use "
                "127.0.0.1, or let people sign in: set VOXLAKE_OIDC_ISSUER"
            )
        return
    public = urlsplit(settings.public_url or f"http://{host}")
    if public.scheme != "https" and not (is_loopback(host) and is_loopback(public.hostname or "")):
        raise InvalidInputError(
            f"people would sign in at {public.netloc} without encryption, and others could read "
            "what they send; set VOXLAKE_PUBLIC_URL to the https:// address of a reverse proxy"
        )
