"""``voxlake cleave``: a body becomes two."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from voxlake.cli.label_documents import open_labels
from voxlake.cli.mapping_documents import change_document, shown_change, who
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer


@grouped
def cleave(
    name: Name,
    body: Annotated[int, Argument(metavar="BODY", show_default=False)],
    supervoxels: Annotated[
        list[int],
        Argument(metavar="ID...", help="Supervoxels to take out of it.", show_default=False),
    ],
    lake: InLake,
    answering: Answering,
    into: Annotated[
        int | None,
        Option("--into", metavar="ID", help="The new body, an id that nothing has (reserve one)."),
    ] = None,
) -> None:
    """Take supervoxels out of a body, as a body of their own; no voxel is rewritten."""
    from voxlake.ngff.labels import mapping as label_mapping

    opened = open_labels(lake, name)
    entry = label_mapping.cleave(opened.index_url, body, supervoxels, into, who())
    document = change_document(name, entry)
    answer(document, shown_change(document), json=answering.json)
