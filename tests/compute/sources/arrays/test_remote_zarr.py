"""Zarr over HTTP and S3, from real servers."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zarr.abc.store import Store

    from voxlake.platform.store import StoreURL

VOXELS = np.random.default_rng(1).integers(1, 256, (20, 30, 40), "u1")
BOX = Box((3, 5, 7), (20, 28, 33))


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder quietly; chunks named in `failing` answer 500."""

    failing: tuple[str, ...] = ()

    def do_GET(self) -> None:
        if self.path.endswith(self.failing):
            self.send_error(500)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "1")
    monkeypatch.setattr(Handler, "failing", ())
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def write_ome_zarr(store: Path | Store) -> None:
    group = zarr.open_group(store, mode="w")
    group.create_array("0", data=VOXELS, chunks=(16, 16, 16), fill_value=0)
    axes: list[Any] = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    scale: list[Any] = [{"type": "scale", "scale": [2.0, 1.0, 1.0]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    document: dict[str, Any] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": datasets}],
    }
    group.attrs["ome"] = document


@pytest.mark.parametrize("version", [2, 3])
def test_array_over_http(served: str, tmp_path: Path, version: int) -> None:
    zarr.create_array(
        tmp_path / "v.zarr",
        data=VOXELS,
        chunks=(16, 16, 16),
        zarr_format=version,  # type: ignore[arg-type]  # 2 or 3
    )
    source = open_source(f"{served}/v.zarr")
    np.testing.assert_array_equal(source.read(BOX), VOXELS[BOX.slices])


def test_ome_zarr_over_http(served: str, tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "v.zarr")
    source = open_source(f"{served}/v.zarr/")
    assert source.calibration.voxel_size == VoxelSize(2, 1, 1, "micrometer")
    np.testing.assert_array_equal(source.read(BOX), VOXELS[BOX.slices])


def test_a_failing_server_is_no_empty_chunk(
    served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ome_zarr(tmp_path / "v.zarr")
    source = open_source(f"{served}/v.zarr")
    (tmp_path / "v.zarr/0/c/0/0/0").unlink()
    assert not source.read(Box((0, 0, 0), (16, 16, 16))).any()
    monkeypatch.setattr(Handler, "failing", ("c/0/0/1",))
    with pytest.raises(SourceError, match=r"v\.zarr"):
        source.read(BOX)


def test_nothing_at_the_address(served: str) -> None:
    with pytest.raises(SourceError, match="nothing"):
        open_source(f"{served}/nothing.zarr")


def test_no_server_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9"):
        open_source("http://127.0.0.1:9/v.zarr")


def test_ome_zarr_in_a_bucket(bucket: StoreURL) -> None:
    write_ome_zarr(as_zarr(bucket / "v.zarr", read_only=False))
    source = open_source(str(bucket / "v.zarr"))
    np.testing.assert_array_equal(source.read(BOX), VOXELS[BOX.slices])
    again = open_source(str(bucket / "v.zarr"))
    assert again.fingerprint == source.fingerprint
