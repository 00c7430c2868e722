"""Shards that clients have coded are received, by those who may add voxels."""

from __future__ import annotations

import math
from hashlib import sha256

import numpy as np
from anyio import to_thread
from starlette.requests import Request

from voxlake.api.data.opened import opened_dataset, opened_level
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.requests.bytes_body import check_coding, length_of, read_bytes
from voxlake.documents.jobs.upload import UploadDocument
from voxlake.ngff.grid.box import grid_shape
from voxlake.ngff.shards.format import shard_format
from voxlake.ngff.shards.received import most_bytes, store_received
from voxlake.platform.access import AddVoxels
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import ConflictError, InvalidInputError, LimitExceededError

LEASE_S = 60.0
"""Seconds after which shards of a client that is not heard of are given to others."""


async def describe_upload(granted: Granted[AddVoxels], job: str) -> UploadDocument:
    """Return how the shards of level 0 are coded.

    Raises
    ------
    UnsupportedError
        If they are coded in another way than voxlake does.
    """
    dataset = await opened_dataset(granted)
    volume = await opened_level(granted, dataset, 0)
    coding = shard_format(volume)
    return UploadDocument(
        job=job,
        dataset=str(granted.record.name),
        shape=volume.shape,
        axes=dataset.multiscale.axis_names,
        shard=volume.shard,
        chunk=coding.chunk,
        dtype=volume.dtype.newbyteorder("<").str,
        zstd_level=coding.zstd_level,
        zstd_checksum=coding.zstd_checksum,
        index_first=coding.index_first,
        fill=coding.fill,
        shards=math.prod(grid_shape(volume.shape, volume.shard)),
        lease_s=LEASE_S,
    )


async def receive_shard(
    granted: Granted[AddVoxels], number: int, request: Request
) -> tuple[int, int, str]:
    """Store the shard that a request has; return its voxels, its bytes and their SHA-256.

    An empty body stands for a shard of nothing but fill.

    Raises
    ------
    ConflictError
        If the dataset is whole, or another object is stored there.
    InvalidInputError
        If there is no such shard, or the body is none, or is not what its digest says.
    LimitExceededError
        If the server has not so much memory.
    """
    if granted.record.state is DatasetState.READY:
        raise ConflictError(f"{granted.record.name} is ready, and nothing is uploaded to it")
    check_coding(request)
    volume = await opened_level(granted, await opened_dataset(granted), 0)
    grid = grid_shape(volume.shape, volume.shard)
    if not 0 <= number < math.prod(grid):
        raise InvalidInputError(
            f"shard {number} was sent; {granted.record.name} has {math.prod(grid)}, from 0 on"
        )
    cell = tuple(map(int, np.unravel_index(number, grid)))
    length, budget = length_of(request, most_bytes(volume)), granted.gateway.answers
    if 2 * length > budget.share_bytes:
        raise LimitExceededError(
            f"a shard of {length} bytes takes twice as much memory, and the server has "
            f"{budget.share_bytes}; raise VOXLAKE_GATEWAY_MEMORY_BYTES there"
        )
    async with budget.hold(2 * length):
        body = bytes(await read_bytes(request, length))
        if body:
            await to_thread.run_sync(store_received, volume, cell, body)
    return volume.shard_box(cell).size, len(body), sha256(body).hexdigest()
