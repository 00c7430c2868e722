"""Datasets: the list, and what one is like."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from voxlake.api.data import datasets as data
from voxlake.api.data import labels as label_data
from voxlake.api.guard import Granted, Lists, MayRead
from voxlake.documents.dataset import (
    DatasetDocument,
    DatasetList,
    dataset_document,
    dataset_summary,
)
from voxlake.documents.index import IndexDocument
from voxlake.platform.access import Permission

router = APIRouter(prefix="/v2/datasets", tags=["datasets"])


@router.get("", summary="List datasets")
async def list_datasets(
    readable: Annotated[list[Granted], Depends(Lists(Permission.READ))],
) -> DatasetList:
    """Return the datasets that the asker may read, sorted by name; anonymously the public ones."""
    return DatasetList(datasets=tuple(dataset_summary(each.record) for each in readable))


@router.get("/{collection}/{experiment}/{dataset}", summary="Describe a dataset")
async def get_dataset(
    request: Request,
    granted: MayRead,
    index: Annotated[bool, Query(description="Labels: also compare index and shards.")] = False,  # noqa: FBT002
) -> DatasetDocument:
    """Return what the catalog and the dataset's own metadata say of it."""
    dataset = await data.open_dataset(granted)
    volumes = [await data.open_level(granted, dataset, level) for level in range(dataset.levels)]
    status = await label_data.index_status(granted) if index else None
    return dataset_document(
        granted.record,
        dataset,
        volumes,
        zarr_url=zarr_url(request, granted),
        index=None if status is None else IndexDocument.model_validate(status),
    )


def zarr_url(request: Request, granted: Granted) -> str:
    """Return the absolute URL of the dataset's bytes at this gateway."""
    return f"{request.base_url}zarr/{granted.record.name}"
