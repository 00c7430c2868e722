"""``voxlake labels``: the labels of a dataset, or of a box of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from voxlake.cli.opened.labels import AsBodies, AtTime, open_labels
from voxlake.cli.options import Answering, Flag, InLake, Name, Whole
from voxlake.cli.shown.labels import shown_ids, shown_in_box, shown_labels
from voxlake.cli.shown.output import answer
from voxlake.cli.written_files import write_arrow
from voxlake.documents.labels.labels import (
    FileDocument,
    LabelListDocument,
    LabelsInBoxDocument,
    StateDocument,
    in_box_document,
    list_document,
)
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.ranges import parse_box
from voxlake.ngff.labels.queries.arrow import counts_to_arrow, labels_to_arrow

if TYPE_CHECKING:
    import pyarrow as pa

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.view import View

SHOWN = 50
"""Labels that people are shown if they do not say how many."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Wanted:
    """Which labels to list."""

    box: Annotated[
        str | None,
        Parameter(
            metavar="Z0:Z1,Y0:Y1,X0:X1",
            help="Only labels that have voxels there, [Z0, Z1) and so on, and how many.",
        ),
    ] = None
    top: Annotated[
        Whole | None,
        Parameter(
            metavar="N",
            help=f"The N of most voxels; people are shown {SHOWN}, files and JSON hold all.",
            validator=validators.Number(gte=1),
        ),
    ] = None
    bodies: AsBodies = False
    time: AtTime = None
    ids: Annotated[Flag, Parameter(help="Show the ids alone, one a line, for other commands.")] = (
        False
    )


def labels(
    name: Name,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    wanted: Wanted = Wanted(),
    arrow: Annotated[
        str | None, Parameter(metavar="FILE", help="Write them to an Arrow file too.")
    ] = None,
) -> None:
    """List the labels of a dataset with voxels, box and chunks; or those of a box, exactly."""
    opened = open_labels(lake, name, bodies=wanted.bodies).at_time(wanted.time)
    most = wanted.top or (None if answering.json or wanted.ids else SHOWN)
    if wanted.box is not None:
        inside = in_box(opened, parse_box(wanted.box), wanted.top, most, arrow)
        shown = shown_ids(inside) if wanted.ids else shown_in_box(inside)
        answer(inside, shown, json=answering.json)
        return
    listed = opened.ask(lambda view: of_all(view, wanted.top, most, arrow))
    shown = shown_ids(listed) if wanted.ids else shown_labels(listed)
    answer(listed, shown, json=answering.json)


def of_all(view: View, top: int | None, most: int | None, file: str | None) -> LabelListDocument:
    """List all labels, or the `top` largest, of which `most` are shown; write them to a file."""
    every = view.all()
    table = every if top is None else every.largest(top)
    written = _written(file, labels_to_arrow(table))
    shown = table if most is None else table.largest(most)
    state = StateDocument.of(view)
    return list_document(state, shown, count=len(every), written=written)


def in_box(
    labels: Labels, box: Box, top: int | None, most: int | None, file: str | None
) -> LabelsInBoxDocument:
    """List the labels of a box, as `of_all`."""
    inside = labels.in_box(box, counts=True)
    table = inside if top is None else inside.largest(top)
    written = _written(file, counts_to_arrow(table))
    return in_box_document(
        box,
        SPATIAL,
        table if most is None else table.largest(most),
        mapping=labels.mapping_number,
        count=len(inside.labels),
        written=written,
    )


def _written(file: str | None, table: pa.Table) -> FileDocument | None:
    return None if file is None else write_arrow(file, table.to_reader())
