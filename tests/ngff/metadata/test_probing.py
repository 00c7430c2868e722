"""Nodes of zarr v2 are found where S3 refuses what is not there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.servers.faulty import hiding_what_is_missing

from voxlake.ngff.making.unfinished import is_whole
from voxlake.ngff.metadata.reading import read_multiscale
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import StoreDeniedError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

ARRAY = {
    "zarr_format": 2,
    "shape": [2, 3, 4],
    "chunks": [2, 3, 4],
    "dtype": "|u1",
    "compressor": None,
    "fill_value": 0,
    "order": "C",
    "filters": None,
}
SCALE = {"type": "scale", "scale": [1, 2, 3]}
GROUP = {
    "multiscales": [
        {
            "version": "0.4",
            "axes": [{"name": name, "type": "space"} for name in "zyx"],
            "datasets": [{"path": "0", "coordinateTransformations": [SCALE]}],
        }
    ]
}


def test_what_is_refused_is_taken_for_missing_if_a_node_of_v2_is_there(
    s3_store: StoreURL,
) -> None:
    voxels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    store.write(s3_store / "0/.zarray", json.dumps(ARRAY).encode())
    store.write(s3_store / "0/0.0.0", voxels.tobytes())
    store.write(s3_store / ".zattrs", json.dumps(GROUP).encode())
    assert s3_store.endpoint is not None
    with hiding_what_is_missing(s3_store.endpoint) as endpoint:
        url = replace(s3_store, endpoint=endpoint)
        assert is_whole(url)
        assert read_multiscale(url).axis_names == ("z", "y", "x")
        volume = open_volume(url / "0")
        np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
        for nothing in (is_whole, read_multiscale, open_volume):
            with pytest.raises(StoreDeniedError):
                nothing(url / "none")
