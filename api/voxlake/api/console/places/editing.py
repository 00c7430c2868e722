"""Pages on which places are changed: what they are called, what is said of them; and deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import (
    SENT,
    check_typed,
    console_router,
    go_to,
    held_at,
    page,
    page_of,
)
from voxlake.api.guards.askers import GrantedPlace
from voxlake.api.guards.datasets import MayDelete, MayUpdate
from voxlake.api.guards.places import (
    MayDeleteCollection,
    MayDeleteExperiment,
    MayUpdateCollection,
    MayUpdateExperiment,
    MayUpdatePlace,
    OnChannel,
)
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.places import collections, datasets, metadata
from voxlake.documents.forms import ChangeForm, DeletionForm, KeyForm, ValueForm
from voxlake.platform.access import Update

router = console_router()

COLLECTION = "/collections/{collection}"
EXPERIMENT = f"{COLLECTION}/experiments/{{experiment}}"
DATASET = "/datasets/{collection}/{experiment}/{dataset}"
CHANGED = SENT | documented(409, "The name is taken, something lies below, or a job is unfinished.")
Change = Annotated[ChangeForm, Depends(FormBody(ChangeForm))]
Deletion = Annotated[DeletionForm, Depends(FormBody(DeletionForm))]
MayUpdateChannel = Annotated[GrantedPlace[Update], Depends(OnChannel(Update))]


@router.get(
    f"{COLLECTION}/edit",
    summary="Page to change a collection",
    response_class=HTMLResponse,
    responses=FORBIDDEN,
)
async def edit_collection(request: Request, granted: MayUpdateCollection) -> HTMLResponse:
    """Show the forms that change a collection."""
    place = await collections.get(granted)
    return await _edit_page(request, granted, "collection", place.description)


@router.get(
    f"{EXPERIMENT}/edit",
    summary="Page to change an experiment",
    response_class=HTMLResponse,
    responses=FORBIDDEN,
)
async def edit_experiment(request: Request, granted: MayUpdateExperiment) -> HTMLResponse:
    """Show the forms that change an experiment."""
    place = await collections.get(granted)
    return await _edit_page(request, granted, "experiment", place.description)


@router.get(
    f"{DATASET}/edit",
    summary="Page to change a dataset",
    response_class=HTMLResponse,
    responses=FORBIDDEN,
)
async def edit_dataset(
    request: Request, granted: MayUpdate, place: MayUpdateChannel
) -> HTMLResponse:
    """Show the forms that change a dataset."""
    kind = "image" if granted.record.kind == "image" else "labels"
    return await _edit_page(request, place, kind, granted.record.description)


@router.post(
    COLLECTION, summary="Change a collection by a form", status_code=303, responses=CHANGED
)
async def change_collection(
    request: Request, granted: MayUpdateCollection, asked: Change
) -> RedirectResponse:
    """Give a collection another name or description."""
    changed = await collections.change(granted, asked.name, asked.description)
    return go_to(request, page_of(changed.name))


@router.post(
    EXPERIMENT, summary="Change an experiment by a form", status_code=303, responses=CHANGED
)
async def change_experiment(
    request: Request, granted: MayUpdateExperiment, asked: Change
) -> RedirectResponse:
    """Give an experiment another name or description."""
    changed = await collections.change(granted, asked.name, asked.description)
    return go_to(request, page_of(changed.name))


@router.post(DATASET, summary="Change a dataset by a form", status_code=303, responses=CHANGED)
async def change_dataset(request: Request, granted: MayUpdate, asked: Change) -> RedirectResponse:
    """Give a dataset another name in its experiment, or description."""
    changed = await datasets.change(granted, asked.question)
    return go_to(request, page_of(changed.name))


@router.post("/values", summary="Say something under a key", status_code=303, responses=SENT)
async def put_value(
    request: Request,
    granted: MayUpdatePlace,
    asked: Annotated[ValueForm, Depends(FormBody(ValueForm))],
) -> RedirectResponse:
    """Give a key of a place a value, in the place of one that it had."""
    await metadata.put_value(granted, asked.key, asked.value)
    return _to_editing(request, granted)


@router.post("/values/drop", summary="Drop what is said", status_code=303, responses=SENT)
async def drop_value(
    request: Request, granted: MayUpdatePlace, asked: Annotated[KeyForm, Depends(FormBody(KeyForm))]
) -> RedirectResponse:
    """Take a key of a place and its value away."""
    await metadata.drop_value(granted, asked.key)
    return _to_editing(request, granted)


@router.post(
    f"{COLLECTION}/delete",
    summary="Delete a collection by a form",
    status_code=303,
    responses=CHANGED,
)
async def delete_collection(
    request: Request, granted: MayDeleteCollection, asked: Deletion
) -> RedirectResponse:
    """Delete a collection in which no dataset is left, with its experiments."""
    check_typed(asked, "/".join(granted.place.names))
    await collections.remove(granted, recursive=True)
    return go_to(request, "/collections")


@router.post(
    f"{EXPERIMENT}/delete",
    summary="Delete an experiment by a form",
    status_code=303,
    responses=CHANGED,
)
async def delete_experiment(
    request: Request, granted: MayDeleteExperiment, asked: Deletion
) -> RedirectResponse:
    """Delete an experiment in which no dataset is left."""
    check_typed(asked, "/".join(granted.place.names))
    await collections.remove(granted, recursive=False)
    return go_to(request, page_of(granted.place.names[0]))


@router.post(
    f"{DATASET}/delete", summary="Delete a dataset by a form", status_code=303, responses=CHANGED
)
async def delete_dataset(request: Request, granted: MayDelete, asked: Deletion) -> RedirectResponse:
    """Hide a dataset from this moment on, and queue the job that deletes it from the store."""
    check_typed(asked, str(granted.record.name))
    await datasets.remove(granted, with_labels=asked.with_labels)
    return go_to(request, page_of("/".join(granted.record.name.parts[:2])))


async def _edit_page(
    request: Request, granted: GrantedPlace[Update], kind: str, description: str
) -> HTMLResponse:
    name = "/".join(granted.place.names)
    return await page(
        request,
        "places/edit.html",
        name=name,
        kind=kind,
        description=description,
        values=await metadata.list_values(granted),
        may=held_at(granted),
        days=granted.asker.gateway.settings.deleted_days,
    )


def _to_editing(request: Request, granted: GrantedPlace[Update]) -> RedirectResponse:
    if not granted.place.names:
        return go_to(request, "/collections")
    return go_to(request, f"{page_of('/'.join(granted.place.names))}/edit")
