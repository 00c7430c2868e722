"""``voxlake plan``: the same options as ingest, nothing written, and what it says comes true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from distributed import Client
from PIL import Image
from tests.servers.dask import DaskCluster

from voxlake.compute.passes.threads import available_cores

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command

QUICK = ("--voxel-size", "10nm", "--seconds", "1")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def _everything_below(folder: str) -> dict[str, bytes | None]:
    root = Path(folder)
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if "catalog.sqlite-" not in path.name  # SQLite's own, which come and go with readers
    }


def test_a_plan_needs_no_lake_and_makes_none(voxlake: Command, image: Path) -> None:
    plan = voxlake("plan", image, "lab/cube/em", "--kind", "image", *QUICK).ok()
    assert not Path(voxlake.lake).exists()
    assert (plan["job"], plan["dataset"], plan["dtype"]) == ("ingest", "lab/cube/em", "uint8")
    assert plan["time"]["cores"] == available_cores()
    assert plan["memory"]["fits"] is True
    assert plan["cost"]["as_of"] in voxlake.plain("plan", "--show-prices").out


def test_a_plan_of_an_ingest_comes_true(voxlake: Command, image: Path, labels: Path) -> None:
    words = ("--factors", "1,2,2", "--factors", "2,2,2", "--reduce", "max", "--reverse", "z")
    common = ("lab/cube/em", "--kind", "image", "--voxel-size", "10nm", *words)
    plan = voxlake("plan", image, *common).ok()
    report = voxlake("ingest", image, *common).ok()
    info = voxlake("info", "lab/cube/em").ok()
    for said, level in zip(plan["levels"], info["levels"], strict=True):
        assert [said[key] for key in ("shape", "chunk", "shard")] == [
            level[key] for key in ("shape", "chunk", "shard")
        ]
        assert said["shards"] == level["stored"]["objects"]
    assert plan["levels"][0]["stored_bytes"] == info["levels"][0]["stored"]["bytes"]
    assert [(s["name"], s["tasks"], s["voxels"]) for s in plan["stages"]] == [
        (s["name"], s["tasks"], s["run"]["voxels"]) for s in report["stages"]
    ]
    files = [path for path in Path(info["store_url"]).rglob("*") if path.is_file()]
    assert len(files) == plan["objects"]
    of_image = ("lab/cube/cells", "--kind", "labels", "--of", "em", "--index")
    plan = voxlake("plan", labels, *of_image).ok()
    report = voxlake("ingest", labels, *of_image).ok()
    assert [s["name"] for s in plan["stages"]] == [s["name"] for s in report["stages"]]
    assert len(plan["levels"]) == 3


def test_a_plan_changes_nothing_in_a_lake(filled: Command, labels: Path) -> None:
    before = _everything_below(filled.lake)
    jobs = filled("jobs").document
    filled("plan", labels, "lab/cube/more", "--kind", "labels", "--of", "em").ok()
    filled("plan", "lab/cube/em", "--job", "downsample").ok()
    assert _everything_below(filled.lake) == before
    assert filled("jobs").document == jobs


def test_a_downsample_is_planned_of_a_dataset(shared: Command) -> None:
    plan = shared("plan", "lab/cube/em", "--job", "downsample").ok()
    assert [level["made"] for level in plan["levels"]] == [
        False,
        *[True] * (len(plan["levels"]) - 1),
    ]
    assert plan["objects"] == sum(level["shards"] for level in plan["levels"][1:])
    assert all(stage["name"].startswith("downsample") for stage in plan["stages"])
    assert "there" in shared.plain("plan", "lab/cube/em", "--job", "downsample").out


def test_prices_of_one_s_own(voxlake: Command, image: Path, tmp_path: Path) -> None:
    table = tmp_path / "own.toml"
    common = ("plan", image, "lab/cube/em", "--kind", "image", *QUICK)
    examples = voxlake("plan", "--show-prices").ok()
    assert examples["put_your_own_in"] == str(tmp_path / "config" / "voxlake" / "prices.toml")
    table.write_text(examples["text"].replace("storage_tb_month = 23.0", "storage_tb_month = 46"))
    dear, cheap = voxlake(*common, "--prices", table).ok(), voxlake(*common).ok()
    assert dear["cost"]["storage_month"] == pytest.approx(2 * cheap["cost"]["storage_month"])
    assert str(table) in dear["cost"]["prices"]
    refused = voxlake(*common, "--prices", tmp_path / "none.toml")
    assert (refused.code, refused.kind) == (2, "invalid-input")


def test_cores_are_those_given_or_of_the_cluster(
    voxlake: Command, image: Path, tmp_path: Path
) -> None:
    common = ("plan", image, "lab/cube/em", "--kind", "image", *QUICK)
    assert voxlake(*common, "--cores", "500").ok()["time"]["cores"] == 500
    cluster = DaskCluster(tmp_path)
    try:
        cluster.start(workers=2)
        with Client(cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
        time = voxlake(*common, "--scheduler", cluster.address).ok()["time"]
    finally:
        cluster.stop()
    assert time["cores"] == 2
    assert "2 workers" in time["assumed"]


def test_people_see_a_table(voxlake: Command, tmp_path: Path) -> None:
    (tmp_path / "slices").mkdir()
    for z in range(70):
        pixels = np.random.default_rng(z).integers(0, 255, (90, 100), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "slices" / f"{z:03}.png")
    said = voxlake.plain("plan", tmp_path / "slices", "lab/cube/em", "--kind", "image", *QUICK).out
    for words in (
        "90 x 100",
        "PUT",
        "core second",
        "a month",
        "each block is decoded once",
        "2026",
    ):
        assert words in said


def test_a_plan_that_would_be_refused_says_so(
    voxlake: Command, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_MEMORY_LIMIT_BYTES", "1000")
    common = (image, "lab/cube/em", "--kind", "image", "--voxel-size", "10nm")
    plan = voxlake("plan", *common).ok()
    assert plan["memory"]["fits"] is False
    assert "refused" in voxlake.plain("plan", *common).out
    assert voxlake("ingest", *common).kind == "limit-exceeded"


def test_what_is_empty_is_told(voxlake: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "zero.npy", np.zeros((70, 80, 90), np.uint8))
    common = (tmp_path / "zero.npy", "lab/cube/em", "--kind", "image", "--voxel-size", "10nm")
    plan = voxlake("plan", *common).ok()
    assert (plan["stored"]["bytes"], plan["sample"]["empty"], plan["sample"]["ratio"]) == (
        0,
        1,
        None,
    )
    voxlake("ingest", *common).ok()
    assert voxlake("info", "lab/cube/em").ok()["stored"]["objects"] == 0


def test_larger_tasks_make_fewer(voxlake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = []
    for task_bytes in ("1000000", "1000000000"):
        monkeypatch.setenv("VOXLAKE_TASK_BYTES", task_bytes)
        common = ("phantom:512,2048,2048", "lab/cube/em", "--kind", "image", *QUICK)
        tasks.append(voxlake("plan", *common).ok()["stages"][0]["tasks"])
    assert tasks[0] > tasks[1]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("IMAGE", "lab/cube/em"),
        ("IMAGE", "--kind", "image"),
        ("nowhere.npy", "lab/cube/em", "--kind", "image"),
        ("IMAGE", "lab/cube/em", "--kind", "image"),
        ("IMAGE", "lab/cube/em", "--job", "downsample"),
        ("IMAGE", "lab/cube/em", "--kind", "image", "--cores", "0"),
        ("IMAGE", "lab/cube/em", "--kind", "labels", "--reduce", "mean", "--voxel-size", "9nm"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    voxlake: Command, image: Path, words: tuple[str, ...]
) -> None:
    refused = voxlake("plan", *[str(image) if word == "IMAGE" else word for word in words])
    assert refused.code == 2
    assert refused.document["detail"]


def test_what_is_there_or_not_there_is_told(filled: Command, image: Path, labels: Path) -> None:
    def kind_of(*words: Any) -> str:
        answer = filled("plan", *words)
        assert answer.code != 0
        return answer.kind

    assert kind_of(image, "lab/cube/em", "--kind", "image", *QUICK) == "conflict"
    assert kind_of(labels, "lab/cube/x", "--kind", "labels", "--of", "no") == "not-found"
    assert kind_of("lab/cube/none", "--job", "downsample") == "not-found"
