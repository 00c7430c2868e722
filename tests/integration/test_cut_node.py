"""A cluster of three machines, one of which the network loses in the midst of a job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.servers.network import Network, run_network
from tests.servers.processes import stop

from voxlake.compute.cluster.stream import WINDOW_PER_THREAD
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = "phantom:32,40,16000?kind=labels"
PLACE = Place(DatasetName.parse("faults/cut/cells"), Kind.LABELS)
WINDOW = WINDOW_PER_THREAD * 2
PATIENCE_S = 180
NOTICED_S = "15s"
"""What the guide recommends for `distributed.comm.timeouts.tcp`."""

MOST_S = 90
"""From the cut to the end; 20 s on a machine that is not busy, most of them until it is noticed."""

pytestmark = pytest.mark.timeout(600)


@contextmanager
def _cluster(network: Network, logs: Path) -> Iterator[str]:
    """Run a scheduler and two workers, each on a machine of its own."""
    address = f"tcp://{network.address('scheduler')}:8786"
    host = ["--host", network.address("scheduler"), "--port", "8786"]
    options = ["--nthreads", "1", "--no-nanny", "--death-timeout", "30"]
    with ExitStack() as stack:
        for machine, words in (
            ("scheduler", ["scheduler", *host]),
            ("near", ["worker", address, *options]),
            ("far", ["worker", address, *options]),
        ):
            command = network.on(machine, sys.executable, "-m", "dask", *words, "--no-dashboard")
            log = stack.enter_context((logs / f"{machine}.log").open("wb"))
            environment = os.environ | {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": NOTICED_S}
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            stack.callback(stop, process)
        yield address


def _done(workspace: Workspace) -> int:
    jobs = workspace.catalog.ledger.list_jobs()
    ledger = workspace.catalog.ledger
    return sum(ledger.count_done(job.id, stage.name) for job in jobs for stage in job.stages)


def _shards(workspace: Workspace) -> dict[Path, int]:
    """Return the shards on the disk with the number of the file: another one if written again."""
    folder = (workspace.lake / PLACE.key).path
    found = (path for path in folder.rglob("c/*/*/[0-9]*") if path.is_file())
    return {path: path.stat().st_ino for path in found}


def _levels(workspace: Workspace) -> list[np.ndarray]:
    dataset = workspace.dataset(PLACE)
    volumes = [dataset.level(level) for level in range(dataset.levels)]
    return [volume.read(volume.box).result() for volume in volumes]


def _folder(path: Path) -> StoreURL:
    path.mkdir()
    return StoreURL.parse(str(path))


def test_a_node_is_cut_off_and_the_job_finishes(tmp_path: Path) -> None:
    undisturbed, lake = _folder(tmp_path / "undisturbed"), _folder(tmp_path / "lake")
    small = Settings(workers=0, task_bytes=1)
    with Workspace.opened(undisturbed, small) as workspace:
        summary = run_job(workspace, start_ingest(workspace, IngestRequest(SOURCE, PLACE)))
        expected = _levels(workspace)
    with (
        run_network("scheduler", "near", "far") as network,
        _cluster(network, tmp_path) as address,
        Workspace.opened(lake, Settings()) as workspace,
    ):
        words = ["ingest", SOURCE, str(PLACE.name), "--kind", "labels", "--voxel-size", "10nm"]
        words += ["--lake", str(lake), "--scheduler", address, "--json"]
        command = network.on("scheduler", sys.executable, "-m", "voxlake.cli", *words)
        environment = os.environ | {"VOXLAKE_TASK_BYTES": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        deadline = time.monotonic() + PATIENCE_S
        assert summary.stages[0].tasks > 2 * WINDOW
        while _done(workspace) < WINDOW:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        network.cut("far")
        before, cut_at = _shards(workspace), time.monotonic()
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert time.monotonic() - cut_at < MOST_S
        assert process.returncode == 0, output
        report = json.loads(output)
        assert (report["state"], report["run"]["tasks"]) == ("done", summary.tasks)
        after = _shards(workspace)
        redone = sum(after[path] != number for path, number in before.items())
        assert redone <= WINDOW
        for level, right in zip(_levels(workspace), expected, strict=True):
            np.testing.assert_array_equal(level, right)
