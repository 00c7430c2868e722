"""``voxlake labels``: the labels of a dataset, or of a box of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from typer import Option

from voxlake.cli.commands.jobs.downsample import parse_box
from voxlake.cli.label_documents import (
    SHOWN,
    AsBodies,
    LabelsDocument,
    OpenLabels,
    box_document,
    open_labels,
    shown_labels,
)
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer
from voxlake.cli.written_files import fill_with_arrow, write_file

if TYPE_CHECKING:
    import pyarrow as pa

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which labels to list."""

    box: Annotated[
        str | None,
        Option(
            "--box",
            metavar="Z0:Z1,Y0:Y1,X0:X1",
            help="Only labels that have voxels there, [Z0, Z1) and so on, and how many.",
        ),
    ] = None
    top: Annotated[
        int | None,
        Option(
            "--top",
            metavar="N",
            min=1,
            help=f"The N of most voxels; people are shown {SHOWN}, files and JSON hold all.",
        ),
    ] = None
    bodies: AsBodies = False


@grouped
def labels(
    name: Name,
    lake: InLake,
    answering: Answering,
    wanted: Wanted,
    arrow: Annotated[
        str | None, Option("--arrow", metavar="FILE", help="Write them to an Arrow file too.")
    ] = None,
) -> None:
    """List the labels of a dataset with voxels, box and chunks; or those of a box, exactly."""
    from voxlake.ngff.labels.queries.arrow import largest
    from voxlake.ngff.labels.view import in_force

    asked = None if wanted.box is None else parse_box(wanted.box)
    top = wanted.top
    opened = open_labels(lake, name)
    as_of = in_force(opened.volume, opened.index_url).as_of if asked is None else None
    mapping = opened.mapping(bodies=wanted.bodies)
    found = _found(opened, asked, mapping)
    listed = found if top is None else largest(found, top)
    written = None
    if arrow is not None:
        written = write_file("Arrow", arrow, fill_with_arrow(listed.to_reader()))
    shown = listed if answering.json or top is not None else largest(listed, SHOWN)
    document = LabelsDocument(
        name=name,
        box=None if asked is None else box_document(asked),
        as_of=as_of,
        mapping=None if mapping is None else mapping.number,
        count=len(found),
        labels=shown.to_pylist(),
        written=written,
    )
    answer(document, shown_labels(document), json=answering.json)


def _found(opened: OpenLabels, box: Box | None, mapping: Mapping | None) -> pa.Table:
    from voxlake.ngff.labels.mapping import remap, remap_box
    from voxlake.ngff.labels.queries.arrow import counts_to_arrow, labels_to_arrow
    from voxlake.ngff.labels.queries.extent import list_labels
    from voxlake.ngff.labels.queries.in_box import labels_in_box

    if box is None:
        table = list_labels(opened.volume, opened.index_url)
        return labels_to_arrow(table if mapping is None else remap(mapping, table))
    inside = labels_in_box(opened.volume, opened.index_url, box, counts=True)
    return counts_to_arrow(inside if mapping is None else remap_box(mapping, inside))
