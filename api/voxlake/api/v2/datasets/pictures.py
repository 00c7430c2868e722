"""Pictures of slices: of any box that is one voxel thick, and as tiles of one size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import Response
from pydantic import Field

from voxlake.api.data import datasets as data
from voxlake.api.data import portions
from voxlake.api.data.contrast import ends_to_draw
from voxlake.api.data.voxels import voxels_of
from voxlake.api.formats import Cutout, negotiate
from voxlake.api.formats.pictures import (
    JPEG,
    NORMALS,
    PLANES,
    PNG,
    WEBP,
    Drawing,
    drawn,
    is_slice,
    plane_of,
)
from voxlake.api.formats.window import parse_window
from voxlake.api.guards.datasets import Granted, MayReadSome
from voxlake.api.http.answers.cutout import CutoutReading
from voxlake.api.http.answers.cutout_answer import check_size
from voxlake.api.http.answers.label_answers import mapping_header
from voxlake.api.http.answers.picture import PictureResponse
from voxlake.api.http.answers.problems import BINARY, documented
from voxlake.api.http.requests.query import LabelsQuery, VoxelsQuery, parse_box
from voxlake.ngff.drawing.pixels import coloured, grey
from voxlake.ngff.grid.box import Box
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError, UnsupportedError

router = APIRouter(prefix="/v2/datasets/{collection}/{experiment}/{dataset}", tags=["voxels"])

TILE = 512
"""Pixels along each edge of a tile, if nothing else is asked for."""
AUTO = "auto"


class DrawnQuery(LabelsQuery):
    """How a picture is drawn and sent."""

    window: str = Field(
        AUTO,
        description="Images: values that are black and white, `low:high`, or `auto`: those that "
        "the metadata say, else the range of values of the image.",
        examples=["0:4095"],
    )
    format: str | None = Field(None, description="`png`, `jpeg` or `webp`; wins over `Accept`.")


class ImageQuery(DrawnQuery, VoxelsQuery):
    """The slice of a picture, and how it is drawn."""


class TileQuery(DrawnQuery):
    """Of what a tile is, and how it is drawn."""

    t: int = Field(0, ge=0, lt=10**15, description="Time point.")
    c: int = Field(0, ge=0, lt=10**15, description="Channel.")
    size: int = Field(TILE, ge=16, le=4096, description="Pixels along each edge.")


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile is asked for."""

    plane: Annotated[
        Literal["xy", "xz", "yz"], Path(description="Columns run along its first axis.")
    ]
    level: Annotated[int, Path(ge=0, description="0 is the finest.")]
    slice: Annotated[
        int, Path(ge=0, lt=10**15, description="Voxel along the axis across the plane.")
    ]
    column: Annotated[int, Path(ge=0, lt=10**12, description="Counted in tiles, from 0.")]
    row: Annotated[int, Path(ge=0, lt=10**12, description="Counted in tiles, from 0.")]


@dataclass(frozen=True, slots=True)
class _Slice:
    """What is drawn, and how large."""

    level: int
    box: Box
    plane: str | None = None
    size: int = 0


Accept = Annotated[str | None, Header()]
PICTURES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture.",
        "content": {each.media_type: BINARY for each in (PNG, JPEG, WEBP)},
    },
    304: {"description": "The picture is the one that `If-None-Match` names."},
    **documented(406, "No format satisfies `format` or `Accept`."),
    **documented(413, "The picture is larger than the server allows."),
}


@router.get("/image", summary="Draw a slice", response_class=Response, responses=PICTURES)
async def get_image(
    granted: MayReadSome, asked: Annotated[ImageQuery, Query()], accept: Accept = None
) -> Response:
    """Return a picture of a box that is one voxel thick, along z, y or x.

    A time point or channel that is left out is the first. Rows run along the slower axis of the
    slice. Voxels become 8 bits: `floor(255 * (v - low) / (high - low) + 1/2)`, from 0 to 255, with
    the window that `X-Voxlake-Window` tells. Labels are drawn in Neuroglancer's colours, 0 is
    transparent; as PNG or WebP.
    """
    dataset = await data.open_dataset(granted)
    volume = await data.open_level(granted, dataset, asked.level)
    axes = dataset.multiscale.axis_names
    first = {name: "0" for name in ("t", "c") if name in axes}
    box = parse_box(first | asked.by_axis(), axes, volume.shape)
    return await _picture(granted, _Slice(asked.level, box), asked, accept)


