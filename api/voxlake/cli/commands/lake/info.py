"""``voxlake info``: everything about one dataset."""

from __future__ import annotations

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Name, grouped, parse_name
from voxlake.cli.shown.output import answer


@grouped
def info(name: Name, lake: InLake, answering: Answering) -> None:
    """Show a dataset: where it is stored, its levels, how they are cut and coded."""
    from voxlake.cli.describe import describe, shown_dataset

    dataset = parse_name(name)
    with opened_catalog(lake) as catalog:
        record = catalog.get_dataset(dataset)
    document = describe(lake.url, record)
    answer(document, shown_dataset(document), json=answering.json)
