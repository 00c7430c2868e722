"""An experiment is given another frame: writes lie in it at once, and reads soon."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx2
import numpy as np
from numcodecs import blosc
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

OWNER = {"authorization": f"Token {TOKEN}"}
TYPE = "application/blosc"
WRITTEN = bytes(range(1, 9))
SEEN_S = 5


def test_voxels_are_never_written_where_they_were(tmp_path: Path) -> None:
    lake, settings = StoreURL.parse(str(tmp_path / "lake")), Settings()
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", np.zeros((8, 8, 8), np.uint8)))
        for name, start in (("here", 0), ("there", 4)):
            ends = ((start,) * 3, (start + 8,) * 3)
            catalog.frames.add(Frame(name, *ends, (1.0, 1.0, 1.0), "nanometer", ""))
        catalog.collections.set_frame(("lab", "brain"), "here")
        box = "/v1/cutout/lab/brain/em/0/4:6/4:6/4:6"
        with (
            run_app(create_app(settings, lake, catalog, LocalIdentity(TOKEN))) as url,
            httpx2.Client(base_url=url, headers=OWNER) as web,
        ):
            assert read(web, box) == bytes(8)
            catalog.collections.set_frame(("lab", "brain"), "there")
            body, of_blosc = blosc.compress(WRITTEN, b"lz4", 5), {"content-type": TYPE}
            assert web.post(box, content=body, headers=of_blosc).status_code == 201
            deadline = time.monotonic() + SEEN_S
            while read(web, box) != WRITTEN:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            whole = np.frombuffer(read(web, "/v1/cutout/lab/brain/em/0/4:12/4:12/4:12"), np.uint8)
            voxels = whole.reshape((8, 8, 8))
            assert voxels[:2, :2, :2].tobytes() == WRITTEN
            assert voxels.sum() == sum(WRITTEN)


def read(web: httpx2.Client, path: str) -> bytes:
    """Return the voxels of a cutout."""
    return bytes(blosc.decompress(web.get(path).raise_for_status().content))
