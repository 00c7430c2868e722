"""``voxlake cleave``: a body becomes two."""

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


def cleave(
    name: Name,
    body: Annotated[Whole, Parameter(name="BODY", help="The body that they leave.")],
    supervoxels: Annotated[
        list[Whole],
        Parameter(name="ID...", help="Supervoxels to take out."),
    ],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    into: Annotated[
        Whole | None,
        Parameter(metavar="ID", help="The new body, an id that nothing has (reserve one)."),
    ] = None,
) -> None:
    """Take supervoxels out of a body, as a body of their own; no voxel is rewritten."""
    labels = open_labels(lake, name)
    document = change_document(merges.cleave(labels, body, supervoxels, into, login_name()))
    answer(document, shown_change(document), json=answering.json)
