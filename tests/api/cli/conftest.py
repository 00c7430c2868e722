"""The command, run in this process or as one of its own, on a lake of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, image_voxels
from tests.api.working import run_beside_worker
from tests.installations import begin_lake

from voxlake.cli import main
from voxlake.client.http.credentials import Credentials, keep
from voxlake.documents.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

SHAPE = (23, 37, 41)
SERVED_SHAPE = (16, 20, 700)
"""Of the image of the gateway."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its one JSON document; fails if stdout holds anything else."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document

    @property
    def kind(self) -> str:
        """The kind of the problem that the command ended with."""
        return Problem.model_validate(self.document).kind

    def ok(self) -> dict[str, Any]:
        """Return the document of a command that must have done its work."""
        assert self.code == 0, self
        return self.document


class Command:
    """``voxlake`` in this process, with a lake and answers in JSON."""

    def __init__(self, lake: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.lake = lake
        self._capsys = capsys

    def __call__(self, *words: object) -> Answer:
        """Run a command with ``--json``."""
        return self._run(*words, "--json")

    def plain(self, *words: object) -> Answer:
        """Run a command that answers people, who never see a traceback."""
        answer = self._run(*words)
        assert "Traceback" not in answer.out
        return answer

    def _run(self, *words: object) -> Answer:
        self._capsys.readouterr()
        code = main([str(word) for word in words])
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return Answer(code, said.out, said.err)

    def ingest(self, source: object, name: str = "lab/cube/em", *words: object) -> Answer:
        """Ingest an image of 10 nm voxels."""
        kind = () if "--kind" in words else ("--kind", "image")
        return self("ingest", source, name, *kind, "--voxel-size", "10nm", *words)


@pytest.fixture
def voxlake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command, on the lake ``tmp_path/lake``, which is not there yet."""
    return command_on(str(tmp_path / "lake"), tmp_path, monkeypatch, capsys)


def command_on(
    lake: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Return the command on `lake`, with nothing of the user's own in reach."""
    monkeypatch.setenv("VOXLAKE_LAKE", lake)
    monkeypatch.setenv("VOXLAKE_WORKERS", "0")
    for name in ("DATA", "CACHE", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    return Command(lake, capsys)


@pytest.fixture
def gateway_url(voxlake: Command, lake: StoreURL, tmp_path: Path) -> Iterator[str]:
    """A gateway beside a worker, at which the command has signed in; it ingests from tmp_path."""
    sample = Sample("lab/brain/em", image_voxels(SERVED_SHAPE))
    with run_beside_worker(begin_lake(lake), tmp_path, sample) as url:
        keep(Credentials(gateway=url, secret=TOKEN))
        yield url


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A small image of noise."""
    return save_image(tmp_path)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Labels of the same shape: 0, and a few ids up to the largest there is."""
    return save_labels(tmp_path)


@pytest.fixture
def filled(voxlake: Command, image: Path, labels: Path) -> Command:
    """The command on a lake with ``lab/cube/em`` and its labels ``lab/cube/cells``, indexed."""
    fill(voxlake.lake, image, labels)
    return voxlake


@pytest.fixture(scope="session")
def shared_lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lake like that of `filled`, for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("shared")
    lake = str(folder / "lake")
    fill(lake, save_image(folder), save_labels(folder))
    return lake


@pytest.fixture
def shared(
    shared_lake: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command on the shared lake."""
    return command_on(shared_lake, tmp_path, monkeypatch, capsys)


def save_image(folder: Path) -> Path:
    """Write a small image of noise."""
    np.save(folder / "image", np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8))
    return folder / "image.npy"


def save_labels(folder: Path) -> Path:
    """Write labels of the same shape."""
    ids = np.array([0, 1, 7, 2**64 - 1], np.uint64)
    np.save(folder / "labels", np.random.default_rng(1).choice(ids, SHAPE))
    return folder / "labels.npy"


def fill(lake: str, image: Path, labels: Path) -> None:
    """Ingest both into a lake."""
    common = ["--voxel-size", "10nm", "--lake", lake, "--workers", "0", "--json"]
    assert main(["ingest", str(image), "lab/cube/em", "--kind", "image", *common]) == 0
    words = ["--kind", "labels", "--of", "em", "--index"]
    assert main(["ingest", str(labels), "lab/cube/cells", *words, *common]) == 0


def run_command(*words: object, **environment: str) -> Answer:
    """Run ``voxlake`` as a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "voxlake.cli", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def files_below(folder: Path) -> dict[str, bytes]:
    """Return every file of a lake, its catalog aside, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".voxlake" not in path.parts
    }
