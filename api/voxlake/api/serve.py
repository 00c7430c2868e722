"""Run the gateway of a lake: for its owner, on this machine alone, or for people who sign in."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from voxlake.api.app import create_app
from voxlake.api.endpoint import Endpoint, check_address
from voxlake.api.gateway import divide_memory
from voxlake.api.http.connection import Connection
from voxlake.api.identity.local import TOKEN_FILE, LocalIdentity, owner_token
from voxlake.api.server import Server
from voxlake.api.views.viewer_folder import viewer_folder
from voxlake.api.workers.listeners import listen
from voxlake.documents.service.gateway import ServingDocument
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.memory.disk import DISK
from voxlake.ngff.memory.freed import return_freed_memory
from voxlake.platform import store
from voxlake.platform.catalog import Catalog
from voxlake.platform.secrets.link_keys import LinkKeys
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
from voxlake.platform.store.process import prepare_process
from voxlake.platform.telemetry.traces import traced


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
    prepare_process()  # who is asked for the keys of the issuer has to be believed as the store is
    endpoint = endpoint or Endpoint()
    check_address(endpoint.host, settings)
    with _listener(endpoint) as listener:
        port = int(listener.getsockname()[1])
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        url = settings.public_url or f"http://{host}:{port}"
        local = _local(endpoint, port) if settings.oidc_issuer is None else None
        if local is None:
            # It is where the issuer sends people back to, and what their cookies are made for.
            settings = settings.model_copy(update={"public_url": url})
        info = ServingDocument(
            url=url,
            issuer=settings.oidc_issuer,
            login_link=_login_link(local, url, endpoint),
            token_file=local and str(endpoint.secrets / TOKEN_FILE),
            viewer_built=viewer_folder() is not None,
        )
        answers_bytes, _, cache_bytes = divide_memory(settings.gateway_memory_bytes)
        return_freed_memory(answers_bytes)
        CACHE.limit(cache_bytes)
        if settings.cache_dir is not None:
            DISK.open(settings.cache_dir, settings.cache_bytes)
        app = create_app(
            settings, lake, catalog, local, link_keys=LinkKeys.of(settings, endpoint.secrets)
        )
        gateway = app.state.gateway
        if endpoint.worker is not None:
            gateway.metrics.tell_others(endpoint.worker)
        store.prepare_runtime()
        server = Server(
            _config(app, settings),
            lambda: announce(info),
            gateway.stopping,
            settings.gateway_drain_s,
        )
        with traced(settings, "voxlake-gateway"):
            server.run(sockets=[listener])
        gateway.usage.write()


def _listener(endpoint: Endpoint) -> socket.socket:
    if endpoint.worker is None:
        return listen(endpoint.host, endpoint.port)
    return socket.socket(fileno=endpoint.worker.listener)


def _local(endpoint: Endpoint, port: int) -> LocalIdentity:
    """Return who knows the owner of a server that is theirs alone."""
    token, cookie = owner_token(endpoint.secrets), f"voxlake-session-{port}"
    if endpoint.worker is None:
        return LocalIdentity(token, cookie)
    return LocalIdentity.of_workers(token, cookie, endpoint.worker.folder)


def _login_link(local: LocalIdentity | None, url: str, endpoint: Endpoint) -> str | None:
    """Return the link that is announced: of several workers, that of the first."""
    is_first = endpoint.worker is None or endpoint.worker.number == 0
    return local.login_link(url, endpoint.target) if local is not None and is_first else None


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
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
