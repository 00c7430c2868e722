"""In all of deploy/, tasks are planned for the memory that Dask workers have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dask.config
import pytest
from dask.utils import parse_bytes
from tests.deploy.test_files import SERVICES, SETTINGS
from tests.deploy.test_helm import pods, rendered
from tests.docs.pages import ROOT

from voxlake.compute.cluster.opening import MEMORY
from voxlake.compute.cluster.room import room_for_task

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Workers:
    """Dask workers of an installation, as its files have them."""

    memory_bytes: int
    threads: int
    task_bytes: int
    """What a task may be projected to need."""
    environment: dict[str, str]


def compose() -> Workers:
    settings = dict(re.findall(r"^(\w+)=(.*)$", SETTINGS, re.MULTILINE))

    def value(text: str) -> str:
        return re.sub(r"\$\{(\w+):-.*?\}", lambda found: settings[found[1]], text)

    worker = SERVICES["dask-worker"]
    words = [value(word) for word in worker["command"]]
    limit = SERVICES["worker"]["environment"]["VOXLAKE_MEMORY_LIMIT_BYTES"]
    return Workers(
        parse_bytes(words[words.index("--memory-limit") + 1]),
        int(words[words.index("--nthreads") + 1]),
        int(value(limit)),
        worker["environment"],
    )


def helm() -> Workers:
    documents = rendered()
    [settings] = [each["data"] for each in documents if each["metadata"]["name"] == "lake-settings"]
    [worker] = pods(documents)["lake-dask-worker"]["containers"]
    options = dict(word.split("=") for word in worker["command"] if "=" in word)
    # A fraction of what the container may have; `auto` would be one by the cores of the node.
    fraction = float(options["--memory-limit"])
    assert fraction <= 1
    return Workers(
        int(fraction * parse_bytes(worker["resources"]["limits"]["memory"] + "B")),
        int(options["--nthreads"]),
        int(settings["VOXLAKE_MEMORY_LIMIT_BYTES"]),
        {each["name"]: each["value"] for each in worker["env"] if "value" in each},
    )


def systemd() -> Workers:
    def read(name: str) -> tuple[str, dict[str, str]]:
        text = (ROOT / "deploy" / "systemd" / f"{name}.service").read_text()
        lines = " ".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE))
        return text, dict(word.split("=", 1) for word in lines.split())

    text, environment = read("dask-worker")
    options = dict(re.findall(r"--([\w-]+) (\S+)", text))
    limit = int(read("voxlake-worker")[1]["VOXLAKE_MEMORY_LIMIT_BYTES"])
    memory = parse_bytes(options["memory-limit"])
    return Workers(memory, int(options["nthreads"]), limit, environment)


def slurm() -> Workers:
    folder = ROOT / "deploy" / "slurm"
    script, page = (folder / "dask-workers.sbatch").read_text(), (folder / "README.md").read_text()
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", script, re.MULTILINE))
    [threads] = map(int, re.findall(r"^threads=(\d+)$", script, re.MULTILINE))
    [limit] = map(int, re.findall(r"VOXLAKE_MEMORY_LIMIT_BYTES=(\d+)", page))
    exported = " ".join(re.findall(r"^export (DASK.*)$", script, re.MULTILINE))
    return Workers(
        parse_bytes(options["mem"] + "iB") // (int(options["cpus-per-task"]) // threads),
        threads,
        limit,
        dict(word.split("=") for word in exported.split()),
    )


@pytest.mark.parametrize("installation", [compose, helm, systemd, slurm])
def test_a_task_has_room_and_workers_neither_spill_nor_pause(
    installation: Callable[[], Workers],
) -> None:
    workers = installation()
    room = room_for_task(workers.memory_bytes, workers.threads)
    assert 0.9 * room < workers.task_bytes <= room
    told = dask.config.collect_env({k: str(v) for k, v in workers.environment.items()})
    assert {name: dask.config.get(name, config=told) for name in MEMORY} == MEMORY
