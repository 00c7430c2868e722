"""``voxlake register``: what lies elsewhere is a dataset like others, and is never written to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ngff_zarr
import numpy as np
import pytest
from tests.api.cli.conftest import SHAPE, Command, files_below
from tests.api.lakes import Sample, add_sample, label_voxels
from tests.servers.s3_proxy import S3Proxy, s3_proxy
from tests.servers.web import run_web

from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.s3 import S3Server

# Of the library that writes images, about itself.
pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
NAME = "lab/far/em"


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the list of stores."""
    folder = tmp_path / "far"
    folder.mkdir()
    monkeypatch.setenv("VOXLAKE_ALLOWED_STORES", str(folder))
    return folder


@pytest.fixture
def lake(voxlake: Command) -> Command:
    """The command on a lake without datasets."""
    voxlake("init").ok()
    return voxlake


def write_image(path: Path, version: str) -> None:
    """Write an image as another program does."""
    voxels = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
    image = ngff_zarr.to_ngff_image(
        voxels, dims=("z", "y", "x"), scale=dict.fromkeys("zyx", 10.0), name="em"
    )
    levels = ngff_zarr.to_multiscales(image, scale_factors=[2])
    ngff_zarr.to_ome_zarr(str(path), levels, version=version)


def write_labels(folder: StoreURL) -> StoreURL:
    """Write labels of a lake of somebody else."""
    sample = Sample("their/own/cells", label_voxels((20, 33, 37)), Kind.LABELS)
    with open_catalog(StoreURL.parse(f"memory://{id(folder):x}"), Settings()) as catalog:
        url = add_sample(folder, catalog, sample)
    store.delete_tree(folder / "their/own/cells.index")
    return url


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_what_another_program_wrote_is_a_dataset(
    lake: Command, far: Path, image: Path, labels: Path, version: str
) -> None:
    write_image(far / "em.zarr", version)
    before = files_below(far)
    assert lake("register", far / "em.zarr", NAME).ok()["read_only"] is True
    info = lake("info", NAME).ok()
    assert (info["ngff_version"], info["read_only"], info["whole"]) == (version, True, True)
    assert info["store_url"] == str(far / "em.zarr")
    assert lake("ls").ok()["datasets"][0]["read_only"] is True
    assert lake("validate", NAME).document["url"] == str(far / "em.zarr")
    assert lake("verify", NAME, "--source", image).ok()["state"] == "done"
    lake("fsck", NAME).ok()
    for words in (
        ("downsample", NAME),
        ("ingest", image, NAME, "--kind", "image", "--voxel-size", "10nm", "--overwrite"),
        ("ingest", labels, "lab/far/cells", "--kind", "labels", "--of", "em"),
    ):
        refused = lake(*words)
        assert (refused.code, refused.kind) == (2, "unsupported"), words
        assert "registered in place" in refused.document["detail"]
    lake("mv", NAME, "lab/near/em").ok()
    assert lake("info", "lab/near/em").ok()["store_url"] == str(far / "em.zarr")
    lake("rm", "lab/near/em").ok()
    assert lake("ls").ok()["datasets"] == []
    assert files_below(far) == before


def test_labels_are_asked_with_and_without_an_index(lake: Command, far: Path) -> None:
    write_labels(StoreURL.parse(str(far)))
    before = files_below(far)
    name = "lab/far/cells"
    lake("register", far / "their/own/cells.ome.zarr", name).ok()
    scanned = lake("labels", name).ok()
    assert scanned["labels"]
    lake("index", name).ok()
    lake("mv", name, "lab/far/nuclei").ok()
    asked = lake("labels", "lab/far/nuclei").ok()
    assert asked["labels"] == scanned["labels"]
    assert lake("info", "lab/far/nuclei").ok()["index"]["missing"] == 0
    lake("rm", "lab/far/nuclei").ok()
    assert files_below(far) == before
    left = [path for path in (Path(lake.lake) / ".voxlake").rglob("*.parquet") if path.is_file()]
    assert left == []


@pytest.fixture
def on_s3(s3_server: S3Server, s3_store: StoreURL) -> Iterator[tuple[str, S3Proxy]]:
    """Labels on S3, behind a server that counts requests: their address, and that server."""
    lies = write_labels(s3_store)
    with s3_proxy(s3_server.endpoint) as proxy:
        yield f"s3://{lies.root}/{lies.key}?endpoint={proxy.endpoint}", proxy


def test_a_bucket_of_others_is_asked_and_never_changed(
    lake: Command, on_s3: tuple[str, S3Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, proxy = on_s3
    monkeypatch.setenv("VOXLAKE_ALLOWED_STORES", url)
    name = "lab/far/cells"
    lake("register", url, name).ok()
    scanned = lake("labels", name).ok()["labels"]
    lake("index", name).ok()
    assert lake("labels", name).ok()["labels"] == scanned
    assert lake("fsck", name).code == 5  # Its level 1 is no mode of level 0.
    lake("rm", name).ok()
    assert {each.method for each in proxy.requests} == {"GET", "HEAD"}


def test_the_web_is_read_in_place(
    lake: Command, far: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_labels(StoreURL.parse(str(far)))
    with run_web(far) as web:
        monkeypatch.setenv("VOXLAKE_ALLOWED_STORES", web.address)
        name = "lab/far/cells"
        lake("register", f"{web.address}/their/own/cells.ome.zarr", name).ok()
        scanned = lake("labels", name).ok()["labels"]
        lake("index", name).ok()
        assert lake("labels", name).ok()["labels"] == scanned
        assert lake("info", name).ok()["read_only"] is True
        refused = lake("fsck", name)
        assert "on the web" in refused.document["detail"]
        lake("rm", name).ok()


def test_what_is_not_on_the_list_is_not_registered(lake: Command, tmp_path: Path) -> None:
    write_image(tmp_path / "em.zarr", "0.4")
    refused = lake("register", tmp_path / "em.zarr", NAME)
    assert (refused.code, refused.kind) == (3, "store-forbidden")
    assert "VOXLAKE_ALLOWED_STORES" in refused.document["detail"]
    assert lake("ls").ok()["datasets"] == []


def test_what_was_taken_off_the_list_is_not_opened(
    lake: Command, far: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(far / "em.zarr", "0.4")
    lake("register", far / "em.zarr", NAME).ok()
    monkeypatch.setenv("VOXLAKE_ALLOWED_STORES", "")
    for command in ("info", "fsck", "validate"):
        assert lake(command, NAME).kind == "store-forbidden"
    lake("rm", NAME).ok()


def test_what_the_lake_has_is_not_registered_again(filled: Command, far: Path) -> None:
    inside = Path(filled.lake) / "lab/cube/em.ome.zarr"
    refused = filled("register", inside, "lab/cube/again")
    assert refused.kind == "conflict"
    write_image(far / "em.zarr", "0.5")
    filled("register", far / "em.zarr", NAME).ok()
    for name in (NAME, "lab/far/again"):
        assert filled("register", far / "em.zarr", name).kind == "conflict"
    assert filled("register", far / "nothing.zarr", "lab/far/none").kind == "not-found"
    assert filled("register", far / "em.zarr", "lab/far/x", "--of", "none").code != 0
