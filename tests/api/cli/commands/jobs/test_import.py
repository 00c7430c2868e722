"""``voxlake import``: a channel of a bossDB, with all that is said of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from tests.servers.bossdb import BossDB, run_bossdb

from voxlake.cli.opened.lake import EVERYTHING
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.cli.conftest import Command

    from voxlake.platform.catalog import Catalog

RNG = np.random.default_rng(5)
IMAGE = RNG.integers(0, 1 << 16, (1, 20, 30, 40), np.uint16)
NAME = "lab/brain/em"


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")


@pytest.fixture
def boss() -> Iterator[BossDB]:
    said = BossDB(
        IMAGE,
        start=(-5, 0, 7),
        descriptions={"lab": "of flies", "lab/brain": "a brain", NAME: "its em"},
        values={
            "lab": {"licence": "CC-BY"},
            NAME: {"a&b=c #+%": "x & y = z + # ü\n", "doi": "10.1/2"},
        },
        frame={"name": "bench", "description": "of light"},
    )
    with run_bossdb(said) as running:
        yield running


def stored(lake: str, name: str = NAME) -> np.ndarray:
    """Return the voxels of level 0, read by zarr."""
    array = zarr.open_group(Path(lake) / f"{name}.ome.zarr", mode="r")["0"]
    assert isinstance(array, zarr.Array)
    return np.asarray(array[...])


def catalog_of(lake: str) -> Catalog:
    return open_catalog(StoreURL.parse(lake), Settings())


def test_everything_is_brought_once(voxlake: Command, boss: BossDB) -> None:
    plan = voxlake("plan", boss.location, NAME, "--kind", "image").ok()
    assert plan["understood"] == (
        "20 x 30 x 40 zyx, uint16, 40 x 4 x 4.5 nm, translation -200, 0, 31.5 nm"
    )
    done = voxlake("import", boss.location).ok()
    assert done["job"]["state"] == "done"
    np.testing.assert_array_equal(stored(voxlake.lake), IMAGE[0])
    info = voxlake("info", NAME).ok()
    assert (info["kind"], info["description"]) == ("image", "its em")
    assert info["levels"][0]["translation"] == [-200, 0, 31.5]
    assert voxlake("meta", "ls", NAME).ok()["values"] == boss.values[NAME]
    assert voxlake("meta", "ls", "lab").ok()["values"] == boss.values["lab"]
    with catalog_of(voxlake.lake) as catalog:
        assert catalog.collections.get(("lab",)).description == "of flies"
        assert catalog.collections.get(("lab", "brain")).description == "a brain"
        assert catalog.collections.get(("lab", "brain")).frame == "bench"
        sizes = (40.0, 4.0, 4.5)
        want = Frame("bench", (-5, 0, 7), (15, 30, 47), sizes, "nanometer", "of light")
        assert catalog.frames.get("bench") == want
        origin = catalog.provenance.get(catalog.list_datasets()[0].name, EVERYTHING)
        assert origin.read_from == boss.location
    assert not done["left"]
    assert len(done["written"]) == 7
    boss.asked.clear()
    again = voxlake("import", boss.location).ok()
    assert (again["job"], again["written"], again["left"]) == (None, [], [])
    assert len(boss.cutouts) <= 1  # whether it can be read
    assert "nothing is left" in voxlake.plain("import", boss.location).out
    assert voxlake("verify", NAME, "--source", boss.location).ok()["verified"]


def test_what_is_said_here_stays(voxlake: Command, boss: BossDB) -> None:
    voxlake("import", boss.location).ok()
    voxlake("meta", "describe", NAME, "mine").ok()
    voxlake("meta", "put", NAME, "doi", "mine").ok()
    boss.values[NAME]["more"] = "v"
    boss.values[NAME]["long"] = "v" * 70_000
    boss.frame["z_voxel_size"] = 40.0
    again = voxlake("import", boss.location).ok()
    assert again["written"] == [f"value of 'more' of {NAME}"]
    left = "\n".join(again["left"])
    assert len(again["left"]) == 3
    for words in ("description of lab/brain/em", "'doi'", "'long'"):
        assert words in left
    assert voxlake("meta", "get", NAME, "doi").ok()["values"] == {"doi": "mine"}


def test_another_name_beside_others(voxlake: Command, boss: BossDB, image: Path) -> None:
    voxlake.ingest(image, "my/own/em").ok()
    boss.channel = {"sources": ["em"], "related": ["gone", "../x"]}
    done = voxlake("import", boss.location, "my/own/copy").ok()
    np.testing.assert_array_equal(stored(voxlake.lake, "my/own/copy"), IMAGE[0])
    assert "source my/own/em" in done["written"]
    left = "\n".join(done["left"])
    # What lies there already is in no frame that somebody else has said.
    for words in ("frame bench: my/own holds my/own/em", "'gone'", "'../x'"):
        assert words in left
    info = voxlake("info", "my/own/copy").ok()
    assert info["provenance"]["sources"] == ["my/own/em"]


def test_annotations_become_labels(voxlake: Command, boss: BossDB) -> None:
    boss.channel = {"type": "annotation", "datatype": "uint16"}
    voxlake("import", boss.location, "--index").ok()
    assert stored(voxlake.lake).dtype == np.uint64
    np.testing.assert_array_equal(stored(voxlake.lake), IMAGE[0])
    ids, counts = np.unique(IMAGE[IMAGE > 0], return_counts=True)
    found = voxlake("label", NAME, ids[3]).ok()
    assert found["voxels"] == counts[3]


def test_nobody_described_it(voxlake: Command, boss: BossDB) -> None:
    boss.values.clear()
    for said in (boss.channel, boss.experiment, boss.frame):
        said["description"] = None
    done = voxlake("import", boss.location).ok()
    assert done["written"] == ["description of lab", "frame bench"]


def test_what_is_refused_is_said(voxlake: Command, boss: BossDB) -> None:
    boss.hides = True
    done = voxlake("import", boss.location).ok()
    assert len(done["left"]) == 3
    assert "missing permissions" in done["left"][0]
    assert f"description of {NAME}" in done["written"]
    assert not voxlake("meta", "ls", NAME).ok()["values"]


def test_what_cannot_be_read_makes_no_lake(voxlake: Command, boss: BossDB) -> None:
    boss.token = "abcdefgh"
    assert voxlake("import", boss.location).code == 2
    boss.token = None
    for words in (
        ("em.tif",),
        ("bossdb+http://me:hushhush@127.0.0.1/a/b/c",),
        (boss.location, "lab/brain"),
        (boss.location, NAME, "--with-labels"),
    ):
        refused = voxlake("import", *words)
        assert refused.code == 2
        assert "hushhush" not in refused.out + refused.err
    assert not Path(voxlake.lake).exists()


def test_tokens_are_written_nowhere(
    voxlake: Command, boss: BossDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss.token = "a-token-of-somebody"
    for name, value in (
        ("HOST", boss.address.removeprefix("http://")),
        ("PROTOCOL", "http"),
        ("TOKEN", boss.token),
    ):
        monkeypatch.setenv(f"INTERN_{name}", value)
    said = voxlake("import", boss.location)
    said.ok()
    boss.values["lab"] = {"k": "v"}
    boss.frame["x_stop"] = -9
    failed = voxlake("import", boss.location, "lab/brain/other")
    assert failed.code == 2
    for text in (said.out, said.err, failed.out, failed.err):
        assert boss.token not in text
    for file in Path(voxlake.lake).rglob("*"):
        assert not file.is_file() or boss.token.encode() not in file.read_bytes()


def test_verify_finds_a_voxel_that_changed_there(voxlake: Command, boss: BossDB) -> None:
    voxlake("import", boss.location).ok()
    boss.voxels = boss.voxels.copy()
    boss.voxels[0, 19, 0, 39] ^= 1
    found = voxlake("verify", NAME, "--source", boss.location)
    assert found.code == 5
    assert found.document["differences"]


@pytest.mark.timeout(120)
def test_killed_in_the_midst_it_goes_on(voxlake: Command, tmp_path: Path) -> None:
    """Of 40 cutouts those are not asked for again whose shards were written."""
    film = RNG.integers(0, 256, (40, 3, 20, 30), np.uint8)
    with run_bossdb(BossDB(film, delay=0.1)) as boss:
        words = [sys.executable, "-m", "voxlake.cli", "import", boss.location, "--json"]
        environment = os.environ | {"VOXLAKE_TASK_BYTES": "1"}
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) as killed:
            deadline = time.monotonic() + 60
            while len(boss.cutouts) < 20:
                assert killed.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            killed.send_signal(signal.SIGKILL)
        asked = set(boss.cutouts)
        boss.asked.clear()
        boss.delay = 0
        ended = subprocess.run(words, env=environment, capture_output=True, check=False, text=True)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["job"]["state"] == "done"
        assert len(asked & set(boss.cutouts)) < 12
    np.testing.assert_array_equal(stored(voxlake.lake), film)
