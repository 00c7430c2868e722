"""The composition in containers, by Docker: ``make containers``, which CI does not run.

A Debian with Docker from its packages is made below a folder (VOXLAKE_TEST_CONTAINERS), and whoever
administers it follows deploy/README.md there: the image is built, all is started, voxels are
ingested by the cluster, and read through the proxy. The programs of other images are real, and the
images made here (`images`); nothing stands for Keycloak and Grafana, so nobody signs in: a token is
made. In the end nothing runs, and the folder can be deleted.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
import tifffile
import yaml
from tests.deploy.containers.images import NONE, make_images
from tests.deploy.containers.machine import Machine
from tests.deploy.installation import Installation, lines_of
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

EDGE = 128
VOXELS: NDArray[np.uint8] = np.random.default_rng(7).integers(0, 256, (EDGE,) * 3).astype(np.uint8)
FOLDER = Path(tempfile.gettempdir(), "voxlake-containers")
OURS = ("gateway", "worker", "measure", "scheduler", "dask-worker")
KEPT = ("find", "/kernels", "-type", "f", "-printf", "%P %T@\\n")
pytestmark = pytest.mark.timeout(3600)


@dataclass(frozen=True, slots=True)
class Laboratory(Installation):
    """What is installed on a machine with Docker."""

    machine: Machine

    def do(self, line: str) -> str:
        """Do what a line of the page says."""
        told = line.replace("cd deploy/compose", ":")
        return self.machine.run("bash", "-euc", f"cd /lab/deploy/compose\n{told}")

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a container of a service."""
        composition = "/lab/deploy/compose/compose.yaml"
        words = ("compose", "--file", composition, "exec", "-T", service)
        return self.machine.run("docker", *words, *command)

    def containers(self) -> list[dict[str, Any]]:
        """Return all containers, as Docker knows them."""
        ids = self.do("docker compose ps --all --quiet").split()
        found: list[dict[str, Any]] = json.loads(self.machine.run("docker", "inspect", *ids))
        return found

    def tls(self) -> ssl.SSLContext:
        """Trust what Caddy made for `localhost`."""
        self.do("docker compose cp proxy:/data/caddy/pki/authorities/local/root.crt .")
        return ssl.create_default_context(cafile=str(self.compose / "root.crt"))

    def get(self, path: str, token: str = "", **query: str) -> httpx2.Response:
        """Ask the gateway, through the proxy."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with self.machine.network(), httpx2.Client(verify=self.tls(), timeout=120) as client:
            return client.get(f"{self.url}{path}", headers=headers, params=query)

    def cutout(self, dataset: str, token: str) -> NDArray[np.uint8]:
        """Return all voxels of a dataset, as the gateway sends them through the proxy."""
        path, box = f"/v2/datasets/{dataset}/cutout", dict.fromkeys("zyx", f"0:{EDGE}")
        answer = self.get(path, token, format="npy", **box)
        assert answer.status_code == 200, answer.text
        cutout: NDArray[np.uint8] = np.load(io.BytesIO(answer.content))
        return cutout

    def wait_for_jobs(self) -> int:
        """Wait until all jobs are done, and return how many there are."""
        deadline = time.monotonic() + 600
        while True:
            states = [job["state"] for job in self.voxlake("jobs")["jobs"]]
            if set(states) == {"done"}:
                return len(states)
            assert set(states) <= {"queued", "running", "done"}, states
            assert time.monotonic() < deadline, states
            time.sleep(1)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine on which Docker runs, and nothing else."""
    machine = Machine(Path(os.environ.get("VOXLAKE_TEST_CONTAINERS", FOLDER)).resolve())
    machine.told("make")
    try:
        machine.told("up")
        machine.run(
            "bash", "-c", "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force"
        )
        machine.run("docker", "volume", "prune", "--all", "--force")
        yield machine
    finally:
        machine.told("down")
    assert machine.left() == []


