"""Every shell command of the README runs, block by block, on real data, servers and a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import tifffile
from tests.docs.pages import ROOT, blocks_of
from tests.servers.dask import DaskCluster

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docs.conftest import Reader

    from voxlake.platform.store import StoreURL

BLOCKS = [
    block.code for block in blocks_of((ROOT / "README.md").read_text()) if block.language == "sh"
]
SHAPE = (12, 70, 80)


def _block(word: str) -> str:
    (found,) = (block for block in BLOCKS if word in block)
    return found


def _run(script: str, folder: Path, environment: dict[str, str]) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**environment, "PATH": path, "VOXLAKE_WORKERS": "0"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path)
    yield cluster
    cluster.stop()


def test_no_block_is_left_out() -> None:
    words = ("make demo", "curl", "--top", "slices/", "s3://")
    assert sorted(map(_block, words)) == sorted(BLOCKS)


def test_make_runs_in_continuous_integration() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    commands = [line.partition("#")[0].strip() for line in _block("make demo").splitlines()]
    assert [command for command in commands if f"\n{command}" not in script] == []


def test_the_gateway_answers(reader: Reader, tmp_path: Path) -> None:
    _run(_block("curl"), tmp_path, {**reader.environment, "GATEWAY": reader.gateway})
    assert np.load(tmp_path / "cutout.npy").shape == (64, 64, 64)


def test_labels_are_asked_about(reader: Reader, tmp_path: Path) -> None:
    """Of the lake of the documentation, whose labels have other numbers than FIB-25's."""
    shutil.copytree(reader.folder / "demo-lake", tmp_path / "demo-lake")
    bodies = open_dataset(
        _local(tmp_path / "demo-lake" / "flyem" / "fib25" / "em.ome.zarr" / "labels" / "bodies")
    )
    voxels = bodies.level(0).read(bodies.level(0).box).result()
    labels, counts = np.unique(voxels[voxels > 0], return_counts=True)
    first, second = labels[np.argsort(counts)[::-1][:2]]
    script = _block("--top").replace("114488", str(first)).replace("2150", str(second))
    said = _run(script, tmp_path, reader.environment)
    assert np.count_nonzero(np.load(tmp_path / "body.npy")) == counts.max()
    assert f"{counts[labels == first][0] + counts[labels == second][0]:,}" in said


def test_slices_are_processed_in_bulk(tmp_path: Path) -> None:
    voxels = np.random.default_rng(1).integers(0, 200, SHAPE, np.uint8)
    (tmp_path / "slices").mkdir()
    for z, plane in enumerate(voxels):
        tifffile.imwrite(tmp_path / "slices" / f"{z:04}.tif", plane)
    with h5py.File(tmp_path / "segmentation.h5", "w") as file:
        file["stack"] = voxels.astype(np.uint32) // 50
    _run(_block("slices/"), tmp_path, dict(os.environ))
    lake = tmp_path / "lake" / "lab" / "mouse" / "em.ome.zarr"
    for path, expected in (("", voxels), ("labels/cells", voxels // 50)):
        volume = open_dataset(_local(lake / path)).level(0)
        np.testing.assert_array_equal(volume.read(volume.box).result(), expected)


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
    script = _block("s3://").replace("tcp://scheduler:8786", cluster.address)
    script = script.replace("s3://raw/em.ome.zarr", f"{base}/raw/{place.key}")
    _run(script.replace("s3://lab/lake", f"{base}/lake"), tmp_path, dict(os.environ))
    theirs = open_dataset(s3_store / "raw" / place.key).level(0)
    copy = Place(DatasetName("lab", "mouse", "em"), Kind.IMAGE)
    mine = open_dataset(s3_store / "lake" / copy.key).level(0)
    np.testing.assert_array_equal(mine.read(mine.box).result(), theirs.read(theirs.box).result())


def _local(path: Path) -> StoreURL:
    from voxlake.platform.store import StoreURL

    return StoreURL.parse(str(path))
