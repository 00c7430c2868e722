"""Pages of collections and experiments: what lies in them, and how more is made there."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import (
    ON_A_PAGE,
    TAKEN,
    console_router,
    go_to,
    held_at,
    page,
    page_of,
)
from voxlake.api.guards.askers import AfterName
from voxlake.api.guards.places import (
    Anybody,
    MayAddToCollection,
    MayAddToExperiment,
    MayAddToLake,
    MayReadCollection,
    MayReadExperiment,
)
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.places import channels, collections, datasets, metadata
from voxlake.documents.datasets.dataset import dataset_summary
from voxlake.documents.forms import DatasetForm
from voxlake.documents.places.asked import CollectionQuestion

router = console_router("/collections")

EXPERIMENT = "/{collection}/experiments/{experiment}"
NewPlace = Annotated[CollectionQuestion, Depends(FormBody(CollectionQuestion))]


@router.get("", summary="Page of collections", response_class=HTMLResponse)
async def show_collections(request: Request, asker: Anybody, after: AfterName = "") -> HTMLResponse:
    """Show a page of the collections that the asker may read."""
    found = await collections.list_places(asker, (), ON_A_PAGE, after)
    return await page(
        request,
        "places/collections.html",
        places=found.places,
        next=found.next,
        may_add=await collections.may_add(asker),
    )


@router.post("", summary="Make a collection by a form", status_code=303, responses=TAKEN)
async def add_collection(
    request: Request, granted: MayAddToLake, asked: NewPlace
) -> RedirectResponse:
    """Make a collection, and go on to its page."""
    made = await collections.add(granted, asked.name, asked.description)
    return go_to(request, page_of(made.name))


@router.get("/{collection}", summary="Page of a collection", response_class=HTMLResponse)
async def show_collection(
    request: Request, granted: MayReadCollection, after: AfterName = ""
) -> HTMLResponse:
    """Show what is said of a collection, and its experiments."""
    found = await collections.list_places(granted.asker, granted.place.names, ON_A_PAGE, after)
    return await page(
        request,
        "places/collection.html",
        place=await collections.get(granted),
        values=await metadata.list_values(granted),
        may=held_at(granted),
        experiments=found.places,
        next=found.next,
    )


@router.post(
    "/{collection}/experiments",
    summary="Make an experiment by a form",
    status_code=303,
    responses=TAKEN,
)
async def add_experiment(
    request: Request, granted: MayAddToCollection, asked: NewPlace
) -> RedirectResponse:
    """Make an experiment, and go on to its page."""
    made = await collections.add(granted, asked.name, asked.description)
    return go_to(request, page_of(made.name))


@router.get(EXPERIMENT, summary="Page of an experiment", response_class=HTMLResponse)
async def show_experiment(request: Request, granted: MayReadExperiment) -> HTMLResponse:
    """Show what is said of an experiment, and its datasets."""
    found = [dataset_summary(each.record) for each in await channels.list_channels(granted)]
    return await page(
        request,
        "places/experiment.html",
        place=await collections.get(granted),
        values=await metadata.list_values(granted),
        may=held_at(granted),
        datasets=found,
        images=[each for each in found if each.kind == "image"],
    )


@router.post(
    f"{EXPERIMENT}/datasets",
    summary="Make an empty dataset by a form",
    status_code=303,
    responses=TAKEN,
)
async def add_dataset(
    request: Request,
    granted: MayAddToExperiment,
    asked: Annotated[DatasetForm, Depends(FormBody(DatasetForm))],
) -> RedirectResponse:
    """Make a dataset without voxels, and go on to its page."""
    made = await datasets.add(granted, asked.name, asked.question)
    return go_to(request, page_of(made.name))
