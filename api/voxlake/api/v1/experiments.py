"""Experiments, as bossDB answers them: what is in their OME-Zarr is not said a second time."""

from __future__ import annotations

from typing import Literal

from voxlake.api.at_places import MayReadCollection, MayReadExperiment
from voxlake.api.places import channels as data
from voxlake.api.places import collections
from voxlake.api.v1.axes import by_axis
from voxlake.api.v1.frames import frame_name
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb import BossExperiment, BossExperiments
from voxlake.documents.dataset import DatasetDocument

router = boss_router("/collection/{collection}/experiment")


@router.get("", summary="List experiments")
async def list_experiments(granted: MayReadCollection) -> BossExperiments:
    """Return the names of the experiments of a collection that the asker may read."""
    names = await data.list_names(granted.asker, granted.place.names)
    return BossExperiments(experiments=names)


@router.get("/{experiment}", summary="Describe an experiment")
async def get_experiment(granted: MayReadExperiment) -> BossExperiment:
    """Return what is known of an experiment, and the channels that the asker may read."""
    place, channels = await collections.get(granted), await data.describe_channels(granted)
    collection, name = granted.place.names
    return BossExperiment(
        name=name,
        public=place.public,
        description=place.description,
        collection=collection,
        channels=tuple(each.name.rpartition("/")[2] for each in channels),
        coord_frame=place.frame or frame_name(granted.place.names),
        num_hierarchy_levels=max((len(each.levels) for each in channels), default=1),
        hierarchy_method=_method_of(channels),
        num_time_samples=max(map(_time_samples, channels), default=1),
        creator=place.created_by or data.NOBODY,
    )


def _method_of(channels: list[DatasetDocument]) -> Literal["anisotropic", "isotropic"]:
    """Return isotropic if the second level of each channel halves z as well."""
    for each in channels:
        names = [axis.name for axis in each.axes]
        z = names.index("z") if "z" in names else 0
        if len(each.levels) > 1 and each.levels[0].scale[z] == each.levels[1].scale[z]:
            return "anisotropic"
    return "isotropic" if channels else "anisotropic"


def _time_samples(channel: DatasetDocument) -> int:
    return by_axis(channel, channel.shape).get("t", 1)
