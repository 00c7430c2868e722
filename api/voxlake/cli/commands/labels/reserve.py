"""``voxlake reserve``: ids for new labels."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from voxlake.cli.label_documents import open_labels
from voxlake.cli.mapping_documents import BlockDocument, who
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer, facts


@grouped
def reserve(
    name: Name,
    count: Annotated[int, Argument(metavar="N", help="How many.", show_default=False)],
    lake: InLake,
    answering: Answering,
) -> None:
    """Reserve ids in a row that no voxel has, and that nobody else is ever given."""
    from voxlake.ngff.labels.upkeep import reservation

    opened = open_labels(lake, name)
    block = reservation.reserve(opened.volume, opened.index_url, count, who())
    document = BlockDocument(name=name, first=block.start, stop=block.stop)
    shown = facts((("first", document.first), ("last", str(block.stop - 1))))
    answer(document, [shown], json=answering.json)
