"""``voxlake merge``: bodies become one."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from voxlake.cli.label_documents import open_labels
from voxlake.cli.mapping_documents import change_document, shown_change, who
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer


@grouped
def merge(
    name: Name,
    bodies: Annotated[
        list[int], Argument(metavar="ID ID...", help="Two bodies or more.", show_default=False)
    ],
    lake: InLake,
    answering: Answering,
) -> None:
    """Merge bodies into the first of them; no voxel is rewritten."""
    from voxlake.ngff.labels import mapping as label_mapping

    opened = open_labels(lake, name)
    document = change_document(name, label_mapping.merge(opened.index_url, bodies, who()))
    answer(document, shown_change(document), json=answering.json)
