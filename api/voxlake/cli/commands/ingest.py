"""``voxlake ingest``: a source becomes a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from typer import Argument, Option

from voxlake.cli.lake import opened_workspace
from voxlake.cli.options import Answering, InLake, Name, Running, grouped, parse_name
from voxlake.cli.work import run_or_queue
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import check_name


@dataclass(frozen=True, slots=True)
class AsDataset:
    """What the source becomes."""

    kind: Annotated[
        Literal["image", "labels"], Option("--kind", help="Intensities, or ids of objects.")
    ]
    voxel_size: Annotated[
        str | None,
        Option(
            "--voxel-size",
            metavar="Z,Y,XUNIT",
            help="Such as 40,4,4nm; by default that of the source or of the image.",
        ),
    ] = None
    of: Annotated[
        str | None,
        Option("--of", metavar="IMAGE", help="The image of the experiment that labels belong to."),
    ] = None
    levels: Annotated[
        str,
        Option("--levels", metavar="auto|N", help="Levels of the pyramid, the finest included."),
    ] = "auto"
    index: Annotated[bool, Option("--index", help="Build the label index of labels too.")] = False
    public: Annotated[bool, Option("--public", help="Let everybody read it.")] = False


@grouped
def ingest(
    source: Annotated[
        str,
        Argument(
            metavar="SOURCE",
            help="A folder or glob of slices, a TIFF, HDF5 (FILE.h5::/dataset), .npy, NIfTI or "
            "zarr, or phantom:SIZE.",
            show_default=False,
        ),
    ],
    name: Name,
    target: AsDataset,
    lake: InLake,
    cluster: Running,
    answering: Answering,
) -> int:
    """Write a new dataset from a source: sharded OME-Zarr, with its pyramid.

    Everything that can be checked is checked before a voxel is written. A lake in a local folder
    is made if it is not there; one on S3 is made by `voxlake init`.
    """
    from voxlake.compute.jobs import IngestRequest, start_ingest
    from voxlake.compute.sources import absolute_location, open_source
    from voxlake.ngff.axes import VoxelSize
    from voxlake.ngff.lake import Place
    from voxlake.ngff.layout import Kind

    of = check_name(target.of, "image") if target.of is not None else None
    request = IngestRequest(
        source=absolute_location(source),
        place=Place(parse_name(name), Kind(target.kind), of),
        voxel_size=VoxelSize.parse(target.voxel_size) if target.voxel_size else None,
        levels=_levels(target.levels),
        index=target.index,
        public=target.public,
    )
    open_source(request.source)  # So that a mistyped source makes no lake.
    with opened_workspace(lake, cluster, make=True) as workspace:
        return run_or_queue(workspace, start_ingest(workspace, request), cluster, answering)


def _levels(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInputError(f"levels {text!r} is neither 'auto' nor a number") from error
