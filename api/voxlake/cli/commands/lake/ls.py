"""``voxlake ls``: the datasets of a lake."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from typer import Argument

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, grouped
from voxlake.cli.shown.output import Document, answer, table
from voxlake.platform.catalog import DatasetRecord
from voxlake.platform.errors import InvalidNameError
from voxlake.platform.names import check_name


class Listed(Document):
    """A dataset in the list."""

    name: str
    kind: str
    of: str | None
    state: str
    public: bool
    created_at: datetime


class Listing(Document):
    """The datasets of a lake, by name."""

    lake: str
    datasets: tuple[Listed, ...]


@grouped
def ls(
    lake: InLake,
    answering: Answering,
    below: Annotated[
        str | None,
        Argument(metavar="[COLLECTION[/EXPERIMENT]]", help="List only these.", show_default=False),
    ] = None,
) -> None:
    """List the datasets of a lake."""
    collection, experiment = _below(below)
    with opened_catalog(lake) as catalog:
        found = tuple(map(_listed, catalog.list_datasets(collection, experiment)))
    rows = ((each.name, each.kind, each.state, each.public, each.created_at) for each in found)
    shown = table(("dataset", "kind", "state", "public", "created"), rows)
    answer(Listing(lake=str(lake.url), datasets=found), [shown], json=answering.json)


def _below(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    parts = text.split("/")
    if len(parts) > 2:
        raise InvalidNameError(
            f"{text!r} is not COLLECTION or COLLECTION/EXPERIMENT; for one dataset use voxlake info"
        )
    collection, experiment = [*parts, None][:2]
    assert collection is not None
    return (
        check_name(collection, "collection"),
        None if experiment is None else check_name(experiment, "experiment"),
    )


def _listed(record: DatasetRecord) -> Listed:
    return Listed(
        name=str(record.name),
        kind=record.kind,
        of=record.of,
        state=record.state,
        public=record.public,
        created_at=record.created_at,
    )
