"""The script for Slurm starts workers as a node of it would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from distributed import Client
from tests.docs.pages import ROOT
from tests.servers.dask import DaskCluster

SCRIPT = ROOT / "deploy" / "slurm" / "dask-workers.sbatch"


def test_a_share_of_a_node_works_for_the_scheduler(tmp_path: Path) -> None:
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\nexec "$@"\n')  # Slurm is not here: it starts what it is given.
    srun.chmod(0o755)
    settings = tmp_path / "settings.env"
    settings.write_text("VOXLAKE_S3_ENDPOINT=https://s3.example.org\n")
    cluster = DaskCluster(tmp_path)
    cluster.start(workers=0)
    environment = os.environ | {
        "PATH": f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SLURM_CPUS_PER_TASK": "8",
        "SLURM_MEM_PER_NODE": "2048",
        "TMPDIR": str(tmp_path),
        "VOXLAKE_SCHEDULER": cluster.address,
        "VOXLAKE_SETTINGS": str(settings),
    }
    with subprocess.Popen(["bash", SCRIPT], env=environment, stderr=subprocess.DEVNULL) as started:
        try:
            with Client(cluster.address) as client:
                client.wait_for_workers(2, timeout=60)
                workers = client.scheduler_info()["workers"].values()
                assert [worker["nthreads"] for worker in workers] == [4, 4]
                assert {worker["memory_limit"] for worker in workers} == {1 << 30}
                told = client.run(os.getenv, "VOXLAKE_S3_ENDPOINT")
                assert set(told.values()) == {"https://s3.example.org"}
        finally:
            started.terminate()
            started.wait()
            cluster.stop()


def test_what_slurm_is_told_is_what_the_script_reads() -> None:
    text = SCRIPT.read_text()
    options = dict(
        line[8:].partition("=")[::2] for line in text.splitlines() if line[:8] == "#SBATCH "
    )
    assert {"--cpus-per-task", "--mem"} <= options.keys()
    lifetime, stagger = 23 * 60, 20
    hours = int(options["--time"].partition(":")[0])
    assert lifetime + stagger < hours * 60
    assert f"--lifetime {lifetime // 60}h --lifetime-stagger {stagger}m" in text
