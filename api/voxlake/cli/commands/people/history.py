"""``voxlake history``: who changed what of people, rights and names."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Whole
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_history
from voxlake.documents.people.people import AuditList


def history(
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    limit: Annotated[
        Whole, Parameter(validator=validators.Number(gte=1), help="How many changes at most.")
    ] = 100,
    before: Annotated[
        Whole | None, Parameter(help="Only changes before the one of this number.")
    ] = None,
) -> None:
    """Tell who changed what of people, rights and names of datasets, the newest first."""
    with opened_catalog(lake) as catalog:
        entries = catalog.audit.list_entries(limit=limit + 1, before=before)
    following = entries[limit - 1].id if len(entries) > limit else None
    document = AuditList.model_validate({"changes": entries[:limit], "next": following})
    answer(document, shown_history(document), json=answering.json)
