"""Levels that are behind: told, not taken for damage, and made by ``downsample --stale``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.ngff import stale
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.writing import write_voxels
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command

EM = "lab/cube/em"


@pytest.fixture
def written(voxlake: Command, image: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, after a few voxels were written."""
    monkeypatch.setattr(stale, "SETTLED_S", -1.0)
    voxlake.ingest(image, EM, "--levels", "3").ok()
    volume = open_dataset(StoreURL.parse(voxlake.lake) / f"{EM}.ome.zarr").level(0)
    box = Box((1, 2, 3), (9, 9, 9))
    write_voxels(volume, box, np.full(box.shape, 255, volume.dtype))
    return voxlake


def test_info_tells_how_far_levels_are_behind(written: Command) -> None:
    waiting = written("info", EM).ok()["stale"]
    assert (waiting["boxes"], waiting["voxels"]) == (1, 23 * 37 * 41)
    assert "behind level 0 in 1 box, 34,891 voxels, since 20" in written.plain("info", EM).out
    written("downsample", EM, "--stale").ok()
    assert written("info", EM).ok()["stale"] is None
    assert "behind" not in written.plain("info", EM).out


def test_verify_and_fsck_tell_what_is_behind(written: Command, tmp_path: Path) -> None:
    report = tmp_path / "report"
    verified = written("verify", EM, "--report", report)
    assert verified.code == 0
    assert f"are behind level 0, which was written to: voxlake downsample {EM} --stale" in (
        verified.err
    )
    shards = [json.loads(line) for line in report.read_text().splitlines()]
    assert shards[-1]["verdict"] == "behind"
    assert shards[-1]["behind"] == sum(each.get("behind", 0) for each in shards[:-1])
    checked = written("fsck", EM).ok()["datasets"][0]
    assert not checked["findings"]
    assert any("are behind level 0" in each["text"] for each in checked["advice"])
    written("downsample", EM, "--stale").ok()
    written("verify", EM, "--report", report).ok()
    assert json.loads(report.read_text().splitlines()[-1])["verdict"] == "same"


def test_a_worker_that_follows_makes_them(written: Command) -> None:
    ended = written("worker", "--once", "--follow", "60").ok()
    assert ended["ended"] == {"done": 1}
    assert written("info", EM).ok()["stale"] is None
    assert written("worker", "--once", "--follow", "60").ok()["jobs"] == 0


def test_boxes_are_given_or_found(voxlake: Command) -> None:
    answer = voxlake("downsample", EM, "--stale", "--box", "0:1,0:1,0:1")
    assert answer.code == 2
    assert "--box and --stale both say what is built" in answer.document["detail"]
