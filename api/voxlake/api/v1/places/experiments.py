"""Experiments, as bossDB answers them: what is in their OME-Zarr is not said a second time."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.responses import Response

from voxlake.api.guards.askers import GrantedPlace, grant_place
from voxlake.api.guards.datasets import NamePart
from voxlake.api.guards.places import (
    MayAddToCollection,
    MayDeleteExperiment,
    MayReadCollection,
    MayReadExperiment,
    MayUpdateExperiment,
)
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.places import channels as data
from voxlake.api.places import collections, planned
from voxlake.api.v1.places.changes import check_named, refusing_held, sharing, taken_is_wrong
from voxlake.api.v1.places.frames import frame_name
from voxlake.api.v1.routers import boss_router
from voxlake.api.v1.voxels.axes import by_axis
from voxlake.documents.bossdb.asked import BossExperimentChange, BossExperimentQuestion
from voxlake.documents.bossdb.resources import BossExperiment, BossExperiments
from voxlake.documents.datasets.dataset import DatasetDocument
from voxlake.platform.access import Read

router = boss_router("/collection/{collection}/experiment")


@router.get("", summary="List experiments")
async def list_experiments(granted: MayReadCollection) -> BossExperiments:
    """Return the names of the experiments of a collection that the asker may read."""
    names = await data.list_names(granted.asker, granted.place.names)
    return BossExperiments(experiments=names)


@router.get("/{experiment}", summary="Describe an experiment")
async def get_experiment(granted: MayReadExperiment) -> BossExperiment:
    """Return what is known of an experiment, and the channels that the asker may read."""
    return await _experiment(granted)


@router.post("/{experiment}", summary="Make an experiment", status_code=201)
async def add_experiment(
    granted: MayAddToCollection,
    experiment: NamePart,
    asked: Annotated[BossExperimentQuestion, Depends(LaxBody(BossExperimentQuestion))],
) -> BossExperiment:
    """Make an experiment in a frame, which the asker owns; its channels are made by its body."""
    check_named(asked.name, experiment)
    (collection,) = granted.place.names
    check_named(asked.collection, collection)
    with taken_is_wrong():
        await planned.add_experiment(granted, experiment, asked)
    if asked.public:
        await (await sharing(granted.asker, collection, experiment))(public=True)
    return await _experiment(await grant_place(granted.asker, f"{collection}/{experiment}", Read))


@router.put("/{experiment}", summary="Change an experiment")
async def change_experiment(
    granted: MayUpdateExperiment,
    asked: Annotated[BossExperimentChange, Depends(LaxBody(BossExperimentChange))],
) -> BossExperiment:
    """Change what is given of an experiment; channels that there are stay as they are."""
    if asked.public is not None:
        await (await sharing(granted.asker, *granted.place.names))(public=asked.public)
    await planned.change_plan(granted, asked)
    with taken_is_wrong():
        changed = await collections.change(granted, asked.name, asked.description)
    return await _experiment(await grant_place(granted.asker, changed.name, Read))


@router.delete(
    "/{experiment}", summary="Delete an experiment", status_code=204, response_model=None
)
async def remove_experiment(request: Request, granted: MayDeleteExperiment) -> Response | None:
    """Delete an experiment that holds no channel."""
    return await refusing_held(request, collections.remove(granted, recursive=False))


async def _experiment(granted: GrantedPlace[Read]) -> BossExperiment:
    place, channels = await collections.get(granted), await data.describe_channels(granted)
    plan, (collection, name) = await planned.plan_of(granted), granted.place.names
    levels, times = 1 if plan is None else plan.levels, 1 if plan is None else plan.times
    return BossExperiment(
        name=name,
        public=place.public,
        description=place.description,
        collection=collection,
        channels=tuple(each.name.rpartition("/")[2] for each in channels),
        coord_frame=place.frame or frame_name(granted.place.names),
        num_hierarchy_levels=max((len(each.levels) for each in channels), default=levels),
        hierarchy_method=_method_of(channels) or ("anisotropic" if plan is None else plan.method),
        num_time_samples=max(times, *map(_time_samples, channels)) if channels else times,
        time_step=None if plan is None else plan.time_step,
        time_step_unit="" if plan is None else plan.time_unit,
        creator=place.created_by or data.NOBODY,
    )


def _method_of(channels: list[DatasetDocument]) -> Literal["anisotropic", "isotropic"] | None:
    """Return isotropic if second levels halve z as well; None if there is none."""
    several = [each for each in channels if len(each.levels) > 1]
    for each in several:
        names = [axis.name for axis in each.axes]
        z = names.index("z") if "z" in names else 0
        if each.levels[0].scale[z] == each.levels[1].scale[z]:
            return "anisotropic"
    return "isotropic" if several else None


def _time_samples(channel: DatasetDocument) -> int:
    return by_axis(channel, channel.shape).get("t", 1)
