"""Datasets: the list, and what one is like."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from voxlake.api.data import datasets as data
from voxlake.api.data.stored.precomputed import is_taken
from voxlake.api.data.writing.registering import register
from voxlake.api.guards.askers import Administrator
from voxlake.api.guards.datasets import (
    Granted,
    ListLimit,
    MayDelete,
    MayDescribe,
    MayListPage,
    MayRead,
    MayUpdate,
    NamePart,
)
from voxlake.api.guards.places import MayAddToExperiment
from voxlake.api.http.answers.problems import FORBIDDEN, NOT_ALLOWED, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.places import datasets as places
from voxlake.documents.datasets.dataset import (
    DatasetDocument,
    DatasetList,
    DatasetSummary,
    DeletionDocument,
    ProvenanceDocument,
    RegisterQuestion,
    dataset_summary,
)
from voxlake.documents.places.asked import (
    CollectionChange,
    EmptyQuestion,
    ProvenanceQuestion,
)
from voxlake.platform.access import Read, Right

router = APIRouter(prefix="/v2/datasets", tags=["datasets"])


@router.get("", summary="List datasets")
async def list_datasets(readable: MayListPage, limit: ListLimit = None) -> DatasetList:
    """Return the datasets that the asker may read, sorted by name; anonymously the public ones.

    All of them, or with `limit` a page; `next` is what to ask for `after` then.
    """
    shown = tuple(dataset_summary(each.record) for each in readable[:limit])
    is_last = limit is None or len(readable) <= limit
    return DatasetList(datasets=shown, next=None if is_last else shown[-1].name)


@router.post(
    "",
    summary="Register an OME-Zarr in place",
    responses={
        **FORBIDDEN,
        **documented(409, "There is a dataset of that name or place, or its metadata are broken."),
    },
)
async def register_dataset(
    asker: Administrator, asked: Annotated[RegisterQuestion, Depends(JsonBody(RegisterQuestion))]
) -> DatasetSummary:
    """Make an OME-Zarr that lies elsewhere a dataset without a copy, for administrators.

    Its store has to be on the server's list. It is private, and only read.
    """
    return await register(asker, asked)


@router.get("/{collection}/{experiment}/{dataset}", summary="Describe a dataset")
async def get_dataset(
    request: Request,
    granted: MayDescribe,
    index: Annotated[bool, Query(description="Labels: also compare index and shards.")] = False,  # noqa: FBT002
) -> DatasetDocument:
    """Return what the catalog and the dataset's own metadata say of it."""
    if index:
        granted.check_whole()
    return await with_addresses(request, granted, await data.describe(granted, index=index))


async def with_addresses(
    request: Request, granted: Granted[Read], document: DatasetDocument
) -> DatasetDocument:
    """Return a dataset's document with the addresses of its views at this gateway."""
    views = {f"{view}_url": view_url(request, granted, view) for view in ("zarr", "flat")}
    if await is_taken(granted):
        views["precomputed_url"] = view_url(request, granted, "precomputed")
    return document.model_copy(update=views)


@router.post(
    "/{collection}/{experiment}/{dataset}",
    summary="Make an empty dataset",
    responses=FORBIDDEN | documented(409, "There is a dataset of that name."),
)
async def add_dataset(
    granted: MayAddToExperiment,
    dataset: NamePart,
    asked: Annotated[EmptyQuestion, Depends(JsonBody(EmptyQuestion))],
) -> DatasetSummary:
    """Make a dataset without voxels, which the asker owns: ready, all zeros, to be written to.

    Whatever its size, its metadata alone are stored. Labels have an index that is current.
    """
    return await places.add(granted, dataset, asked)


@router.patch(
    "/{collection}/{experiment}/{dataset}",
    summary="Change what a dataset is called",
    responses=NOT_ALLOWED | documented(409, "The name is taken, or a job is unfinished."),
)
async def change_dataset(
    granted: MayUpdate,
    asked: Annotated[CollectionChange, Depends(JsonBody(CollectionChange))],
) -> DatasetSummary:
    """Give a dataset another name in its experiment, or description; what is not given stays."""
    return await places.change(granted, asked)


@router.delete(
    "/{collection}/{experiment}/{dataset}",
    summary="Delete a dataset",
    status_code=202,
    responses=NOT_ALLOWED | documented(409, "Labels belong to it, or a job works on it."),
)
async def remove_dataset(
    granted: MayDelete,
    with_labels: Annotated[bool, Query(description="Delete labels of an image with it.")] = False,  # noqa: FBT002
) -> DeletionDocument:
    """Hide a dataset from this moment on, and queue the job that deletes it from the store.

    Its name is free at once. Until `purge_at` it can be brought back: see `/v2/deleted`.
    """
    return await places.remove(granted, with_labels=with_labels)


@router.get("/{collection}/{experiment}/{dataset}/provenance", summary="Where it came from")
async def get_provenance(granted: MayRead) -> ProvenanceDocument:
    """Return which datasets one was made from, and the job that made it.

    Of other datasets those are named that the asker may read.
    """
    return await places.get_provenance(granted)


@router.put(
    "/{collection}/{experiment}/{dataset}/provenance",
    summary="Say where it came from",
    responses=NOT_ALLOWED | documented(413, "There are too many."),
)
async def put_provenance(
    granted: MayUpdate,
    asked: Annotated[ProvenanceQuestion, Depends(JsonBody(ProvenanceQuestion))],
) -> ProvenanceDocument:
    """Say which datasets one was made from and has to do with, in the place of what was said.

    What the asker may not read of what was said stays.
    """
    return await places.put_provenance(granted, asked)


def zarr_url(request: Request, granted: Granted[Right]) -> str:
    """Return the absolute URL of the dataset's bytes at this gateway."""
    return view_url(request, granted, "zarr")


def view_url(request: Request, granted: Granted[Right], view: str) -> str:
    """Return the absolute URL of a view of the dataset at this gateway."""
    return f"{request.base_url}{view}/{granted.record.name}"
