"""The README runs from top to bottom in one shell, after the demo of a sample or a phantom."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.docs.pages import ROOT, blocks_of
from tests.docs.pasting import SHELL, pasting, python, shell
from tests.servers.dask import DaskCluster

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.sample.folder import write_sample_folder
from voxlake.compute.sources import open_source
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.docs.pages import Block

README = ROOT / "README.md"
BLOCKS = blocks_of(README.read_text())
BIN = Path(sys.executable).parent
EDGE = 70
DEMO = f"""
from voxlake.cli import demo_lake, main
demo_lake.PHANTOM_SIZE = {EDGE}
main(["demo", "--port", "0", "--workers", "0"])
"""


@pytest.fixture(params=["sample", "phantom"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The last line that a demo prints: of a sample, or of what stands in without a network."""
    environment = dict(os.environ)
    if request.param == "sample":
        whole = Box.of_shape((EDGE,) * 3)
        image, labels = (
            open_source(f"phantom:{EDGE}?kind={kind}").read(whole) for kind in ("image", "labels")
        )
        write_sample_folder(tmp_path / "sample", image, labels >> np.uint64(1))
        environment["VOXLAKE_SAMPLE_DIR"] = str(tmp_path / "sample")
    process = subprocess.Popen(
        [sys.executable, "-c", DEMO], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert process.stdout is not None
    with process, process.stdout as said:
        yield next(line for line in said if line.startswith("export "))
        process.terminate()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reader works, without a network and without anything of the user's own."""
    folder = tmp_path / "clone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("VOXLAKE_SAMPLE_DIR", "VOXLAKE_LAKE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    folders = os.environ["PATH"].split(os.pathsep)
    monkeypatch.setenv(
        "PATH", os.pathsep.join(each for each in folders if not Path(each, "voxlake").exists())
    )
    return folder


@pytest.fixture
def paste(folder: Path, demo: str) -> Iterator[Callable[[Block], str]]:
    """A function that pastes a block of the page into the reader's shell, or Python."""

    with shell(VOXLAKE_WORKERS="0") as in_shell:
        gateway = in_shell(f"{demo}\necho $GATEWAY").strip()
        with python(GATEWAY=gateway) as in_python:
            yield pasting(in_shell, in_python)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path)
    yield cluster
    cluster.stop()


def test_make_runs_in_continuous_integration() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    commands = BLOCKS[0].code.splitlines()
    assert [command for command in commands if f"\n{command}" not in script] == []


def test_from_top_to_bottom(
    folder: Path, paste: Callable[[Block], str], request: pytest.FixtureRequest
) -> None:
    """All but the first block, which is the demo, and the last, which is another test."""
    bulk = next(number for number, block in enumerate(BLOCKS) if "slices" in block.code)
    for block in BLOCKS[1:bulk]:
        paste(block)
    assert np.load("cutout.npy").shape == (64, 64, 64)
    if "phantom" in request.node.name:
        return  # The rest speaks of nothing that the demo makes.
    for block in BLOCKS[bulk:-1]:
        paste(block)
    images = [
        open_dataset(StoreURL.parse(str(folder / lake)))
        for lake in ("demo-lake/flyem/fib25/em.ome.zarr", "lake/lab/fly/em.ome.zarr")
    ]
    part = Box((0, 0, 0), (64, EDGE, EDGE))
    theirs, mine = (image.level(0).read(part).result() for image in images)
    np.testing.assert_array_equal(mine, theirs)


def test_the_same_runs_on_a_cluster(
    s3_store: StoreURL, cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real S3 server and a real Dask cluster, at their addresses."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    place = Place(DatasetName("raw", "em", "em"), Kind.IMAGE)
    with Workspace.opened(s3_store / "raw", Settings(workers=0)) as workspace:
        run_job(workspace, start_ingest(workspace, IngestRequest("phantom:20,70,80", place)))
    cluster.start(workers=1)
    base = f"s3://{s3_store.root}/{s3_store.key}"
    script = BLOCKS[-1].code.replace("tcp://scheduler:8786", cluster.address)
    script = script.replace("s3://raw/em.ome.zarr", f"{base}/raw/{place.key}")
    script = script.replace("s3://lab/lake", f"{base}/lake")
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([*SHELL, "-c", script], cwd=tmp_path, env=environment, check=True, timeout=200)
    theirs = open_dataset(s3_store / "raw" / place.key).level(0)
    copy = Place(DatasetName("lab", "fly", "em"), Kind.IMAGE)
    mine = open_dataset(s3_store / "lake" / copy.key).level(0)
    np.testing.assert_array_equal(mine.read(mine.box).result(), theirs.read(theirs.box).result())
