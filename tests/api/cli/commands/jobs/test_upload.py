"""``voxlake upload``: local sources become datasets of a gateway, by the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tests.api.cli.conftest import SERVED_SHAPE as SHAPE
from tests.api.conftest import TOKEN
from tests.api.lakes import image_voxels, label_voxels

from voxlake.client import Gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command


def test_an_image_and_labels_of_one(voxlake: Command, gateway_url: str, tmp_path: Path) -> None:
    voxels, labels = image_voxels(SHAPE, 3), label_voxels(SHAPE)
    np.save(tmp_path / "em.npy", voxels)
    np.save(tmp_path / "cells.npy", labels)
    at = ["--gateway", gateway_url]
    wrong = voxlake("upload", tmp_path / "em.npy", "lab/brain/new", *at, "--kind", "image")
    assert "voxel size" in wrong.document["detail"]
    size = ["--voxel-size", "40,10,10nm", "--factors", "1,2,2"]
    job = voxlake("upload", tmp_path / "em.npy", "lab/brain/new", *at, "--kind", "image", *size)
    assert job.ok()["state"] == "done"
    of = ["--kind", "labels", "--of", "em"]
    voxlake("upload", tmp_path / "cells.npy", "lab/brain/cells", *at, *of).ok()
    with Gateway(gateway_url, TOKEN) as gateway:
        np.testing.assert_array_equal(gateway["lab/brain/new"][...], voxels)
        levels = gateway.info("lab/brain/new").levels
        assert [level.shape for level in levels] == [SHAPE, (16, 10, 350)]
        np.testing.assert_array_equal(gateway["lab/brain/cells"][...], labels)
        assert gateway.info("lab/brain/cells").of == "lab/brain/em"
        ids = np.unique(labels[labels > 0])
        np.testing.assert_array_equal(gateway.labels("lab/brain/cells"), ids)
