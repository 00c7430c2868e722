"""``voxlake usage``: what was used of a lake, by whom, and how much may be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from voxlake.cli.opened.lake import existing_lake, opened_catalog
from voxlake.cli.options import Answering, InLake, Place, Whole
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_classes, shown_limits, shown_stored, shown_usage
from voxlake.documents.people.usage import (
    ClassAdviceDocument,
    ClassAdviceList,
    LimitList,
    UsageDocument,
    limit_list,
    stored_list,
    used_document,
)
from voxlake.platform.catalog.usage import Metric, parse_amount
from voxlake.platform.names import names_of

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
        document = limit_list(catalog.usage.told_limits())
    _answer(document, answering)


@usage.command
def limit(
    subject: Annotated[
        str,
        Parameter(
            name="SUBJECT",
            help="user:NAME, api:NAME, place:COLLECTION/EXPERIMENT/DATASET or a part of that, or "
            "system; user:* is everybody else.",
        ),
    ],
    metric: Annotated[
        Literal["egress", "ingress", "compute", "stored"],
        Parameter(name="METRIC", help="Bytes of what."),
    ],
    amount: Annotated[
        str, Parameter(name="AMOUNT", help="In a month, or stored at any time: 10G, 2T; or none.")
    ],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Limit what somebody, a kind of request or a place may have in a month, or may store."""
    wanted = None if amount == "none" else parse_amount(amount)
    with opened_catalog(lake) as catalog:
        catalog.usage.set_limit(subject, Metric(metric), wanted)
        document = limit_list(catalog.usage.told_limits())
    _answer(document, answering)


@usage.command
def measure(
    place: Place = "/", /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Measure what is stored of datasets by listing it, for limits of what may be stored."""
    from voxlake.ngff.lake import lies_elsewhere, place_of
    from voxlake.ngff.storage.size import stored_size

    wanted = tuple(names_of(place))
    with opened_catalog(lake) as catalog:
        for record in catalog.list_datasets():
            if record.name.parts[: len(wanted)] == wanted and not lies_elsewhere(record):
                size = stored_size(existing_lake(lake), place_of(record))
                catalog.stored.put(record.node, size.objects, size.bytes)
        document = stored_list(catalog.stored.sizes())
    answer(document, shown_stored(document), json=answering.json)


@usage.command
def stored(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List what is stored of datasets, as it was measured last."""
    with opened_catalog(lake) as catalog:
        document = stored_list(catalog.stored.sizes())
    answer(document, shown_stored(document), json=answering.json)


@usage.command
def advise(
    *,
    months: Annotated[
        Whole, Parameter(help="By the usage of so many months.", validator=Number(gte=1, lte=36))
    ] = 3,
    prices: Annotated[
        Path | None, Parameter(help="A price table, as `voxlake plan --show-prices` prints it.")
    ] = None,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Tell for which datasets another class of storage would cost less, by how they are read.

    Measure what is stored first: voxlake usage measure. What is read past the gateway is not known.
    """
    from voxlake.compute.forecast.classes import advise as advise_on
    from voxlake.compute.forecast.costs import read_prices

    table, where, _ = read_prices(prices)
    looked = last_months(datetime.now(UTC), months)
    with opened_catalog(lake) as catalog:
        used = [catalog.usage.of_datasets(month) for month in looked]
        found = advise_on(table, catalog.stored.sizes(), used)
    document = ClassAdviceList(
        currency=table.currency,
        prices=where,
        months=looked,
        saved=sum(one.present - one.cheapest for one in found),
        advice=tuple(map(ClassAdviceDocument.model_validate, found)),
    )
    answer(document, shown_classes(document), json=answering.json)


def last_months(moment: datetime, count: int) -> tuple[str, ...]:
    """Return months, the present one last.

    Examples
    --------
    >>> last_months(datetime(2026, 2, 28, tzinfo=UTC), 3)
    ('2025-12', '2026-01', '2026-02')
    """
    present = 12 * moment.year + moment.month - 1
    return tuple(f"{n // 12}-{n % 12 + 1:02}" for n in range(present - count + 1, present + 1))


def _answer(document: LimitList, answering: Answering) -> None:
    answer(document, shown_limits(document), json=answering.json)
