"""The sample: from a folder, from a server, and what is wrong on the way."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from voxlake.compute.sample import fib25
from voxlake.compute.sample.fib25 import open_sample, phantom_sample
from voxlake.compute.sample.folder import SampleFolder, write_sample_folder
from voxlake.compute.sources import open_source
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import (
    CorruptDataError,
    SourceError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.sample.fib25 import Sample

LOCAL = Path(
    os.environ.get("VOXLAKE_SAMPLE_DIR")
    or Path(__file__).parents[2].parent / "shared" / "data" / "fib25"
)


def make_folder(path: Path, size: int) -> SampleFolder:
    """A phantom as the sample's files lie; labels halved to fit int64."""
    sample = phantom_sample(size)
    box = Box.of_shape((size,) * 3)
    image, labels = open_source(sample.image).read(box), open_source(sample.labels).read(box)
    return write_sample_folder(path, image, labels >> np.uint64(1))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, or a phantom in its place."""
    if SampleFolder(LOCAL).ground_truth.is_file():
        return LOCAL
    return make_folder(tmp_path_factory.mktemp("phantom") / "fib25", 250).path


def check_whole(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    image, labels = open_source(sample.image), open_source(sample.labels)
    image.check()
    labels.check()
    assert image.shape == labels.shape
    assert (image.dtype, labels.dtype) == (np.dtype("u1"), np.dtype("u8"))
    box = Box.of_shape(image.shape)
    return image.read(box), labels.read(box)


def test_from_a_folder(folder: Path, tmp_path: Path) -> None:
    sample = open_sample(folder, tmp_path)
    assert sample.voxel_size == VoxelSize(10, 10, 10, "nanometer")
    assert "Janelia" in sample.credit
    assert sample.licence.startswith("Creative Commons Attribution")
    image, labels = check_whole(sample)
    assert image.shape == (250, 250, 250)
    # Membranes, between labels, are darker than what they surround, so both are in register.
    border = labels[:, :, 1:] != labels[:, :, :-1]
    assert image[:, :, 1:][border].mean() < image[:, :, 1:][~border].mean() - 20
    assert 300 < len(np.unique(labels)) < 2000


def test_labels_are_written_once(folder: Path, tmp_path: Path) -> None:
    first = Path(open_sample(folder, tmp_path).labels)
    written = first.stat().st_mtime_ns
    assert Path(open_sample(folder, tmp_path).labels) == first
    assert first.stat().st_mtime_ns == written
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_written_folder_gives_its_voxels_back(tmp_path: Path) -> None:
    small = make_folder(tmp_path / "small", 40)
    image, labels = check_whole(open_sample(small.path, tmp_path / "cache"))
    phantom = phantom_sample(40)
    box = Box.of_shape((40, 40, 40))
    np.testing.assert_array_equal(image, open_source(phantom.image).read(box))
    expected = open_source(phantom.labels).read(box) >> np.uint64(1)
    np.testing.assert_array_equal(labels, expected)


def test_a_folder_without_the_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="lacks em/"):
        open_sample(tmp_path, tmp_path / "cache")


def test_torn_ground_truth(tmp_path: Path) -> None:
    small = make_folder(tmp_path / "small", 30)
    small.ground_truth.write_bytes(small.ground_truth.read_bytes()[:-40])
    with pytest.raises(SourceError, match="torn"):
        open_sample(small.path, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.h5"))


def test_a_supervoxel_without_a_body(tmp_path: Path) -> None:
    small = make_folder(tmp_path / "small", 30)
    (tmp_path / "g.h5").write_bytes(gzip.decompress(small.ground_truth.read_bytes()))
    with h5py.File(tmp_path / "g.h5", "r+") as file:
        file["stack"][3, 4, 5] = 10**6
    small.ground_truth.write_bytes(gzip.compress((tmp_path / "g.h5").read_bytes()))
    with pytest.raises(SourceError, match="without a body"):
        open_sample(small.path, tmp_path / "cache")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and counts what it is asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


class Published:
    """A small sample on a local server, laid out as it is published."""

    def __init__(self, url: str, root: Path, asked: list[str]) -> None:
        self.url, self.root, self.asked = url, root, asked


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    small = make_folder(tmp_path / "published", 30)
    registry = {
        str(file.relative_to(small.path)): f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in [*small.images.iterdir(), small.ground_truth]
    }
    monkeypatch.setattr(fib25, "read_registry", lambda: registry)
    small.images.rename(small.path / "grayscale_maps")
    asked: list[str] = []
    monkeypatch.setattr(Quiet, "asked", asked, raising=False)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(small.path))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Published(f"http://127.0.0.1:{server.server_port}/", small.path, asked)
    server.shutdown()
    server.server_close()
    thread.join()


def test_download_and_progress(published: Published, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    sample = open_sample(
        None, tmp_path / "cache", published.url, lambda done, total: steps.append((done, total))
    )
    check_whole(sample)
    assert steps[-1] == (31, 31)
    assert steps == sorted(steps)
    assert len(published.asked) == 31


def test_download_is_kept(published: Published, tmp_path: Path) -> None:
    open_sample(None, tmp_path / "cache", published.url)
    published.asked.clear()
    check_whole(open_sample(None, tmp_path / "cache", published.url))
    assert published.asked == []


def test_a_download_that_broke_off_goes_on(published: Published, tmp_path: Path) -> None:
    open_sample(None, tmp_path / "cache", published.url)
    images = tmp_path / "cache" / "fib25" / "em"
    (images / "iso.2603.png").unlink()
    (images / "iso.2604.png").write_bytes(b"torn")
    published.asked.clear()
    check_whole(open_sample(None, tmp_path / "cache", published.url))
    asked = [path.rpartition("/")[2] for path in published.asked]
    assert sorted(asked) == ["iso.2603.png", "iso.2604.png"]


def test_wrong_bytes(published: Published, tmp_path: Path) -> None:
    (published.root / "grayscale_maps" / "iso.2605.png").write_bytes(b"<html>log in</html>")
    with pytest.raises(CorruptDataError, match=r"iso\.2605\.png.*SHA-256"):
        open_sample(None, tmp_path / "cache", published.url)
    assert not (tmp_path / "cache" / "fib25" / "em" / "iso.2605.png").exists()


def test_a_file_that_is_gone(published: Published, tmp_path: Path) -> None:
    (published.root / "groundtruth.h5.gz").unlink()
    with pytest.raises(StoreUnavailableError, match=r"groundtruth\.h5\.gz"):
        open_sample(None, tmp_path / "cache", published.url)


def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="check the network"):
        open_sample(None, tmp_path, "http://127.0.0.1:9/")


def test_registry_names_every_file_of_the_sample() -> None:
    registry = fib25.read_registry()
    names = {f"em/iso.{number}.png" for number in range(2600, 2850)} | {"groundtruth.h5.gz"}
    assert registry.keys() == names
    assert all(len(digest) == len("sha256:") + 64 for digest in registry.values())
    if SampleFolder(LOCAL).ground_truth.is_file():
        for name in names:
            digest = hashlib.sha256((LOCAL / name).read_bytes()).hexdigest()
            assert registry[name] == f"sha256:{digest}"


def test_a_cache_that_cannot_be_written(folder: Path, read_only_folder: Path) -> None:
    with pytest.raises(StoreError):
        open_sample(folder, read_only_folder / "cache")
    with pytest.raises(StoreError, match="cannot be made"):
        open_sample(None, read_only_folder / "cache", "http://127.0.0.1:9/")


def test_a_full_disk(folder: Path, small_folder: Path) -> None:
    with pytest.raises(StoreFullError):
        open_sample(folder, small_folder)
    assert not [path for path in small_folder.rglob("*") if path.is_file()]