@pytest.fixture(scope="module")
def laboratory(machine: Machine) -> Iterator[Laboratory]:
    """An installation in which a dataset is, that the cluster ingested."""
    laboratory = Laboratory(machine.root / "lab", machine)
    _check_out(laboratory.folder)
    make_images(machine)
    # The page as it is, for all that can be had.
    left_out = {name: {"profiles": ["not-to-be-had"]} for name in NONE}
    override = laboratory.compose / "compose.override.yaml"
    override.write_text(yaml.safe_dump({"services": left_out}))
    laboratory.follow("Settings")
    laboratory.set(
        LAKE_URL="https://localhost",
        ID_URL="https://id.localhost",
        SOURCES="/lab/sources",
        GATEWAY_MEMORY_BYTES=512 << 20,
        DASK_THREADS=1,
        DASK_MEMORY="1GiB",
        TASK_MEMORY_BYTES=1 << 29,
    )
    folder = laboratory.folder / "sources" / "em"
    folder.mkdir(parents=True)
    for z, plane in enumerate(VOXELS):
        tifffile.imwrite(folder / f"{z:03}.tif", plane)
    for heading in ("Start", "People", "Data"):
        laboratory.follow(heading)
    laboratory.wait_for_jobs()
    yield laboratory
    laboratory.do("docker compose down --volumes")


@pytest.fixture(scope="module")
def token(laboratory: Laboratory) -> str:
    """A token of who may read."""
    secret: str = laboratory.voxlake("token make laboratory trial --role viewer")["secret"]
    return secret


def _check_out(folder: Path) -> None:
    """Lay out the tree, as it would be cloned."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)


def test_the_gateway_is_ready(laboratory: Laboratory) -> None:
    assert laboratory.get("/readyz").status_code == 200


def test_the_proxy_sends_what_the_cluster_ingested(laboratory: Laboratory, token: str) -> None:
    assert (laboratory.cutout("lab/brain/em", token) == VOXELS).all()


def test_others_do_not_see_it(laboratory: Laboratory) -> None:
    assert laboratory.get("/v2/datasets/lab/brain/em").status_code == 401


@pytest.mark.parametrize("service", OURS)
def test_a_container_may_do_little(laboratory: Laboratory, service: str) -> None:
    assert laboratory.inside(service, "id", "--user").strip() == "10001"
    status = laboratory.inside(service, "cat", "/proc/self/status")
    told = dict(line.split(":\t") for line in status.splitlines())
    assert (int(told["CapEff"], 16), int(told["CapBnd"], 16), told["NoNewPrivs"]) == (0, 0, "1")
    script = "! touch /x /opt/voxlake/x /usr/x 2> /dev/null && touch /tmp/x"
    laboratory.inside(service, "sh", "-c", script)


def test_what_was_compiled_is_for_its_service_alone(laboratory: Laboratory) -> None:
    for service in ("gateway", "worker", "dask-worker"):
        told = laboratory.inside(service, "stat", "--format", "%u:%g %a", "/kernels")
        assert told.strip() == "10001:10001 700"
    mounted = {
        mount["Name"]: {
            each["Config"]["Labels"]["com.docker.compose.service"]
            for each in laboratory.containers()
            if mount["Name"] in {one.get("Name") for one in each["Mounts"]}
        }
        for container in laboratory.containers()
        for mount in container["Mounts"]
        if mount["Destination"] == "/kernels"
    }
    assert sorted(map(sorted, mounted.values())) == [["dask-worker"], ["gateway"], ["worker"]]


def test_what_was_compiled_is_not_compiled_again(laboratory: Laboratory, token: str) -> None:
    before = laboratory.inside("dask-worker", *KEPT)
    assert ".nbc" in before
    laboratory.do("docker compose restart dask-worker")
    [line] = [each for each in lines_of("Data") if "ingest" in each]
    laboratory.do(line.replace("lab/brain/em", "lab/brain/again"))
    laboratory.wait_for_jobs()
    assert (laboratory.cutout("lab/brain/again", token) == VOXELS).all()
    assert sorted(laboratory.inside("dask-worker", *KEPT).split("\n")) == sorted(before.split("\n"))


def test_nothing_is_lost_by_a_restart(laboratory: Laboratory, token: str) -> None:
    jobs = laboratory.wait_for_jobs()
    laboratory.do("docker compose restart")
    laboratory.do("docker compose up --detach --wait")
    assert (laboratory.cutout("lab/brain/em", token) == VOXELS).all()
    assert laboratory.wait_for_jobs() == jobs


def test_nothing_is_lost_where_all_are_killed(laboratory: Laboratory, token: str) -> None:
    laboratory.do("docker compose kill")
    laboratory.do("docker compose up --detach --wait")
    assert (laboratory.cutout("lab/brain/em", token) == VOXELS).all()


def test_all_end_when_they_are_told(laboratory: Laboratory) -> None:
    laboratory.do("docker compose stop")
    ended = {each["Name"]: each["State"] for each in laboratory.containers()}
    assert {state["Status"] for state in ended.values()} == {"exited"}
    killed = {name for name, state in ended.items() if state["ExitCode"] == 137}
    assert killed == set()
