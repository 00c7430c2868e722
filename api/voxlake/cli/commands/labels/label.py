"""``voxlake label``: one label, and its voxels in files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from voxlake.cli.commands.jobs.downsample import parse_box
from voxlake.cli.label_documents import (
    AsBodies,
    OneLabelDocument,
    OpenLabels,
    WrittenDocument,
    box_document,
    open_labels,
    shown_label,
)
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer
from voxlake.cli.written_files import fill_with_array, fill_with_arrow, fill_with_bytes, write_file

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Box


@dataclass(frozen=True, slots=True)
class Files:
    """What to write of the voxels of a label, and where."""

    rles: Annotated[
        str | None,
        Option("--rles", metavar="FILE", help="Write its runs along x, as DVID's rles."),
    ] = None
    srles: Annotated[
        str | None,
        Option("--srles", metavar="FILE", help="The same without a header: DVID's srles."),
    ] = None
    blocks: Annotated[
        str | None,
        Option("--blocks", metavar="FILE", help="Write the bits of its chunks: DVID's blocks."),
    ] = None
    arrow: Annotated[
        str | None,
        Option("--arrow", metavar="FILE", help="Write its runs to an Arrow file: z, y, x, length."),
    ] = None
    mask: Annotated[
        str | None,
        Option("--mask", metavar="FILE", help="Write a mask of its box, or --box, as .npy."),
    ] = None
    box: Annotated[
        str | None,
        Option(
            "--box", metavar="Z0:Z1,Y0:Y1,X0:X1", help="Write only its voxels there into files."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Told:
    """What to tell of a label, and whether it is a body."""

    chunks: Annotated[
        bool, Option("--chunks", help="List the chunks that hold it, and their Morton numbers.")
    ] = False
    bodies: AsBodies = False


@dataclass(frozen=True, slots=True)
class _Asked:
    labels: OpenLabels
    label: int
    members: list[int]
    """What voxels have of it: itself, or the supervoxels of the body."""
    box: Box
    """What files are clipped to."""


@grouped
def label(
    name: Name,
    label: Annotated[int, Argument(metavar="ID", help="The label, from 1 on.", show_default=False)],
    lake: InLake,
    answering: Answering,
    files: Files,
    told: Told,
) -> None:
    """Show one label: voxels, box, chunks, a voxel inside it; and write its voxels to files."""
    from voxlake.ngff.labels.mapping import check_body
    from voxlake.ngff.labels.queries.morton import morton_ranges
    from voxlake.ngff.labels.queries.points import point_of
    from voxlake.ngff.labels.queries.where import chunks_of, extent_of
    from voxlake.ngff.labels.view import in_force

    clip = None if files.box is None else parse_box(files.box)
    opened = open_labels(lake, name)
    mapping = opened.mapping(bodies=told.bodies)
    members = [label] if mapping is None else check_body(mapping, label).tolist()
    place = (opened.volume, opened.index_url, members)
    view = in_force(opened.volume, opened.index_url)
    extent = extent_of(view, members, label)
    asked = _Asked(opened, label, members, clip or extent.box)
    cells = chunks_of(*place, view=view) if told.chunks else None
    document = OneLabelDocument(
        name=name,
        label=str(label),
        as_of=view.as_of,
        mapping=None if mapping is None else mapping.number,
        voxels=extent.voxels,
        box=box_document(extent.box),
        chunks=extent.chunks,
        shards=extent.shards,
        point=point_of(*place),
        cells=None if cells is None else cells.tolist(),
        morton=None if cells is None else morton_ranges(cells).tolist(),
        written=tuple(_written(asked, files)),
    )
    answer(document, shown_label(document), json=answering.json)


def _written(asked: _Asked, files: Files) -> Iterator[WrittenDocument]:
    from voxlake.ngff.labels.queries.arrow import runs_to_arrow
    from voxlake.ngff.labels.queries.dvid import encode_blocks, encode_rles, encode_srles
    from voxlake.ngff.labels.queries.masks import mask_of
    from voxlake.ngff.labels.queries.sparse_volume import sparse_volume

    volume, index_url = asked.labels.volume, asked.labels.index_url
    place = (volume, index_url, asked.members, asked.box)
    if files.rles:
        parts = encode_rles(sparse_volume(*place))
        yield write_file("rles", files.rles, fill_with_bytes(parts))
    if files.srles:
        parts = encode_srles(sparse_volume(*place))
        yield write_file("srles", files.srles, fill_with_bytes(parts))
    if files.blocks:
        blocks = encode_blocks(*place, name=asked.label)
        yield write_file("blocks", files.blocks, fill_with_bytes(blocks))
    if files.arrow:
        runs = runs_to_arrow(sparse_volume(*place))
        yield write_file("Arrow", files.arrow, fill_with_arrow(runs))
    if files.mask:
        mask = mask_of(*place)
        yield write_file("mask", files.mask, fill_with_array(mask))
