"""Voxels are written by the client, whose errors are those of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, image_voxels, label_voxels
from tests.api.v2.datasets.test_writing import CELLS, DYES, EM, serving
from tests.api.v2.labels.indexed import check_index

from voxlake.client import Gateway
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.errors import (
    InvalidInputError,
    PreconditionFailedError,
    UnauthenticatedError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL


def test_a_region_is_written_merged_filled_and_guarded(lake: StoreURL, tmp_path: Path) -> None:
    samples = [
        Sample(EM, image_voxels((20, 30, 40)), public=True),
        Sample(CELLS, label_voxels((20, 30, 40)), Kind.LABELS, of="em"),
        Sample(DYES, image_voxels((2, 3, 9, 10, 11), 4, "uint16"), axes=tuple("tczyx")),
    ]
    with serving(lake, tmp_path, samples) as served, Gateway(served.url, TOKEN) as gateway:
        region, voxels = np.s_[2:9, :, 3:33], served.voxels[CELLS]
        part, etag = gateway.cutout_and_etag(CELLS, region)
        np.testing.assert_array_equal(part, voxels[region])
        part[::2] = 2**64 - 7
        written = gateway.write(CELLS, region, part, if_match=etag)
        with pytest.raises(PreconditionFailedError, match="read it again"):
            gateway.write(CELLS, region, 0, if_match=etag)
        stroke = np.where(part == 1, np.uint64(9), np.uint64(0))
        again = gateway.write(CELLS, region, stroke, merge="keep", if_match=f'"{written.etag}"')
        assert again.etag != written.etag
        gateway.write(CELLS, "0:3,0:3,0:3", np.uint64(0))
        voxels[region] = np.where(stroke, stroke, part)
        voxels[:3, :3, :3] = 0
        np.testing.assert_array_equal(gateway.cutout(CELLS), voxels)
        check_index(served, CELLS)
        gateway.write(DYES, "0:4,:,5:", np.full((2, 3, 4, 10, 6), 5, "u2"))
        served.voxels[DYES][:, :, :4, :, 5:] = 5
        np.testing.assert_array_equal(gateway.cutout(DYES), served.voxels[DYES])
        with pytest.raises(InvalidInputError, match="float64 voxels of shape"):
            gateway.write(EM, "0:3,0:3,0:3", np.zeros((3, 3, 3)))
        with pytest.raises(InvalidInputError, match="uint8"):
            gateway.write(EM, None, 300)
        with Gateway(served.url, "") as nobody, pytest.raises(UnauthenticatedError):
            nobody.write(EM, None, 3)
