"""``voxlake reserve``: ids for new labels."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.opened.labels import open_labels
from voxlake.cli.options import Answering, InLake, Name, Whole
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.labels.labels import BlockDocument
from voxlake.ngff.labels.upkeep import reservation
from voxlake.platform.processes import login_name


def reserve(
    name: Name,
    count: Annotated[Whole, Parameter(name="N", help="How many.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Reserve ids in a row that no voxel has, and that nobody else is ever given."""
    labels = open_labels(lake, name)
    block = reservation.reserve(labels, count, login_name())
    document = BlockDocument(first=block.start, stop=block.stop)
    shown = facts((("first", str(block.start)), ("last", str(block.stop - 1))))
    answer(document, [shown], json=answering.json)
