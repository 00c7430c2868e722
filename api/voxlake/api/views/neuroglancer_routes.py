"""Views of a dataset in Neuroglancer."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse

from voxlake.api.data import datasets as data
from voxlake.api.data.labels import graphs
from voxlake.api.data.labels import labels as label_data
from voxlake.api.data.labels import objects as object_data
from voxlake.api.data.labels.supervoxels import check_graph
from voxlake.api.gateway import gateway_of
from voxlake.api.guards.datasets import Granted, MayReadSome, list_granted, public, relatives
from voxlake.api.http.layers.link_paths import TOKEN as LINK_TOKEN
from voxlake.api.http.layers.public_address import outer_path
from voxlake.api.v2.datasets.datasets import zarr_url
from voxlake.api.views.neuroglancer import (
    MOST_MERGED,
    Layer,
    Selected,
    fits_beside,
    viewer_link,
    viewer_state,
)
from voxlake.documents.viewer.neuroglancer import NeuroglancerDocument
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import UnsupportedError

router = APIRouter(tags=["viewer"])

Proofread = Annotated[
    bool, Query(description="Show labels as graphs, which the viewer's tools merge and split.")
]

Chosen = Annotated[
    int | None,
    Query(alias="label", ge=1, lt=1 << 64, description="A label to see first, of labels alone."),
]

Whole = Annotated[
    bool,
    Query(alias="beside", description="List all other datasets of its experiment, hidden."),
]

MOST_BESIDE = 50
"""Datasets of an experiment that are listed beside one."""
MOST_LOCATION = 6000
"""Longest address in a header: proxies take 8 KB of headers. The viewer fetches a longer state."""


@router.get(
    "/v2/datasets/{collection}/{experiment}/{dataset}/neuroglancer",
    summary="Make a Neuroglancer link and state",
)
async def get_neuroglancer(
    request: Request,
    granted: MayReadSome,
    *,
    proofread: Proofread = False,
    chosen: Chosen = None,
    whole: Whole = False,
) -> NeuroglancerDocument:
    """Return a view of an image with all its labels, or of labels with their image."""
    state = await get_state(request, granted, proofread=proofread, chosen=chosen, whole=whole)
    return NeuroglancerDocument(
        link=viewer_link(f"{request.base_url}neuroglancer/", state), state=state
    )


@router.get(
    "/v2/datasets/{collection}/{experiment}/{dataset}/neuroglancer/state",
    summary="Make a Neuroglancer state",
)
async def get_state(
    request: Request,
    granted: MayReadSome,
    *,
    proofread: Proofread = False,
    chosen: Chosen = None,
    whole: Whole = False,
) -> dict[str, Any]:
    """Return the state alone, as the viewer reads it by its address: with the merges as of now."""
    shown = await _shown_with(granted)
    layers = [await _layer(request, each, proofread=proofread) for each in shown]
    selected = None
    if chosen is not None:
        own = next(each for each in layers if each.name == granted.record.name.dataset)
        selected = await _selected(granted, own, chosen)
    beside = await _beside(request, granted, shown, layers[0]) if whole else []
    titles = [await _title_of_link(request), _unfinished(shown)]
    return viewer_state(layers, ", ".join(filter(None, titles)), selected, beside)


@router.get(
    "/view/{collection}/{experiment}/{dataset}",
    summary="Open the viewer",
    status_code=302,
    response_class=RedirectResponse,
)
async def view(
    request: Request,
    granted: MayReadSome,
    *,
    proofread: Proofread = False,
    chosen: Chosen = None,
    whole: Whole = False,
) -> RedirectResponse:
    """Redirect to the viewer, with an image and its labels loaded."""
    link = (
        await get_neuroglancer(request, granted, proofread=proofread, chosen=chosen, whole=whole)
    ).link
    if len(link) > MOST_LOCATION:
        base = str(request.base_url)
        query = urlencode(
            ({"proofread": "true"} if proofread else {})
            | ({"label": str(chosen)} if chosen is not None else {})
            | ({"beside": "true"} if whole else {})
        )
        address = f"{base}v2/datasets/{granted.record.name}/neuroglancer/state"
        address += f"?{query}" if query else ""
        link = f"{base}neuroglancer/#!{address}"
    return RedirectResponse(link, 302, {"Cache-Control": "no-store"})


@router.get("/neuroglancer", include_in_schema=False, dependencies=[Depends(public)])
async def open_viewer(request: Request) -> RedirectResponse:
    """Redirect to the address of the viewer, whose files lie below it."""
    return RedirectResponse(outer_path(request.scope, "/neuroglancer/"), 307)


async def _shown_with(granted: Granted[ReadVoxels]) -> list[Granted[ReadVoxels]]:
    """Return what is shown together: an image with all its labels, or labels with their image."""
    family = await relatives(granted)
    if granted.record.of is None:
        return family
    wanted = {granted.record.of, granted.record.name.dataset}
    return [each for each in family if each.record.name.dataset in wanted]


async def _beside(
    request: Request, granted: Granted[ReadVoxels], shown: list[Granted[ReadVoxels]], first: Layer
) -> list[Layer]:
    """Return the other datasets of the experiment that fit beside the first."""
    name, access = granted.record.name, granted.access
    near = await list_granted(
        granted.gateway, access.principal, access.right, (name.collection, name.experiment)
    )
    names = {each.record.name for each in shown}
    others = [each for each in near if each.record.name not in names][:MOST_BESIDE]
    layers = [await _layer(request, each, proofread=False) for each in others]
    return [layer for layer in layers if fits_beside(layer.multiscale, first.multiscale)]


async def _title_of_link(request: Request) -> str:
    """Return the title of the link that the viewer is opened by; empty if it has none."""
    token = request.scope.get(LINK_TOKEN)
    if token is None:
        return ""
    return await gateway_of(request.scope).identity.links.title_of(token)


def _unfinished(shown: list[Granted[ReadVoxels]]) -> str:
    """Return words that name what is not whole; empty if all is."""
    unfinished = [each for each in shown if each.record.state.value != "ready"]
    names = ", ".join(each.record.name.dataset for each in unfinished)
    return f"{names} (unfinished)" if names else ""


async def _selected(granted: Granted[ReadVoxels], layer: Layer, label: int) -> Selected:
    """Return where a label is; raise NotFoundError if no voxel has it."""
    granted.check_whole()
    voxel, found = await label_data.ask(
        granted, lambda view: (view.point(label), view.find([label]))
    )
    box = found.extent(0).box
    middle = np.array([[(lo + hi) // 2 for lo, hi in zip(box.start, box.stop, strict=True)]])
    if (await label_data.labels_at(granted, middle))[0] == [label]:
        voxel = middle[0].tolist()
    segment = picked = label
    if layer.graph is not None:
        picked, segment = await graphs.ids_of(granted, label)
    return Selected(layer, voxel, box.shape, segment, picked)


async def _layer(request: Request, granted: Granted[ReadVoxels], *, proofread: bool) -> Layer:
    dataset = await data.open_dataset(granted)
    labels, portion = granted.record.kind == "labels", granted.portion
    # What is told of all voxels is not told to those who may read some.
    telling = labels and portion is None
    graph = await _graph(request, granted) if telling and proofread else None
    named = telling and graph is None and await object_data.has_objects(granted)
    objects = f"{request.base_url}v2/datasets/{granted.record.name}/objects"
    finest = portion.finest if portion else 0
    volume = await data.open_level(granted, dataset, finest)
    multiscale = replace(dataset.multiscale, levels=dataset.multiscale.levels[finest:])
    channels = multiscale.channels_in(volume.shape)
    is_windowed = bool(channels) and all(channel.window for channel in channels)
    unread = labels or is_windowed or portion is not None
    return Layer(
        name=granted.record.name.dataset,
        url=zarr_url(request, granted),
        multiscale=multiscale,
        shape=volume.shape,
        labels=labels,
        dtype=volume.dtype.name,
        zarr_format=volume.zarr_format,
        value_range=None if unread else await data.value_range(granted),
        properties=f"{objects}/segment-properties" if named else None,
        bodies=await label_data.list_merged_bodies(granted, MOST_MERGED)
        if telling and graph is None
        else (),
        graph=graph,
    )


async def _graph(request: Request, granted: Granted[ReadVoxels]) -> str | None:
    """Return the address of the graph of labels; None if they cannot be one."""
    try:
        await check_graph(granted)
    except UnsupportedError:
        return None
    return f"{request.base_url}segmentation/table/{'.'.join(granted.record.name.parts)}"
