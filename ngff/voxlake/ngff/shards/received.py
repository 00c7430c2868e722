"""Shards that were coded elsewhere: each is looked at, and stored if nothing else is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from voxlake.ngff.shards.check import check_shard
from voxlake.ngff.shards.format import shard_format
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, InvalidInputError, ObjectExistsError

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume

_FRAME_BYTES = 64
"""What a chunk that does not compress takes besides its voxels, less than one in 128 of them."""


def most_bytes(volume: Volume) -> int:
    """Return how large the object of a shard may be: as large as voxels that do not compress."""
    coding = shard_format(volume)
    chunk = coding.chunk_bytes + coding.chunk_bytes // 128 + _FRAME_BYTES
    return math.prod(coding.grid) * chunk + coding.index_bytes


def store_received(volume: Volume, cell: tuple[int, ...], body: bytes) -> None:
    """Store the object of a shard that somebody else has coded; the same again is no error.

    Raises
    ------
    InvalidInputError
        If it is none: a chunk of it does not decode, or has other voxels than one.
    ConflictError
        If another object is stored there.
    """
    found = check_shard(volume, cell, body)
    if not found.is_sound:
        why = found.damage or f"{found.slack} bytes of it belong to no chunk"
        raise InvalidInputError(f"shard {cell} that was sent is not sound: {why}; code it again")
    url = volume.shard_url(cell)
    try:
        store.create(url, body)
    except ObjectExistsError as error:
        there = store.read_if_there(url)
        if there is None or there.body != body:
            raise ConflictError(
                f"shard {cell} is stored already, and with other voxels: clients upload from "
                "sources that differ; give the upload up, or upload what was begun with"
            ) from error
