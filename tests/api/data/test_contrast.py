"""The window that images are drawn in where none is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.asgi import InProcess
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, add_sample

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("ends", "drawn"), [((20, 90), "20:90"), ((300, 400), "0:255"), ((-9, 99.5), "0:100")]
)
def test_a_window_of_the_metadata_holds_as_far_as_voxels_can_have_it(
    tmp_path: Path, ends: tuple[float, float], drawn: str
) -> None:
    lake, settings = StoreURL.parse(str(tmp_path / "lake")), Settings()
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", np.ones((8, 8, 8), np.uint8), levels=1))
        group = tmp_path / "lake/lab/brain/em.ome.zarr/zarr.json"
        document = json.loads(group.read_text())
        window = {"start": ends[0], "end": ends[1], "min": -10, "max": 4095}
        channel = {"color": "FFFFFF", "window": window}
        document["attributes"]["ome"]["omero"] = {"channels": [channel]}
        group.write_text(json.dumps(document))
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with InProcess(app) as server:
            headers = {"authorization": f"Bearer {TOKEN}"}
            answer = server.ask("GET", "/v2/datasets/lab/brain/em/image?z=3", headers)
            assert (answer.status, answer.headers["x-voxlake-window"]) == (200, drawn)
