"""Slices on a web server, from the plan to verify."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.cli.conftest import Command

VOXELS = np.random.default_rng(1).integers(0, 256, (4, 30, 40), np.uint8)


class Quiet(SimpleHTTPRequestHandler):
    """Serves and lists a folder."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


@pytest.fixture
def slices(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "em").mkdir()
    for number, plane in enumerate(VOXELS):
        Image.fromarray(plane).save(tmp_path / "em" / f"s{number}.png")
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/em/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_from_the_plan_to_verify(voxlake: Command, tmp_path: Path, slices: str) -> None:
    words = (slices, "a/b/em", "--kind", "image", "--voxel-size", "9nm")
    understood = voxlake("plan", *words).ok()["understood"]
    assert understood == "4 x 30 x 40 zyx, uint8, 9 x 9 x 9 nm"
    voxlake("ingest", *words).ok()
    stored = zarr.open_group(Path(voxlake.lake) / "a/b/em.ome.zarr", mode="r")["0"]
    assert isinstance(stored, zarr.Array)
    np.testing.assert_array_equal(np.asarray(stored[...]), VOXELS)
    for source in (slices, f"file://{tmp_path}/em", tmp_path / "em"):
        assert voxlake("verify", "a/b/em", "--source", source).ok()["state"] == "done"
    Image.fromarray(VOXELS[0]).save(tmp_path / "em" / "s2.png")
    assert voxlake("verify", "a/b/em", "--source", slices).code == 5
