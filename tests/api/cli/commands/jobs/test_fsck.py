"""``voxlake fsck`` and the report of ``voxlake verify``, on a folder and on a real S3 server."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import zarr
from tests.api.cli.conftest import Command, command_on

from voxlake.compute.jobs import Workspace, start_fsck
from voxlake.platform import store
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL


def flip(path: Path, share: float = 0.5) -> bytes:
    """Flip a bit of a file and return what it held."""
    whole = path.read_bytes()
    body = bytearray(whole)
    body[int(len(body) * share)] ^= 4
    path.write_bytes(body)
    return whole


def blake2b(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def test_a_sound_lake(shared: Command) -> None:
    answer = shared("fsck", "--all").ok()
    assert [each["dataset"] for each in answer["datasets"]] == ["lab/cube/cells", "lab/cube/em"]
    assert all(each["findings"] == [] for each in answer["datasets"])
    assert "sound" in shared.plain("fsck", "lab/cube/em", "--quick").out


def test_what_is_found_is_mended_from_the_source_of_the_ingest(filled: Command) -> None:
    group = Path(filled.lake) / "lab/cube/em.ome.zarr"
    shard = group / "0/c/0/0/0"
    (sidecar,) = (Path(filled.lake) / "lab/cube/em.index/cells/shards").rglob("*.parquet")
    whole = flip(shard)
    sidecar.unlink()
    found = filled("fsck", "--all")
    assert found.code == 5
    assert [
        [finding["check"] for finding in each["findings"]] for each in found.document["datasets"]
    ] == [["missing-sidecar"], ["damaged-shard"]]
    plain = filled.plain("fsck", "lab/cube/em")
    assert plain.code == 5
    assert "0/c/0/0/0" in plain.out
    mended = filled("fsck", "--all", "--repair").ok()
    assert all(f["mended"] for each in mended["datasets"] for f in each["findings"])
    assert shard.read_bytes() == whole
    assert filled("fsck", "--all").code == 0


def test_what_cannot_be_mended_is_left_and_named(filled: Command, image: Path) -> None:
    shard = Path(filled.lake) / "lab/cube/em.ome.zarr/0/c/0/0/0"
    copy = image.rename(image.with_name("copy.npy"))
    whole = flip(shard)
    damaged = shard.read_bytes()
    answer = filled("fsck", "lab/cube/em", "--repair")
    assert answer.code == 5
    (finding,) = answer.document["datasets"][0]["findings"]
    assert finding["mended"] is False
    assert finding["box"]["z"][0] == 0
    assert list(finding["box"]) == ["z", "y", "x"]
    assert shard.read_bytes() == damaged
    filled("fsck", "lab/cube/em", "--repair", "--source", copy).ok()
    assert shard.read_bytes() == whole


def test_damaged_metadata_are_found_and_a_meant_change_is_sealed(filled: Command) -> None:
    path = Path(filled.lake) / "lab/cube/em.ome.zarr/zarr.json"
    path.write_text(path.read_text().replace("nanometer", "micrometer"))
    answer = filled("fsck", "lab/cube/em", "--repair")
    assert answer.code == 5
    assert [f["check"] for f in answer.document["datasets"][0]["findings"]] == ["metadata"]
    assert filled("info", "lab/cube/em").code == 1
    filled("fsck", "lab/cube/em", "--seal").ok()
    assert "micrometer" in str(filled("info", "lab/cube/em").ok())


def test_a_resumed_look_tells_what_it_found(filled: Command) -> None:
    """As one that was stopped before it began."""
    flip(Path(filled.lake) / "lab/cube/em.ome.zarr/0/c/0/0/0")
    lake = StoreURL.parse(filled.lake)
    with Workspace.opened(lake, Settings()) as workspace:
        job = start_fsck(workspace, DatasetName.parse("lab/cube/em"))
    answer = filled("jobs", "resume", job.id)
    assert answer.code == 5
    assert answer.document["findings"][0]["check"] == "damaged-shard"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("lab/cube/em", "--all"),
        ("lab/cube/em", "--source", "x.npy"),
        ("--all", "--repair", "--source", "x.npy"),
        ("--all", "--seal"),
    ],
)
def test_what_cannot_be_meant_is_refused(shared: Command, words: tuple[str, ...]) -> None:
    assert shared("fsck", *words).code == 2


def test_on_s3(
    s3_store: StoreURL,
    tmp_path: Path,
    image: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    voxlake = command_on(str(s3_store), tmp_path, monkeypatch, capsys)
    voxlake("init").ok()
    voxlake.ingest(image).ok()
    shard = s3_store / "lab/cube/em.ome.zarr/0/c/0/0/0"
    whole = store.read(shard).body
    store.write(shard, whole[:-1])
    store.write(s3_store / "lab/cube/em.ome.zarr/0/junk", b"x")
    answer = voxlake("fsck", "lab/cube/em", "--repair")
    found = {f["check"]: f["mended"] for f in answer.document["datasets"][0]["findings"]}
    assert found == {"damaged-shard": True, "stray-object": False}
    assert store.read(shard).body == whole


def lines_of(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text().splitlines()]


def test_the_report_can_be_checked_with_zarr_alone(
    filled: Command, labels: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    filled("verify", "lab/cube/cells", "--source", labels, "--report", report).ok()
    header, *shards, totals = lines_of(report)
    assert header["source"] == str(labels)
    group = zarr.open_group(header["url"], mode="r")
    for shard in shards:
        array: Any = group[header["levels"][shard["level"]]["path"]]
        box = tuple(slice(a, b) for a, b in zip(shard["start"], shard["stop"], strict=True))
        assert blake2b(array[box].tobytes()) == shard["decoded"]
        body = (Path(header["url"]) / shard["key"]).read_bytes()
        assert (blake2b(body), len(body)) == (shard["stored"], shard["bytes"])
        assert shard["verdict"] == "same"
    assert totals["verdict"] == "same"
    assert totals["shards"] == len(shards) == len(header["levels"])
    above = report.read_bytes().rpartition(b'{"record":"totals"')[0]
    assert blake2b(above) == totals["hash_of_all_lines_above"]


def test_the_report_tells_damage(filled: Command, image: Path, tmp_path: Path) -> None:
    flip(Path(filled.lake) / "lab/cube/em.ome.zarr/0/c/0/0/0")
    report = tmp_path / "report.jsonl"
    assert filled("verify", "lab/cube/em", "--source", image, "--report", report).code == 5
    _, shard, *_, totals = lines_of(report)
    assert (shard["verdict"], shard["decoded"]) == ("damaged", None)
    assert shard["different"] == shard["voxels"]
    assert (totals["verdict"], totals["damaged"]) == ("different", 1)


def test_a_report_needs_a_folder(shared: Command, tmp_path: Path) -> None:
    assert shared("verify", "lab/cube/em", "--report", tmp_path / "no" / "r.jsonl").code == 2
