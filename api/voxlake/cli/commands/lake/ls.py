"""``voxlake ls``: the datasets of a lake."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.cli.shown.output import answer, note, table
from voxlake.documents.datasets.dataset import DatasetList, dataset_summary
from voxlake.platform.errors import InvalidNameError, NotFoundError
from voxlake.platform.names import check_name


def ls(
    below: Annotated[
        str | None,
        Parameter(
            name="COLLECTION", help="List only its datasets, or those of COLLECTION/EXPERIMENT."
        ),
    ] = None,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """List the datasets of a lake."""
    parts = [] if below is None else below.split("/")
    if len(parts) > 2:
        raise InvalidNameError(
            f"{below!r} is not COLLECTION or COLLECTION/EXPERIMENT; for one dataset use voxlake "
            "info"
        )
    names = list(map(check_name, parts, ("collection", "experiment")))
    with opened_catalog(lake) as catalog:
        records = catalog.list_datasets(*names)
    if below is not None and not records:
        raise NotFoundError(
            f"the lake {lake.url} has no datasets in {below}; list all that it has with: voxlake ls"
        )
    if not records:
        # A catalog that was lost is made anew, empty; so is that of a remote lake on each machine.
        note(
            f"the catalog of {lake.url} knows no datasets; those that lie on its store are taken "
            f"in with: voxlake init --lake {lake.url}"
        )
    document = DatasetList(datasets=tuple(map(dataset_summary, records)))
    rows = (
        (each.name, each.kind, each.state, each.public, each.created_at)
        for each in document.datasets
    )
    shown = table(("dataset", "kind", "state", "public", "created"), rows)
    answer(document, [shown], json=answering.json)
