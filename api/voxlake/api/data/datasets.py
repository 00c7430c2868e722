"""The only way from a route to voxels and stored bytes: each function demands the right for it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from anyio import to_thread

from voxlake.api.data.opened import opened_dataset, opened_labels, opened_level, store_url
from voxlake.api.data.stored.objects import Choose, Part, read_part, summarize
from voxlake.api.formats.cutout import Cutout
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.again import read_again
from voxlake.api.views.keys import check_key, is_key
from voxlake.documents.datasets.dataset import DatasetDocument, dataset_document, stale_document
from voxlake.documents.labels.index import IndexDocument
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.drawing.contrast import Ends, ends_of, is_sampled, whole_range
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.sidecars import trust
from voxlake.ngff.lake import lies_elsewhere
from voxlake.ngff.stale import list_marks
from voxlake.ngff.volume import Volume
from voxlake.platform import store
from voxlake.platform.access import Read, ReadVoxels, Right, Way
from voxlake.platform.errors import ObjectNotFoundError
from voxlake.platform.store import ObjectInfo
from voxlake.platform.store.zarr.shards import document_of_shard, gone


async def describe(granted: Granted[Read], *, index: bool) -> DatasetDocument:
    """Return what is stored of it, and how far its levels are behind; of labels, their index.

    Parameters
    ----------
    granted
        The dataset.
    index
        Whether to compare the label index and the shards.
    """
    document = await describe_stored(granted)
    compared = await _compare(granted) if index else None
    document = document.model_copy(update={"index": compared})
    if lies_elsewhere(granted.record):
        return document
    finest = (await opened_dataset(granted)).level_url(0)
    marks = await to_thread.run_sync(list_marks, finest)
    return document.model_copy(update={"stale": stale_document(marks)})


async def describe_stored(granted: Granted[Read]) -> DatasetDocument:
    """Return what the catalog and the dataset's own metadata say of it; nothing is listed."""
    dataset = await opened_dataset(granted)
    volumes = [await opened_level(granted, dataset, level) for level in range(dataset.levels)]
    return dataset_document(granted.record, dataset, volumes)


async def _compare(granted: Granted[Read]) -> IndexDocument:
    """Return how much of the label index is there and current."""
    labels = await opened_labels(granted)
    status = await granted.gateway.questions.ask(partial(trust.index_status, labels))
    return IndexDocument.model_validate(status)


async def open_dataset(granted: Granted[ReadVoxels]) -> Dataset:
    """Open the dataset, whose levels can be read."""
    return await opened_dataset(granted)


async def axis_names(granted: Granted[ReadVoxels]) -> tuple[str, ...]:
    """Return the names of the dataset's axes, in the order of its arrays."""
    return (await open_dataset(granted)).multiscale.axis_names


async def open_volume(granted: Granted[ReadVoxels], level: int) -> Volume:
    """Open a level of the dataset.

    Raises
    ------
    OutOfBoundsError
        If there is no such level.
    """
    return await open_level(granted, await open_dataset(granted), level)


async def open_level(granted: Granted[ReadVoxels], dataset: Dataset, level: int) -> Volume:
    """Open a level of the dataset as its metadata were read; as `open_volume`."""
    return await opened_level(granted, dataset, level)


def cutout_of(
    granted: Granted[Right], dataset: Dataset, level: int, box: Box, dtype: np.dtype[Any]
) -> Cutout:
    """Describe the voxels of a box of a level, as those of a type; nothing is read."""
    multiscale = dataset.multiscale
    placed = multiscale.levels[level]
    start = zip(placed.translation, placed.scale, box.start, strict=True)
    return Cutout(
        dataset=str(granted.record.name),
        level=level,
        box=box,
        dtype=dtype,
        axes=multiscale.axes,
        scale=placed.scale,
        translation=tuple(origin + step * lo for origin, step, lo in start),
    )


async def value_range(granted: Granted[ReadVoxels]) -> Ends | None:
    """Return values to draw black and white: of 8 bits the whole range, else what there is.

    The range is that of the coarsest level without the one-thousandth at each end, whole numbers
    of integers; None if that, or one of its chunks,
    is too large to read, or if it is flat, or of no finite numbers. It is remembered for a while.
    """
    ranges = granted.gateway.value_ranges
    return await ranges.look_up(granted.record, partial(_value_range, granted))


async def _value_range(granted: Granted[ReadVoxels]) -> Ends | None:
    dataset = await open_dataset(granted)
    volume = await open_level(granted, dataset, dataset.levels - 1)
    if volume.dtype == np.uint8:
        return whole_range(volume.dtype)
    answers, held = granted.gateway.answers, volume.decoding_bytes(volume.box)
    if not is_sampled(volume.dtype, volume.box.size) or held > answers.share_bytes:
        return None
    async with answers.hold(held):
        return ends_of(await read_again(partial(volume.read, volume.box)))


async def summarize_object(granted: Granted[ReadVoxels], key: str) -> ObjectInfo:
    """Return size and ETag of the object at `key` below the dataset's group."""
    return await summarize(store_url(granted) / check_key(key))


async def list_folder(granted: Granted[ReadVoxels], key: str) -> list[str]:
    """Return the names directly below a folder of the dataset's group, those of folders with ``/``.

    Raises
    ------
    ObjectNotFoundError
        If nothing is stored below it.
    """
    url = store_url(granted)
    folder = url / check_key(key.rstrip("/")) if key else url
    if not url.is_listed:
        raise ObjectNotFoundError(f"{folder} is on the web, where folders are not listed")
    folders, objects = await to_thread.run_sync(store.list_children, folder)
    stored = (*(f"{name}/" for name in folders), *objects)
    names = [name for name in stored if is_key(name.rstrip("/"))]
    if not names:
        raise ObjectNotFoundError(f"{folder} is not there")
    return names


async def check_array(granted: Granted[ReadVoxels], key: str) -> None:
    """Raise ConflictError if `key`, where nothing is stored, is of a shard of no array.

    Of an array that is there it is a shard of fill, which clients are told by 404.
    """
    document = document_of_shard(key)
    if document is None:
        return
    try:
        await summarize_object(granted, document)
    except ObjectNotFoundError as error:
        raise gone(f"{key} of {granted.record.name}") from error


async def signed_address(granted: Granted[ReadVoxels], key: str) -> str | None:
    """Return an address of S3 at which the object at `key` is read, for a short while.

    None if the gateway gives none, or the dataset does not lie in a bucket of the lake's store; or
    to a link, which is to end when it is taken back.
    """
    if granted.access.principal.way is Way.LINK:
        return None
    url, seconds = store_url(granted), granted.gateway.settings.presigned_seconds
    if not seconds or url.scheme != "s3" or url.foreign:
        return None
    return await store.ask_signed(url / check_key(key), seconds)


async def read_object(granted: Granted[ReadVoxels], key: str, choose: Choose) -> Part:
    """Return the bytes, which `choose` picks, of the object at `key` below the dataset's group."""
    return await read_part(store_url(granted) / check_key(key), choose)
