"""Neuroglancer's ``compressed_segmentation``, in which its viewer keeps labels on the GPU.

https://github.com/google/neuroglancer/tree/master/src/sliceview/compressed_segmentation

TensorStore has the encoder, as a part of its driver of the precomputed format: what is written to
a volume of one chunk in memory is what is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorstore as ts

if TYPE_CHECKING:
    import numpy.typing as npt


def encode_segmentation(labels: npt.NDArray[Any], block: tuple[int, int, int]) -> bytes:
    """Return a chunk of labels, encoded.

    Parameters
    ----------
    labels
        (channel, z, y, x), uint32 or uint64.
    block
        Voxels of a block: x, y, z.

    Examples
    --------
    >>> import numpy as np
    >>> len(encode_segmentation(np.zeros((1, 64, 64, 64), np.uint64), (8, 8, 8)))
    4108
    """
    channels, z, y, x = labels.shape
    context = ts.Context()
    scale = {
        "key": "0",
        "size": [x, y, z],
        "chunk_size": [x, y, z],
        "resolution": [1, 1, 1],
        "encoding": "compressed_segmentation",
        "compressed_segmentation_block_size": block,
    }
    volume = {
        "type": "segmentation",
        "data_type": labels.dtype.name,
        "num_channels": channels,
    }
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": "memory://",
        "multiscale_metadata": volume,
        "scale_metadata": scale,
        # Else a chunk of zeros would not be stored.
        "store_data_equal_to_fill_value": True,
    }
    ts.open(spec, create=True, context=context).result()[...].write(labels.transpose()).result()
    kept = ts.KvStore.open("memory://", context=context).result()
    return bytes(kept[f"0/0-{x}_0-{y}_0-{z}"])
