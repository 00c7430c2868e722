"""``voxlake upload``: a local source becomes a dataset of a gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from cyclopts import Parameter

from voxlake.cli.ingest_options import KIND_HELP, SourceLocation
from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, Name


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class AsUploaded:
    """What the source becomes, and where."""

    gateway: Annotated[
        str, Parameter(name="--gateway", metavar="URL", env_var="GATEWAY", help="Where it is.")
    ]
    kind: Annotated[Literal["image", "labels"], Parameter(help=KIND_HELP)] = field(kw_only=True)
    voxel_size: Annotated[
        str | None,
        Parameter(metavar="Z,Y,XUNIT", help="Such as 40,4,4nm; by default that of the source."),
    ] = None
    of: Annotated[
        str | None, Parameter(metavar="IMAGE", help="The image that labels belong to.")
    ] = None
    levels: Annotated[
        str, Parameter(metavar="auto|N", help="Levels of the pyramid, the finest included.")
    ] = "auto"
    factors: Annotated[
        list[str] | None,
        Parameter(metavar="Z,Y,X", help="Factors from each level to the next, not --levels."),
    ] = None
    axes: Annotated[
        str | None, Parameter(metavar="LETTERS", help="A letter for each axis of the source.")
    ] = None


def upload(
    source: SourceLocation,
    name: Name,
    /,
    *,
    target: AsUploaded,
    answering: Answering = Answering(),
) -> None:
    """Upload a local source to a gateway: shards are coded here, and sent whole.

    Any number of machines may run it at the same time; given again, it goes on with what is left.
    Then a worker of the lake makes levels and label index, which is waited for.
    """
    with loading():
        from voxlake.cli.running.upload import upload_source

    upload_source(source, name, target, answering)
