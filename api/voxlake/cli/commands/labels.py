"""``voxlake labels``: the labels of a dataset, or of a box of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from voxlake.cli.commands.downsample import parse_box
from voxlake.cli.label_documents import (
    SHOWN,
    LabelsDocument,
    OpenLabels,
    box_document,
    open_labels,
    shown_labels,
)
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.output import answer
from voxlake.cli.written_files import fill_with_arrow, write_file

if TYPE_CHECKING:
    import pyarrow as pa

    from voxlake.ngff.box import Box


@grouped
def labels(
    name: Name,
    lake: InLake,
    answering: Answering,
    box: Annotated[
        str | None,
        Option(
            "--box",
            metavar="Z0:Z1,Y0:Y1,X0:X1",
            help="Only labels that have voxels there, [Z0, Z1) and so on, and how many.",
        ),
    ] = None,
    top: Annotated[
        int | None,
        Option(
            "--top",
            metavar="N",
            min=1,
            help=f"The N of most voxels; people are shown {SHOWN}, files and JSON hold all.",
        ),
    ] = None,
    arrow: Annotated[
        str | None, Option("--arrow", metavar="FILE", help="Write them to an Arrow file too.")
    ] = None,
) -> None:
    """List the labels of a dataset with voxels, box and chunks; or those of a box, exactly."""
    from voxlake.ngff.label_index import in_force
    from voxlake.ngff.label_query import largest

    asked = None if box is None else parse_box(box)
    opened = open_labels(lake, name)
    as_of = in_force(opened.volume, opened.index_url).as_of if asked is None else None
    found = _found(opened, asked)
    listed = found if top is None else largest(found, top)
    written = None
    if arrow is not None:
        written = write_file("Arrow", arrow, fill_with_arrow(listed.to_reader()))
    shown = listed if answering.json or top is not None else largest(listed, SHOWN)
    document = LabelsDocument(
        name=name,
        box=None if asked is None else box_document(asked),
        as_of=as_of,
        count=len(found),
        labels=shown.to_pylist(),
        written=written,
    )
    answer(document, shown_labels(document), json=answering.json)


def _found(opened: OpenLabels, box: Box | None) -> pa.Table:
    from voxlake.ngff.label_index import labels_in_box
    from voxlake.ngff.label_query import counts_to_arrow, labels_table

    if box is None:
        return labels_table(opened.volume, opened.index_url)
    return counts_to_arrow(labels_in_box(opened.volume, opened.index_url, box, counts=True))
