"""``voxlake label``: one label, and its voxels in files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from cyclopts import Parameter

from voxlake.cli.opened.labels import AsBodies, AtTime, open_labels
from voxlake.cli.options import Answering, Flag, InLake, Name, Whole
from voxlake.cli.shown.labels import shown_label
from voxlake.cli.shown.output import answer
from voxlake.cli.written_files import write_arrow, write_file
from voxlake.documents.labels.labels import (
    FileDocument,
    LabelDocument,
    cells_and_morton,
    label_document,
)
from voxlake.ngff.grid.ranges import parse_box
from voxlake.ngff.labels.queries.arrow import runs_to_arrow
from voxlake.ngff.labels.queries.dvid import encode_rles, encode_srles

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.view import View


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Files:
    """What to write of the voxels of a label, and where."""

    rles: Annotated[
        str | None,
        Parameter(metavar="FILE", help="Write its runs along x, as DVID's rles."),
    ] = None
    srles: Annotated[
        str | None,
        Parameter(metavar="FILE", help="The same without a header: DVID's srles."),
    ] = None
    blocks: Annotated[
        str | None,
        Parameter(metavar="FILE", help="Write the bits of its chunks: DVID's blocks."),
    ] = None
    arrow: Annotated[
        str | None,
        Parameter(metavar="FILE", help="Write its runs to an Arrow file: z, y, x, length."),
    ] = None
    mask: Annotated[
        str | None,
        Parameter(metavar="FILE", help="Write a mask of its box, or --box, as .npy."),
    ] = None
    box: Annotated[
        str | None,
        Parameter(metavar="Z0:Z1,Y0:Y1,X0:X1", help="Write only its voxels there into files."),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show of a label, and whether it is a body."""

    chunks: Annotated[
        Flag, Parameter(help="List the chunks that hold it, and their Morton numbers.")
    ] = False
    bodies: AsBodies = False
    time: AtTime = None


def label(
    name: Name,
    label: Annotated[Whole, Parameter(name="ID", help="The label, from 1 on.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    files: Files = Files(),
    wanted: Wanted = Wanted(),
) -> None:
    """Show one label: voxels, box, chunks, a voxel inside it; and write its voxels to files."""
    clip = None if files.box is None else parse_box(files.box)

    def describe(view: View) -> LabelDocument:
        extent = view.extent(label)
        chunks = cells_and_morton(view.chunks(label)) if wanted.chunks else {}
        written = tuple(_written(view, label, clip or extent.box, files))
        return label_document(view, extent, point=view.point(label), **chunks, written=written)

    labels = open_labels(lake, name, bodies=wanted.bodies).at_time(wanted.time)
    document = labels.ask(describe)
    answer(document, shown_label(document), json=answering.json)


def _written(view: View, label: int, box: Box, files: Files) -> Iterator[FileDocument]:
    if files.rles:
        parts = encode_rles(view.sparse_volume(label, box))
        yield write_file("rles", files.rles, lambda file: file.writelines(parts))
    if files.srles:
        bare = encode_srles(view.sparse_volume(label, box))
        yield write_file("srles", files.srles, lambda file: file.writelines(bare))
    if files.blocks:
        blocks = view.blocks(label, box)
        yield write_file("blocks", files.blocks, lambda file: file.writelines(blocks))
    if files.arrow:
        yield write_arrow(files.arrow, runs_to_arrow(view.sparse_volume(label, box)))
    if files.mask:
        mask = view.mask(label, box)
        yield write_file("mask", files.mask, lambda file: np.save(file, mask, allow_pickle=False))
