"""Coordinate frames, as bossDB answers them.

bossDB has a frame for every experiment. One that names none lies in a frame of its own, which has
the extent of its channels; its name has a dot, which no name of the catalog has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.responses import Response

from voxlake.api.guards.askers import Asker, SignedIn, grant_place
from voxlake.api.guards.places import Anybody, MayAddToLake
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.places import channels, collections
from voxlake.api.places import frames as data
from voxlake.api.v1.places.changes import check_named, refusing_held, taken_is_wrong
from voxlake.api.v1.routers import boss_router
from voxlake.api.v1.voxels.axes import by_axis
from voxlake.documents.bossdb.asked import BossFrameChange, BossFrameQuestion
from voxlake.documents.bossdb.resources import BossFrame, BossFrames, BossUnit
from voxlake.documents.datasets.dataset import DatasetDocument
from voxlake.documents.places.asked import FrameChange, FrameQuestion
from voxlake.documents.places.places import FrameDocument
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.units import METRES, converted, exact
from voxlake.platform.access import Read
from voxlake.platform.errors import NotFoundError

router = boss_router("/coord")

_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,254}"
FrameName = Annotated[str, Path(pattern=rf"^{_NAME}(\.{_NAME})?$")]
_UNITS: dict[str, BossUnit] = {
    "nanometer": "nanometers",
    "micrometer": "micrometers",
    "millimeter": "millimeters",
    "centimeter": "centimeters",
}


@router.get("", summary="List frames")
async def list_frames(asker: Anybody) -> BossFrames:
    """Return the names of all frames of the catalog."""
    frames = (await data.list_frames(asker)).frames
    return BossFrames(coords=tuple(each.name for each in frames))


@router.get("/{frame}", summary="Describe a frame")
async def get_frame(asker: Anybody, frame: FrameName) -> BossFrame:
    """Return a frame, of the catalog or of an experiment that the asker may read."""
    if "." in frame:
        return await _own_frame(asker, frame)
    found = await data.get_frame(asker, frame)
    return boss_frame(found)


@router.post("/{frame}", summary="Make a frame", status_code=201)
async def add_frame(
    granted: MayAddToLake,
    frame: FrameName,
    asked: Annotated[BossFrameQuestion, Depends(LaxBody(BossFrameQuestion))],
) -> BossFrame:
    """Make a coordinate frame; the asker, and administrators, may change it."""
    check_named(asked.name, frame)
    units = {boss: unit for unit, boss in _UNITS.items()}
    ends = {
        what: tuple(getattr(asked, f"{axis}_{what}") for axis in SPATIAL)
        for what in ("start", "stop", "voxel_size")
    }
    said = {"name": frame, "description": asked.description, "unit": units[asked.voxel_unit]}
    with taken_is_wrong():
        made = await data.add_frame(granted, FrameQuestion.model_validate(said | ends))
    return boss_frame(made)


@router.put("/{frame}", summary="Change a frame")
async def change_frame(
    asker: SignedIn,
    frame: FrameName,
    asked: Annotated[BossFrameChange, Depends(LaxBody(BossFrameChange))],
) -> BossFrame:
    """Give a frame another name or description; where it lies stays."""
    said = FrameChange(name=asked.name, description=asked.description)
    with taken_is_wrong():
        return boss_frame(await data.change_frame(asker, frame, said))


@router.delete("/{frame}", summary="Delete a frame", status_code=204, response_model=None)
async def remove_frame(request: Request, asker: SignedIn, frame: FrameName) -> Response | None:
    """Delete a frame in which no experiment lies."""
    return await refusing_held(request, data.remove_frame(asker, frame))


def frame_name(experiment: Sequence[str]) -> str:
    """Return the name of the frame of an experiment that names none."""
    return ".".join(experiment)


def boss_frame(frame: FrameDocument) -> BossFrame:
    """Return a frame in bossDB's order of axes."""
    ends = {
        f"{name}_{end}": value
        for end, values in (
            ("start", frame.start),
            ("stop", frame.stop),
            ("voxel_size", frame.voxel_size),
        )
        for name, value in zip(SPATIAL, values, strict=True)
    }
    said = {"name": frame.name, "description": frame.description, "voxel_unit": _UNITS[frame.unit]}
    return BossFrame.model_validate(said | ends)


async def _own_frame(asker: Asker, name: str) -> BossFrame:
    granted = await grant_place(asker, name.replace(".", "/"), Read)
    place, datasets = await collections.get(granted), await channels.describe_channels(granted)
    if place.frame is not None or not datasets:
        raise NotFoundError(f"there is no frame {name}; see the frame that the experiment names")
    stop = [max(each) for each in zip(*map(_extent, datasets), strict=True)]
    frame = {"name": name, "start": (0, 0, 0), "stop": stop, "voxel_size": _size(datasets[0])}
    return boss_frame(FrameDocument.model_validate(frame | {"unit": "nanometer"}))


def _extent(dataset: DatasetDocument) -> tuple[int, ...]:
    sizes = by_axis(dataset, dataset.shape)
    return tuple(sizes.get(name, 1) for name in SPATIAL)


def _size(dataset: DatasetDocument) -> tuple[float, ...]:
    """Return the size of a voxel z, y, x in nanometers; as it is if nobody said in what."""
    size = dataset.voxel_size
    if size.unit not in METRES:
        return size.zyx
    return tuple(float(converted(exact(n), size.unit, "nanometer")) for n in size.zyx)
