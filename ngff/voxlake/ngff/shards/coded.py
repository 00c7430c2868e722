"""The object of a whole shard, coded from its voxels by the coding alone, wherever it is stored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.shards.chunk_codec import encode_chunks

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.shards.chunk_codec import Payload
    from voxlake.ngff.shards.format import ShardFormat


def coded_shard(coding: ShardFormat, voxels: npt.NDArray[Any]) -> bytes | None:
    """Return the object of a shard of `voxels`, clipped to the volume; None if all are fill.

    The same voxels always give the same bytes.
    """
    payloads: list[Payload | None] = [None] * math.prod(coding.grid)
    for part in Box.of_shape(voxels.shape).tiles((*coding.chunk[:-1], voxels.shape[-1])):
        coded = encode_chunks(coding, np.ascontiguousarray(voxels[part.slices]))
        for number, payload in zip(coding.numbers(part).tolist(), coded, strict=True):
            payloads[number] = payload
    return coding.assembled(payloads) if any(payloads) else None
