"""Run the gateway of a lake: for its owner, on this machine alone, or for people who sign in."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
import uvicorn

from voxlake.api.app import create_app
from voxlake.api.gateway import divide_memory
from voxlake.api.http.connection import Connection
from voxlake.api.identity.local import TOKEN_FILE, LocalIdentity, owner_token
from voxlake.api.server import Server
from voxlake.api.views.viewer_folder import viewer_folder
from voxlake.documents.service import ServingDocument
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.memory.freed import return_freed_memory
from voxlake.platform import store
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.link_keys import LinkKeys
from voxlake.platform.loopback import is_loopback
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL


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


def run_gateway(
    settings: Settings,
    lake: StoreURL,
    catalog: Catalog,
    announce: Callable[[ServingDocument], None],
    endpoint: Endpoint | None = None,
) -> None:
    """Serve `lake` until told to end. Prints nothing; calls `announce` once it is ready.

    Raises
    ------
    InvalidInputError
        If it would listen where it may not (`check_address`), or the port is taken.
    """
    endpoint = endpoint or Endpoint()
    check_address(endpoint.host, settings)
    with _listen(endpoint) as listener:
        port = int(listener.getsockname()[1])
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        url = settings.public_url or f"http://{host}:{port}"
        if settings.oidc_issuer is None:
            local = LocalIdentity(owner_token(endpoint.secrets), f"voxlake-session-{port}")
        else:
            local = None
            # It is where the issuer sends people back to, and what their cookies are made for.
            settings = settings.model_copy(update={"public_url": url})
        info = ServingDocument(
            url=url,
            issuer=settings.oidc_issuer,
            login_link=local and local.login_link(url, endpoint.target),
            token_file=local and str(endpoint.secrets / TOKEN_FILE),
            viewer_built=viewer_folder() is not None,
        )
        return_freed_memory()
        _, _, cache_bytes = divide_memory(settings.gateway_memory_bytes)
        CACHE.limit(cache_bytes)
        app = create_app(
            settings, lake, catalog, local, link_keys=LinkKeys.of(settings, endpoint.secrets)
        )
        store.prepare_runtime()
        config = uvicorn.Config(
            app,
            http=Connection,
            # Nothing here speaks WebSocket, whose library takes a while to load.
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # Which proxies are believed is a setting; uvicorn believes all of this machine.
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=settings.gateway_grace_s,
        )
        stopping, drain_s = app.state.gateway.stopping, settings.gateway_drain_s
        Server(config, lambda: announce(info), stopping, drain_s).run(sockets=[listener])


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


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "where another program listens"
    return f"which the system refuses ({error.strerror})"


def _listen(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    try:
        return socket.create_server((endpoint.host, endpoint.port), family=family, backlog=2048)
    except OSError as error:
        raise InvalidInputError(
            f"cannot listen on {endpoint.host}:{endpoint.port}, {_why(error)}; choose another with "
            "--port, or any that is free with --port 0"
        ) from error
