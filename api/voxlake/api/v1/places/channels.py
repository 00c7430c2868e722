"""Channels, as bossDB calls datasets."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from voxlake.api.data.writing import downsampling
from voxlake.api.guards.askers import Asker
from voxlake.api.guards.datasets import Granted, MayDelete, MayRead, MayUpdate, NamePart, grant
from voxlake.api.guards.places import MayAddToExperiment, MayReadExperiment
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.places import channels as data
from voxlake.api.places import planned
from voxlake.api.v1.places.changes import check_named, refusing_held, sharing, taken_is_wrong
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb.asked import BossChannelChange, BossChannelQuestion
from voxlake.documents.bossdb.resources import (
    BossChannel,
    BossChannels,
    datatype_of,
)
from voxlake.platform.access import Read

router = boss_router("")

CHANNELS = "/collection/{collection}/experiment/{experiment}/channel"


@router.get(CHANNELS, summary="List channels")
async def list_channels(granted: MayReadExperiment) -> BossChannels:
    """Return the names of the channels of an experiment that the asker may read."""
    found = await data.list_channels(granted)
    return BossChannels(channels=tuple(each.record.name.dataset for each in found))


@router.get(f"{CHANNELS}/{{dataset}}", summary="Describe a channel")
async def get_channel(granted: MayRead) -> BossChannel:
    """Return what is known of a channel."""
    return await _channel(granted)


@router.post(f"{CHANNELS}/{{dataset}}", summary="Make a channel", status_code=201)
async def add_channel(
    request: Request,
    granted: MayAddToExperiment,
    dataset: NamePart,
    asked: Annotated[BossChannelQuestion, Depends(LaxBody(BossChannelQuestion))],
) -> BossChannel:
    """Make a channel in the extent of its frame, which the asker owns: all zeros, to be written to.

    Its levels and time points are those that its experiment says.
    """
    check_named(asked.name, dataset)
    with taken_is_wrong():
        await planned.add_channel(granted, dataset, asked)
    collection, experiment = granted.place.names
    return await _channel(await grant(request.scope, (collection, experiment, dataset), Read))


@router.put(f"{CHANNELS}/{{dataset}}", summary="Change a channel")
async def change_channel(
    request: Request,
    granted: MayUpdate,
    asked: Annotated[BossChannelChange, Depends(LaxBody(BossChannelChange))],
) -> BossChannel:
    """Change what is given of a channel; what is not stays, its sources too."""
    if asked.public is not None:
        asker = Asker(granted.access.principal, granted.gateway)
        await (await sharing(asker, *granted.record.name.parts))(public=asked.public)
    with taken_is_wrong():
        name = await planned.change_channel(granted, asked)
    return await _channel(await grant(request.scope, name.parts, Read))


@router.delete(
    f"{CHANNELS}/{{dataset}}", summary="Delete a channel", status_code=204, response_model=None
)
async def remove_channel(request: Request, granted: MayDelete) -> Response | None:
    """Delete a channel that no other was made from; its name is free at once."""
    return await refusing_held(request, planned.remove_channel(granted))


async def _channel(granted: Granted[Read]) -> BossChannel:
    channel, shown = await data.get_channel(granted), await planned.first_shown(granted)
    dataset, name = channel.dataset, granted.record.name
    return BossChannel(
        name=name.dataset,
        public=dataset.public,
        description=dataset.description,
        experiment=name.experiment,
        type="image" if dataset.kind == "image" else "annotation",
        datatype=datatype_of(dataset.kind, dataset.dtype),
        base_resolution=shown.level,
        default_time_sample=shown.time,
        downsample_status=await downsampling.progress(granted),
        sources=_siblings(dataset.name, channel.provenance.sources),
        related=_siblings(dataset.name, channel.provenance.related),
        creator=channel.creator,
    )


def _siblings(name: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of those of the same experiment: bossDB knows no others."""
    above = name.rpartition("/")[0]
    parts = [each.rpartition("/") for each in others]
    return tuple(last for first, _, last in parts if first == above)
