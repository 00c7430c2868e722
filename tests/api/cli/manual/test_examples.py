"""Every command has examples, its help shows them, and they do what they are there for."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import tifffile
from tests.api.cli.conftest import Command, command_on
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, image_voxels
from tests.api.working import run_beside_worker
from tests.servers.bossdb import BossDB, run_bossdb

from voxlake.cli import main
from voxlake.cli.app import COMMANDS, command_line
from voxlake.cli.manual.examples import EXAMPLES
from voxlake.cli.manual.exit_codes import MEANINGS
from voxlake.client.http.owner import TOKEN_FILE
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cyclopts import App

SHAPE = (9, 20, 30)
AT_GATEWAY = (
    "login",
    "whoami",
    "jobs look",
    "jobs plan",
    "jobs start",
    "upload",
    "login-link",
    "logout",
)
"""Commands whose examples need a gateway with a worker, in the order in which they are run."""
ELSEWHERE = {
    "voxlake demo --size 64 --no-serve --lake phantom": "tests/api/cli/commands/lake/test_demo.py",
    "voxlake login https://lake.example.org": "tests/api/identity/oidc/test_device_login.py",
    "voxlake credentials lab/mouse/em": "tests/api/cli/commands/lake/test_credentials.py",
    "voxlake serve --host 0.0.0.0 --workers 4": "tests/api/workers/test_workers.py",
    "voxlake jobs --gateway $GATEWAY": "tests/api/cli/commands/jobs/test_jobs_of_gateways.py",
}
"""Examples that other tests try: they need an issuer, STS, more processes, or long."""
OWN_JOB = {"jobs resume", "jobs cancel"}
"""Commands that need a job which waits; others are about one that is done."""


def _words(app: App, name: str) -> Iterator[str]:
    yield name
    for word in app:
        if not word.startswith("-"):
            yield from _words(app[word], f"{name} {word}")


def _all_commands() -> set[str]:
    names = [place.partition(":")[2].rstrip("_").replace("_", "-") for place in COMMANDS]
    app = command_line(names)
    return {words for name in names for words in _words(app[name], name)}


def test_every_command_has_examples_of_its_own() -> None:
    assert EXAMPLES.keys() == _all_commands()
    for name, examples in EXAMPLES.items():
        assert any(each.startswith(f"voxlake {name}") for each in examples), name


@pytest.mark.parametrize("command", ["ls", "jobs show", "token make", "ingest"])
def test_help_reads_like_a_page_of_a_manual(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it is used like, does, takes, examples, the environment, exit codes; in this order."""
    assert main([*command.split(), "--help"]) == 0
    shown = " ".join(re.sub("[│╭╰─╮╯•]", " ", capsys.readouterr().out).split())
    parts = [
        f"Usage: voxlake {command}",
        "Parameters",
        f"Examples {' '.join(EXAMPLES[command])}",
        "Environment:",
        f"Exit codes: {', '.join(f'{code} {what}' for code, what in MEANINGS.items())}.",
    ]
    places = [shown.find(part) for part in parts]
    assert places == sorted(places)
    assert places[0] == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with slices, labels in a file, an OME-Zarr of others, and an empty place."""
    folder = tmp_path_factory.mktemp("examples")
    voxels = np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)
    (folder / "slices").mkdir()
    for z, plane in enumerate(voxels):
        tifffile.imwrite(folder / "slices" / f"{z:03}.tif", plane)
    with h5py.File(folder / "cells.h5", "w") as file:
        file["stack"] = np.repeat(np.arange(5, 14, dtype=np.uint64), 600).reshape(SHAPE)
    (folder / "token").write_text(TOKEN)
    return folder


class Reader:
    """Who tries the examples, in a folder of their own."""

    def __init__(self, voxlake: Command, patch: pytest.MonkeyPatch) -> None:
        self.voxlake, self.patch = voxlake, patch
        self.here = {"/data": "data"}
        """What stands here for what examples name."""

    def try_all(self, name: str) -> None:
        """Run the examples of a command; all of them must do their work."""
        if name in OWN_JOB:
            self.here["$JOB"] = self.voxlake("index", "lab/mouse/cells", "--queue").ok()["id"]
        for example in EXAMPLES[name]:
            if example not in ELSEWHERE:
                self._try(example)

    def _try(self, example: str) -> None:
        line, _, file = example.partition(" < ")
        for named, here in self.here.items():
            line = line.replace(named, here)
        with open(file or os.devnull) as stdin:  # noqa: PTH123  (as a shell does)
            self.patch.setattr("sys.stdin", stdin)
            answer = self.voxlake.plain(*shlex.split(line)[1:])
        assert answer.code == 0, (line, answer)


@pytest.fixture
def reader(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Reader:
    """A reader in a copy of what was made."""
    here = tmp_path / "here"
    shutil.copytree(made, here)
    monkeypatch.chdir(here)
    monkeypatch.setenv("VOXLAKE_ALLOWED_STORES", f"{here}/data")
    return Reader(command_on(str(here / "lake"), tmp_path, monkeypatch, capsys), monkeypatch)


def _prepare(reader: Reader, name: str) -> None:
    """Make what an example takes for granted."""
    match name:
        case "register":
            source = Path("lake/lab/mouse/em.ome.zarr")
            shutil.copytree(
                source, "data/open/em.ome.zarr", ignore=shutil.ignore_patterns("labels")
            )
        case "user add":
            reader.voxlake("user", "add", "bob").ok()
        case "purge":
            reader.voxlake("rm", "lab/mouse/average", "--later").ok()
        case "session end":
            with open_catalog(StoreURL.parse(reader.voxlake.lake), Settings()) as catalog:
                catalog.sessions.begin("ada")


def test_examples_on_a_lake_do_their_work(reader: Reader) -> None:
    channel = BossDB(np.zeros((1, *SHAPE), np.uint8))
    with run_bossdb(channel) as boss:
        reader.here["bossdb://api.bossdb.io"] = f"bossdb+{boss.address}"
        for name in EXAMPLES:
            if name not in {*AT_GATEWAY, "serve"}:
                _prepare(reader, name)
                reader.try_all(name)
    assert Path("em.html").stat().st_size > 1000
    assert np.load("seven.npy").any()


def test_examples_at_a_gateway_do_their_work(reader: Reader, lake: StoreURL) -> None:
    sample = Sample("lab/mouse/em", image_voxels(SHAPE))
    with run_beside_worker(lake, Path.cwd(), sample) as url:
        for named in ("https://lake.example.org", "http://127.0.0.1:8080", "$GATEWAY"):
            reader.here[named] = url
        reader.here["/data"] = str(Path.cwd())
        tokens = Path(os.environ["XDG_STATE_HOME"]) / "voxlake"
        tokens.mkdir(parents=True)
        (tokens / TOKEN_FILE).write_text(TOKEN)
        for name in AT_GATEWAY:
            reader.try_all(name)


def test_the_example_of_a_server_serves(reader: Reader) -> None:
    reader.try_all("ingest")
    words = shlex.split(EXAMPLES["serve"][0])[1:]
    command = [sys.executable, "-m", "voxlake.cli", *words, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            said += server.stdout.readline()
        server.terminate()
    assert json.loads(said)["url"].startswith("http://127.0.0.1:")
