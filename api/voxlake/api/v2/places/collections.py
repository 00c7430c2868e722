"""Collections and their experiments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from voxlake.api.guards.askers import AfterName, Limit
from voxlake.api.guards.places import (
    Anybody,
    MayAddToCollection,
    MayAddToLake,
    MayDeleteCollection,
    MayDeleteExperiment,
    MayReadCollection,
    MayReadExperiment,
    MayUpdateCollection,
    MayUpdateExperiment,
)
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.places import collections as data
from voxlake.documents.places.asked import (
    CollectionChange,
    CollectionQuestion,
    ExperimentChange,
    ExperimentQuestion,
)
from voxlake.documents.places.places import PlaceDocument, PlacePage

router = APIRouter(prefix="/v2/collections", tags=["collections"], responses=FORBIDDEN)

EXPERIMENT = "/{collection}/experiments/{experiment}"
TAKEN = documented(409, "The name is taken, or a job below it is unfinished.")
HOLDS = documented(409, "Something is left below it, or a job there is unfinished.")

Recursive = Annotated[
    bool, Query(description="Delete the experiments with it, if they hold no dataset.")
]


@router.get("", summary="List collections")
async def list_collections(asker: Anybody, limit: Limit = 100, after: AfterName = "") -> PlacePage:
    """Return the collections that the asker may read, sorted by name."""
    return await data.list_places(asker, (), limit, after)


@router.post("", summary="Make a collection", responses=TAKEN)
async def add_collection(
    granted: MayAddToLake,
    asked: Annotated[CollectionQuestion, Depends(JsonBody(CollectionQuestion))],
) -> PlaceDocument:
    """Make a collection, which the asker owns.

    Administrators may, and whoever has been granted `add` on the lake itself.
    """
    return await data.add(granted, asked.name, asked.description)


@router.get("/{collection}", summary="Describe a collection")
async def get_collection(granted: MayReadCollection) -> PlaceDocument:
    """Return what the catalog says of a collection."""
    return await data.get(granted)


@router.patch("/{collection}", summary="Change a collection", responses=TAKEN)
async def change_collection(
    granted: MayUpdateCollection,
    asked: Annotated[CollectionChange, Depends(JsonBody(CollectionChange))],
) -> PlaceDocument:
    """Give a collection another name or description; what is not given stays."""
    return await data.change(granted, asked.name, asked.description)


@router.delete("/{collection}", summary="Delete a collection", status_code=204, responses=HOLDS)
async def remove_collection(
    granted: MayDeleteCollection,
    recursive: Recursive = False,  # noqa: FBT002
) -> None:
    """Delete a collection in which no dataset is left."""
    await data.remove(granted, recursive=recursive)


@router.get("/{collection}/experiments", summary="List experiments")
async def list_experiments(
    granted: MayReadCollection, limit: Limit = 100, after: AfterName = ""
) -> PlacePage:
    """Return the experiments of a collection that the asker may read, sorted by name."""
    return await data.list_places(granted.asker, granted.place.names, limit, after)


@router.post("/{collection}/experiments", summary="Make an experiment", responses=TAKEN)
async def add_experiment(
    granted: MayAddToCollection,
    asked: Annotated[ExperimentQuestion, Depends(JsonBody(ExperimentQuestion))],
) -> PlaceDocument:
    """Make an experiment in a collection; the asker owns it."""
    return await data.add(granted, asked.name, asked.description, asked.frame)


@router.get(EXPERIMENT, summary="Describe an experiment")
async def get_experiment(granted: MayReadExperiment) -> PlaceDocument:
    """Return what the catalog says of an experiment."""
    return await data.get(granted)


@router.patch(EXPERIMENT, summary="Change an experiment", responses=TAKEN)
async def change_experiment(
    granted: MayUpdateExperiment,
    asked: Annotated[ExperimentChange, Depends(JsonBody(ExperimentChange))],
) -> PlaceDocument:
    """Give an experiment another name, description or frame; what is not given stays."""
    return await data.change(granted, asked.name, asked.description, asked.frame)


@router.delete(EXPERIMENT, summary="Delete an experiment", status_code=204, responses=HOLDS)
async def remove_experiment(granted: MayDeleteExperiment) -> None:
    """Delete an experiment in which no dataset is left."""
    await data.remove(granted, recursive=False)
