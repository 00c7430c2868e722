"""``voxlake usage``: what was used of a lake, by whom, and how much may be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import App, Parameter

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_limits, shown_usage
from voxlake.documents.usage import LimitList, UsageDocument, limit_list, used_document
from voxlake.platform.catalog.usage import Metric, parse_amount

usage = App(name="usage", help="What was used of a lake, by whom; and limits of it.")


@usage.default
@usage.command(name="ls")
def ls(
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    month: Annotated[str | None, Parameter(help="2026-11; by default the present one.")] = None,
    user: Annotated[str | None, Parameter(help="Of one user alone.")] = None,
) -> None:
    """List requests and bytes of a month, of each dataset by each user."""
    month = month or f"{datetime.now(UTC):%Y-%m}"
    with opened_catalog(lake) as catalog:
        found = catalog.usage.of_datasets(month, user)
    document = UsageDocument(month=month, used=tuple(map(used_document, found)))
    answer(document, shown_usage(document), json=answering.json)


@usage.command
def limits(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List how much may be used in a month."""
    with opened_catalog(lake) as catalog:
        document = limit_list(catalog.usage.limits())
    _answer(document, answering)


@usage.command
def limit(
    subject: Annotated[
        str,
        Parameter(name="SUBJECT", help="user:NAME, api:NAME or system; user:* is everybody else."),
    ],
    metric: Annotated[
        Literal["egress", "ingress", "compute"], Parameter(name="METRIC", help="Bytes of what.")
    ],
    amount: Annotated[str, Parameter(name="AMOUNT", help="In a month: 10G, 2T; or none.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Limit what a user, a kind of request or everybody together may have in a month."""
    wanted = None if amount == "none" else parse_amount(amount)
    with opened_catalog(lake) as catalog:
        catalog.usage.set_limit(subject, Metric(metric), wanted)
        document = limit_list(catalog.usage.limits())
    _answer(document, answering)


def _answer(document: LimitList, answering: Answering) -> None:
    answer(document, shown_limits(document), json=answering.json)