@router.get(
    "/tiles/{plane}/{level}/{slice}/{column}/{row}",
    summary="Draw a tile of a slice",
    response_class=Response,
    responses=PICTURES,
)
async def get_tile(
    granted: MayReadSome,
    tile: Annotated[Tile, Depends()],
    asked: Annotated[TileQuery, Query()],
    accept: Accept = None,
) -> Response:
    """Return a square picture of a slice, drawn as those of `/image` are.

    Tiles at the edge of the dataset are filled up: black, of labels transparent.
    """
    dataset = await data.open_dataset(granted)
    volume = await data.open_level(granted, dataset, tile.level)
    axes = dataset.multiscale.axis_names
    extents = dict(zip(axes, volume.shape, strict=True))
    if not {"z", "y", "x"} <= extents.keys():
        raise _no_planes(granted, axes)
    given = {"t": str(asked.t), "c": str(asked.c)}
    ranges = {name: text for name, text in given.items() if name in axes}
    ranges[NORMALS[tile.plane]] = str(tile.slice)
    for name, number in zip(PLANES[tile.plane], (tile.row, tile.column), strict=True):
        ranges[name] = _span(name, number, asked.size, extents[name])
    box = parse_box(ranges, axes, volume.shape)
    return await _picture(granted, _Slice(tile.level, box, tile.plane, asked.size), asked, accept)


def _span(name: str, number: int, size: int, extent: int) -> str:
    if number * size >= extent:
        raise OutOfBoundsError(
            f"tile {number} along {name} was asked for; there are {-(-extent // size)} of {size} "
            "at this level"
        )
    return f"{number * size}:{min((number + 1) * size, extent)}"


def _no_planes(granted: Granted[ReadVoxels], axes: tuple[str, ...]) -> UnsupportedError:
    return UnsupportedError(
        f"{granted.record.name} has the axes {', '.join(axes)}, and pictures are of z, y and x; "
        "ask for a cutout"
    )


async def _picture(
    granted: Granted[ReadVoxels], shown: _Slice, asked: DrawnQuery, accept: str | None
) -> PictureResponse:
    dataset = await data.open_dataset(granted)
    volume = await data.open_level(granted, dataset, shown.level)
    await portions.check_box(granted, dataset, shown.level, shown.box)
    voxels = await voxels_of(granted, volume, bodies=asked.bodies, labels=asked.labels)
    cutout = data.cutout_of(granted, dataset, shown.level, shown.box, voxels.dtype)
    _check_slice(granted, cutout)
    headers = mapping_header(voxels.mapping)
    plane = shown.plane or plane_of(cutout)
    if granted.record.kind == "labels":
        _check_labels(granted, cutout, asked)
        drawing = Drawing(coloured, plane, has_colours=True, size=shown.size)
    else:
        if asked.window == AUTO:
            ends = await ends_to_draw(
                granted, dataset, volume, cutout.along("c", shown.box.start, 0)
            )
        else:
            ends = parse_window(asked.window)
        headers["X-Voxlake-Window"] = ":".join(f"{end:.17g}" for end in ends)
        drawing = Drawing(partial(grey, ends=ends), plane, size=shown.size)
    reading = CutoutReading(
        cutout,
        negotiate(asked.format, accept, drawn(drawing), cutout),
        voxels.read,
        more_headers=headers,
        copies=voxels.copies,
        decoding_bytes=volume.decoding_bytes(shown.box),
        chunk=volume.chunk,
    )
    check_size(granted, reading)
    return PictureResponse(reading, granted.gateway.answers, public=granted.record.public)


def _check_slice(granted: Granted[ReadVoxels], cutout: Cutout) -> None:
    if not cutout.is_usual:
        raise _no_planes(granted, cutout.names)
    if not is_slice(cutout):
        extents = zip(cutout.names, cutout.shape, strict=True)
        raise InvalidInputError(
            f"a picture was asked for of {', '.join(f'{name} {n}' for name, n in extents)} voxels; "
            "give one number for z, y or x, and one for t and c"
        )


def _check_labels(granted: Granted[ReadVoxels], cutout: Cutout, asked: DrawnQuery) -> None:
    if asked.window != AUTO:
        raise InvalidInputError(
            f"a window was given and {granted.record.name} is labels, which are drawn in colours; "
            "leave it out"
        )
    if cutout.dtype.kind not in "iu":
        raise UnsupportedError(
            f"{granted.record.name} has {cutout.dtype} voxels, and labels that are drawn are "
            "integers; ask for a cutout"
        )
