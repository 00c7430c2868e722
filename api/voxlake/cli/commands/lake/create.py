"""``voxlake create``: a dataset without voxels, to be written to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from voxlake.cli.ingest_options import KIND_HELP, image_of, parse_factors, parse_levels
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, Flag, InLake, Name
from voxlake.cli.shown.dataset import shown_summary
from voxlake.cli.shown.output import answer
from voxlake.documents.datasets.dataset import dataset_summary
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent
from voxlake.ngff.making.empty import EmptyDataset, make_empty
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Shape:
    """What it is like."""

    dtype: Annotated[
        str | None,
        Parameter(
            metavar="TYPE", help="Of its voxels, such as uint8; by default uint64 of labels."
        ),
    ] = None
    shape: Annotated[
        str | None,
        Parameter(metavar="Z,Y,X", help="Voxels along each axis, those before z first."),
    ] = None
    axes: Annotated[str, Parameter(help="A letter for each axis: zyx, tzyx, czyx or tczyx.")] = (
        "zyx"
    )
    voxel_size: Annotated[str | None, Parameter(metavar="Z,Y,XUNIT", help="Such as 40,4,4nm.")] = (
        None
    )
    of: Annotated[
        str | None,
        Parameter(metavar="IMAGE", help="The image that labels cover: they are as large as it is."),
    ] = None
    levels: Annotated[
        str, Parameter(metavar="auto|N", help="Levels of the pyramid, the finest included.")
    ] = "auto"
    factors: Annotated[
        list[str] | None,
        Parameter(metavar="Z,Y,X", help="Factors from each level to the next, not --levels."),
    ] = None
    description: Annotated[str, Parameter(help="What it is, for people.")] = ""
    owner: Annotated[
        str | None, Parameter(metavar="USER", help="Whose it is to be; by default administrators'.")
    ] = None
    public: Annotated[Flag, Parameter(help="Let everybody read it.")] = False


def create(
    name: Name,
    /,
    *,
    kind: Annotated[Literal["image", "labels"], Parameter(help=KIND_HELP)],
    what: Shape = Shape(),
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Make an empty dataset: it is ready, all zeros, and can be written to.

    Whatever its size, its metadata alone are stored. Labels have an index that is current.
    """
    dataset, shape = DatasetName.parse(name), _shape(what.shape)
    new = EmptyDataset(
        name=dataset,
        kind=Kind(kind),
        dtype=what.dtype or "",
        extent=_extent(what, shape),
        levels=parse_levels(what.levels),
        steps=tuple(map(parse_factors, what.factors)) if what.factors else None,
        of=None if what.of is None else image_of(dataset, what.of),
        covers=None if what.of is None else shape,
        public=what.public,
        description=what.description,
    )
    with opened_catalog(lake) as catalog:
        document = dataset_summary(make_empty(lake.url, catalog, new, what.owner))
    answer(document, shown_summary(document), json=answering.json)


def _extent(what: Shape, shape: tuple[int, ...] | None) -> Extent | None:
    if what.voxel_size is None:
        return None
    if shape is None:
        raise InvalidInputError("--voxel-size was given and no --shape; give both, or leave it out")
    return Extent(shape, tuple(what.axes), VoxelSize.parse(what.voxel_size))


def _shape(text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(map(int, text.split(",")))
    except ValueError as error:
        raise InvalidInputError(
            f"shape {text!r} is not whole numbers; write z,y,x such as 100,400,400"
        ) from error
