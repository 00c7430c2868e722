"""Datasets, levels and labels as they are kept open: for this folder, whatever the asker may.

Routes cannot import it. What they are handed by the other files demands the very right for it.
"""

from __future__ import annotations

from functools import partial

from voxlake.api.data.labels.mappings import newest_mapping
from voxlake.api.guards.datasets import Granted
from voxlake.ngff import lake
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.dataset import open_dataset as open_ngff_dataset
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.times import check_axes
from voxlake.ngff.volume import Volume
from voxlake.platform.access import Right
from voxlake.platform.errors import LimitExceededError, UnsupportedError
from voxlake.platform.store import StoreURL


def store_url(granted: Granted[Right]) -> StoreURL:
    """Return the address of the dataset's OME-Zarr group."""
    return lake.address_of(granted.lake, granted.record, granted.gateway.settings)


async def opened_dataset(granted: Granted[Right]) -> Dataset:
    """Return the dataset: its metadata as the store has them."""
    find = partial(open_ngff_dataset, store_url(granted))
    return await granted.gateway.datasets.get(granted.record, find)


async def opened_level(granted: Granted[Right], dataset: Dataset, level: int) -> Volume:
    """Return a level of the dataset; raise OutOfBoundsError if there is no such level."""
    find = partial(dataset.level, level, granted.gateway.chunk_cache_bytes)
    return await granted.gateway.volumes.get((granted.record, dataset.level_url(level)), find)


def check_labels(granted: Granted[Right]) -> None:
    """Raise UnsupportedError if the dataset is an image."""
    if granted.record.kind != "labels":
        raise UnsupportedError(
            f"{granted.record.name} is an image and has no labels; ask one of its labels datasets"
        )


async def index_url(granted: Granted[Right]) -> StoreURL:
    """Return the address of the label index; raise UnsupportedError if the dataset is an image."""
    check_labels(granted)
    return _index_of(granted, await opened_dataset(granted))


def _index_of(granted: Granted[Right], dataset: Dataset) -> StoreURL:
    place = lake.place_of(granted.record).within(dataset.multiscale.folder)
    return granted.lake / place.index_key


async def opened_labels(granted: Granted[Right], *, bodies: bool = False) -> Labels:
    """Return the labels of all time points; with `bodies` the mapping is applied to answers.

    Raises
    ------
    UnsupportedError
        If the dataset is an image, or has channels.
    LimitExceededError
        If a chunk of them would never fit in the memory for answers.
    """
    check_labels(granted)
    dataset = await opened_dataset(granted)
    check_axes(dataset)
    url, most = _index_of(granted, dataset), granted.gateway.answers.share_bytes
    mapping = await newest_mapping(granted.record, url) if bodies else None
    volume = await opened_level(granted, dataset, 0)
    if volume.chunk_bytes >= most:
        raise LimitExceededError(
            f"{granted.record.name} has chunks of {volume.chunk_bytes} bytes and the server has "
            f"{most} for answers; write it anew in smaller chunks, or raise "
            "VOXLAKE_GATEWAY_MEMORY_BYTES at the server"
        )
    return Labels(volume, url, mapping)
