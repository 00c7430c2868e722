"""Run the gateway for a command, and say where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from voxlake.cli.loading import loading
from voxlake.cli.options import Whole, read_settings
from voxlake.cli.shown.output import note

if TYPE_CHECKING:
    from voxlake.documents.service import ServingDocument
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.store import StoreURL


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen."""

    host: Annotated[str, Parameter(help="A loopback address: a local server has one owner.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        Whole,
        Parameter(help="0 for any that is free.", validator=validators.Number(gte=0, lte=65535)),
    ] = 8080


def serve_lake(
    lake: StoreURL,
    catalog: Catalog,
    listening: Listening,
    announce: Callable[[ServingDocument], None],
    target: str = "/v2/datasets",
) -> None:
    """Serve until Ctrl-C, which is how a server is asked to stop: no failure, and no error.

    `target` is the path that the login link leads to.
    """
    with loading():
        # The gateway takes as long to load as all else, and a demo may end without it.
        from voxlake.api.serve import Endpoint, run_gateway

    endpoint = Endpoint(listening.host, listening.port, target=target)
    try:
        run_gateway(read_settings(), lake, catalog, announce, endpoint)
    except KeyboardInterrupt:
        note("stopped")
