"""``voxlake upload``: local sources become datasets of a gateway, by the command."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.cli.commands.jobs import upload
from voxlake.client import Gateway
from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.worker import Pace, work_off
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.cli.conftest import Command

    from voxlake.platform.store import StoreURL

SHAPE = (16, 20, 700)


@pytest.fixture
def url(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A gateway beside a worker, at which the command is its owner."""
    settings, stop = Settings(workers=0), threading.Event()
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", image_voxels(SHAPE)))
        workspace = Workspace(lake, catalog, settings)

        def work() -> None:
            for _ in work_off(workspace, stop, jobs=None, until_idle=False, pace=Pace(0.02, 60)):
                pass

        worker = threading.Thread(target=work)
        worker.start()
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        monkeypatch.setattr(upload, "_gateway", lambda url: Gateway(url, TOKEN))
        try:
            with run_app(app) as address:
                yield address
        finally:
            stop.set()
            worker.join()


def test_an_image_and_labels_of_one(voxlake: Command, url: str, tmp_path: Path) -> None:
    voxels, labels = image_voxels(SHAPE, 3), label_voxels(SHAPE)
    np.save(tmp_path / "em.npy", voxels)
    np.save(tmp_path / "cells.npy", labels)
    at = ["--gateway", url]
    wrong = voxlake("upload", tmp_path / "em.npy", "lab/brain/new", *at, "--kind", "image")
    assert "voxel size" in wrong.document["detail"]
    size = ["--voxel-size", "40,10,10nm", "--factors", "1,2,2"]
    job = voxlake("upload", tmp_path / "em.npy", "lab/brain/new", *at, "--kind", "image", *size)
    assert job.ok()["state"] == "done"
    of = ["--kind", "labels", "--of", "em"]
    voxlake("upload", tmp_path / "cells.npy", "lab/brain/cells", *at, *of).ok()
    with Gateway(url, TOKEN) as gateway:
        np.testing.assert_array_equal(gateway["lab/brain/new"][...], voxels)
        levels = gateway.info("lab/brain/new").levels
        assert [level.shape for level in levels] == [SHAPE, (16, 10, 350)]
        np.testing.assert_array_equal(gateway["lab/brain/cells"][...], labels)
        assert gateway.info("lab/brain/cells").of == "lab/brain/em"
        ids = np.unique(labels[labels > 0])
        np.testing.assert_array_equal(gateway.labels("lab/brain/cells"), ids)
