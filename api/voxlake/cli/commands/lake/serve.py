"""``voxlake serve``: the gateway of a lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from voxlake.cli.interrupts import end_in_own_time
from voxlake.cli.loading import loading
from voxlake.cli.opened.lake import existing_lake, opened_catalog
from voxlake.cli.options import Answering, InLake, Whole, read_settings
from voxlake.cli.shown.output import answer, facts, note

if TYPE_CHECKING:
    from voxlake.documents.service.gateway import ServingDocument
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen."""

    host: Annotated[
        str,
        Parameter(
            help="A loopback address: a local server has one owner. Where people sign in at an "
            "issuer (VOXLAKE_OIDC_ISSUER), any, such as 0.0.0.0."
        ),
    ] = "127.0.0.1"
    port: Annotated[
        Whole,
        Parameter(help="0 for any that is free.", validator=validators.Number(gte=0, lte=65535)),
    ] = 8080


def serve(
    *,
    lake: InLake = InLake(),
    listening: Listening = Listening(),
    workers: Annotated[
        Whole,
        Parameter(
            help="Processes that answer at the address, each with its share of the memory; about "
            "as many as there are cores for them.",
            validator=validators.Number(gte=1, lte=256),
        ),
    ] = 1,
    answering: Answering = Answering(),
) -> None:
    """Serve a lake and print a one-time login link, or where people sign in; Ctrl-C stops it."""

    def announce(document: ServingDocument) -> None:
        if document.issuer is None:
            pairs = [("open", document.login_link), ("token", f"in {document.token_file}")]
            note_of_it = "the link logs in once; Ctrl-C stops the server"
        else:
            pairs = [("open", document.url), ("people sign in at", document.issuer)]
            note_of_it = "Ctrl-C stops the server"
        answer(document, [facts(pairs)], json=answering.json)
        note(note_of_it)

    with opened_catalog(lake) as catalog:
        if workers == 1:
            serve_lake(existing_lake(lake), catalog, listening, announce)
            return
    # Each opens the catalog for itself.
    serve_by_workers(existing_lake(lake), workers, listening, announce)


def serve_lake(
    lake: StoreURL,
    catalog: Catalog,
    listening: Listening,
    announce: Callable[[ServingDocument], None],
    target: str = "/",
) -> None:
    """Serve until Ctrl-C, which is how a server is asked to stop: no failure, and no error.

    `target` is the path that the login link leads to.
    """
    with loading():
        # The gateway takes as long to load as all else, and a demo may end without it.
        from voxlake.api.endpoint import Endpoint
        from voxlake.api.serve import run_gateway

    settings = read_settings()
    endpoint = Endpoint(listening.host, listening.port, target=target)
    with _until_stopped(settings):
        run_gateway(settings, lake, catalog, announce, endpoint)


def serve_by_workers(
    lake: StoreURL,
    workers: int,
    listening: Listening,
    announce: Callable[[ServingDocument], None],
) -> None:
    """Serve by several processes until Ctrl-C; this one loads no gateway."""
    from voxlake.api.endpoint import Endpoint
    from voxlake.api.workers.supervisor import run_workers

    settings = read_settings()
    endpoint = Endpoint(listening.host, listening.port)
    with _until_stopped(settings):
        run_workers(settings, lake, workers, announce, endpoint)


@contextmanager
def _until_stopped(settings: Settings) -> Iterator[None]:
    from voxlake.platform.telemetry.logs import written_logs

    end_in_own_time()
    with written_logs(settings):
        try:
            yield
        except KeyboardInterrupt:
            note("stopped")
