"""Slices as pictures, of any extent and as tiles, as bossDB draws them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Path, Query
from fastapi.responses import Response

from voxlake.api.data.framed import FrameBox, open_framed
from voxlake.api.formats import negotiate
from voxlake.api.formats.pictures import JPEG, NORMALS, PLANES, PNG, Drawing, drawn
from voxlake.api.guards.datasets import Granted, MayReadVoxels
from voxlake.api.http.answers.cutout_answer import check_size
from voxlake.api.http.answers.picture import PictureResponse
from voxlake.api.http.answers.problems import BINARY
from voxlake.api.places.channels import recent_frame_of
from voxlake.api.v1.routers import FORMS, boss_router
from voxlake.api.v1.voxels.boxes import Resolution, span
from voxlake.ngff.drawing.pixels import coloured, high_bytes
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.box import Box
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import InvalidInputError

router = boss_router("")

IMAGE = "/image/{collection}/{experiment}/{dataset}/{plane}/{resolution}/{x_args}/{y_args}/{z_args}"
TILE = (
    "/tile/{collection}/{experiment}/{dataset}/{plane}/{tile_size}/{resolution}"
    "/{x_idx}/{y_idx}/{z_idx}"
)
OFFERED = (PNG, JPEG)
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture: 8 bits of images, colours of annotations.",
        "content": {each.media_type: BINARY for each in OFFERED},
    },
    304: {"description": "The picture is the one that `If-None-Match` names."},
    **FORMS,
}

Accept = Annotated[str | None, Header()]
Plane = Annotated[Literal["xy", "xz", "yz"], Path(description="Columns run along its first axis.")]
Ends = Annotated[
    str,
    Path(
        pattern=r"^-?[0-9]{1,18}(:-?[0-9]{1,18})?$",
        description="`start:stop` along an axis of the plane, a number along the one across.",
        examples=["0:64"],
    ),
]
Place = Annotated[
    int,
    Path(
        ge=-(10**18),
        lt=10**18,
        description="A tile along an axis of the plane, a voxel along the one across.",
    ),
]
TileSize = Annotated[int, Path(ge=1, lt=10**6, description="Voxels along each edge.")]
Time = Annotated[int, Path(ge=0, lt=10**18, description="A time point.")]


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice in the coordinates of a frame."""

    box: FrameBox
    plane: str

    def at(self, time: int) -> Slice:
        """Return the slice at a time point."""
        return replace(self, box=replace(self.box, t=(time, time + 1)))


def check_access(
    access_mode: Annotated[
        Literal["cache", "no-cache", "raw"] | None,
        Query(alias="access-mode", description="bossDB's caches, of which there are none here."),
    ] = None,
    no_cache: Annotated[
        str | None, Query(alias="no-cache", description="The same, before.")
    ] = None,
) -> None:
    """Take what bossDB's clients say of its caches."""


def slice_of(
    plane: Plane, resolution: Resolution, x_args: Ends, y_args: Ends, z_args: Ends
) -> Slice:
    """Return the slice that an address of an image names, at the first time point.

    Raises
    ------
    InvalidInputError
        If there is no range along an axis of the plane, or one along the axis across it.
    """
    given = {"x": x_args, "y": y_args, "z": z_args}
    if [name for name, text in given.items() if ":" not in text] != [NORMALS[plane]]:
        raise InvalidInputError(
            f"{x_args}, {y_args} and {z_args} were given along x, y and z, and {plane} is asked "
            f"for; give one number along {NORMALS[plane]}, and START:STOP along the others"
        )
    given[NORMALS[plane]] += f":{int(given[NORMALS[plane]]) + 1}"
    return _slice(plane, resolution, {name: span(text) for name, text in given.items()})


def tile_of(
    plane: Plane,
    tile_size: TileSize,
    resolution: Resolution,
    x_idx: Place,
    y_idx: Place,
    z_idx: Place,
) -> Slice:
    """Return the slice that an address of a tile names; tiles are counted from 0 of the frame."""
    spans = {
        name: (place * size, (place + 1) * size)
        for name, place in {"x": x_idx, "y": y_idx, "z": z_idx}.items()
        for size in (tile_size if name in PLANES[plane] else 1,)
    }
    return _slice(plane, resolution, spans)


def _slice(plane: str, level: int, spans: dict[str, tuple[int, int]]) -> Slice:
    starts, stops = zip(*(spans[name] for name in SPATIAL), strict=True)
    return Slice(FrameBox(level, Box(starts, stops), None), plane)


OfImage = Annotated[Slice, Depends(slice_of)]
OfTile = Annotated[Slice, Depends(tile_of)]
"""They stand after the guard among the parameters of a route."""
ACCESS = [Depends(check_access)]


@router.get(
    IMAGE,
    summary="Draw a slice",
    response_class=Response,
    responses=PICTURE,
    dependencies=ACCESS,
)
async def get_image(granted: MayReadVoxels, shown: OfImage, accept: Accept = None) -> Response:
    """Return a picture of a slice of the frame, at the first time point."""
    return await _picture(granted, shown, accept)


@router.get(
    f"{IMAGE}/{{t_args}}",
    summary="Draw a slice of a time point",
    response_class=Response,
    responses=PICTURE,
    dependencies=ACCESS,
)
async def get_image_in_time(
    granted: MayReadVoxels, shown: OfImage, t_args: Time, accept: Accept = None
) -> Response:
    """Return a picture of a slice of the frame at a time point."""
    return await _picture(granted, shown.at(t_args), accept)


@router.get(
    TILE,
    summary="Draw a tile",
    response_class=Response,
    responses=PICTURE,
    dependencies=ACCESS,
)
async def get_tile(granted: MayReadVoxels, shown: OfTile, accept: Accept = None) -> Response:
    """Return a picture of a square of a slice, at the first time point."""
    return await _picture(granted, shown, accept)


@router.get(
    f"{TILE}/{{t_idx}}",
    summary="Draw a tile of a time point",
    response_class=Response,
    responses=PICTURE,
    dependencies=ACCESS,
)
async def get_tile_in_time(
    granted: MayReadVoxels, shown: OfTile, t_idx: Time, accept: Accept = None
) -> Response:
    """Return a picture of a square of a slice at a time point."""
    return await _picture(granted, shown.at(t_idx), accept)


async def _picture(
    granted: Granted[ReadVoxels], shown: Slice, accept: str | None
) -> PictureResponse:
    framed = await open_framed(granted, shown.box, await recent_frame_of(granted))
    formats = [each for each in drawn(_drawing(granted, shown.plane)) if each.name in _NAMES]
    reading = framed.reading(negotiate(None, accept, formats, framed.cutout))
    check_size(granted, reading)
    return PictureResponse(reading, granted.gateway.answers, public=granted.record.public)


_NAMES = frozenset(each.name for each in OFFERED)


def _drawing(granted: Granted[ReadVoxels], plane: str) -> Drawing:
    if granted.record.kind == "labels":
        return Drawing(coloured, plane, has_colours=True)
    return Drawing(high_bytes, plane)
