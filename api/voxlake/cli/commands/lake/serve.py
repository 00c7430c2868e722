"""``voxlake serve``: the gateway of a lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.lake import existing_lake, opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.cli.serving import Listening, serve_lake
from voxlake.cli.shown.output import answer, facts, note

if TYPE_CHECKING:
    from voxlake.documents.service import ServingDocument


def serve(
    *,
    lake: InLake = InLake(),
    listening: Listening = Listening(),
    answering: Answering = Answering(),
) -> None:
    """Serve a lake on this machine and print a one-time login link; Ctrl-C stops it."""

    def announce(document: ServingDocument) -> None:
        shown = facts((("open", document.login_link), ("token", f"in {document.token_file}")))
        answer(document, [shown], json=answering.json)
        note("the link logs in once; Ctrl-C stops the server")

    with opened_catalog(lake) as catalog:
        serve_lake(existing_lake(lake), catalog, listening, announce)
