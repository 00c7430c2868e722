"""``voxlake merge``: bodies become one."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.opened.labels import open_labels
from voxlake.cli.options import Answering, InLake, Name, Whole
from voxlake.cli.shown.labels import shown_change
from voxlake.cli.shown.output import answer
from voxlake.documents.labels.merges import change_document
from voxlake.ngff.labels import merges
from voxlake.platform.processes import login_name


def merge(
    name: Name,
    bodies: Annotated[list[Whole], Parameter(name="ID ID...", help="Two bodies or more.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Merge bodies into the first of them; no voxel is rewritten."""
    document = change_document(merges.merge(open_labels(lake, name), bodies, login_name()))
    answer(document, shown_change(document), json=answering.json)
