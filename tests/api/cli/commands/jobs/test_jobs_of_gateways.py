"""``voxlake jobs --gateway URL``: planned, started, watched, retried; as those of a lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from tests.api.conftest import TOKEN
from tests.api.lakes import image_voxels

from voxlake.client import Gateway
from voxlake.client.http.credentials import forget

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command
    from tests.api.conftest import Served

    from voxlake.platform.store import StoreURL

EM, NEW, PUBLIC = "lab/brain/em", "lab/brain/new", "lab/brain/em"
SHAPE = (9, 20, 31)


@pytest.mark.timeout(120)
def test_from_a_plan_to_a_dataset(
    voxlake: Command, gateway_url: str, lake: StoreURL, tmp_path: Path
) -> None:
    file, at = tmp_path / "new.npy", ["--gateway", gateway_url]
    words = ["ingest", NEW, *at, "--set", f"source={file}", "--set", "as_kind=image"]
    words += ["--set", "voxel_size=[8,8,8]"]
    started = voxlake("jobs", "start", *words).ok()
    assert (started["kind"], started["dataset"]) == ("ingest", NEW)
    failed = voxlake("jobs", "watch", started["id"], *at)
    assert (failed.code, failed.document["state"]) == (5, "failed")
    assert "new.npy" in failed.document["message"]
    assert voxlake("jobs", "log", started["id"], *at).ok() == {"failures": [], "more": False}
    np.save(file, image_voxels(SHAPE))
    plan = voxlake("jobs", "plan", *words).ok()
    assert (plan["refused"], plan["voxels"]) == (None, 9 * 20 * 31)
    assert "refused" not in voxlake.plain("jobs", "plan", *words).out
    assert voxlake("jobs", "resume", *at).ok()["id"] == started["id"]
    done = voxlake("jobs", "watch", started["id"], *at).ok()
    assert done["state"] == "done"
    with Gateway(gateway_url, TOKEN) as gateway:
        np.testing.assert_array_equal(gateway[NEW][...], image_voxels(SHAPE))
    # It is the same job, told in the same words, where the lake is at hand.
    here = ["--lake", str(lake)]
    for show in (["ls"], ["show", started["id"]], ["log", started["id"]], ["watch", started["id"]]):
        assert voxlake("jobs", *show, *at).ok() == voxlake("jobs", *show, *here).ok()
    for where in (at, here):
        cancelled = voxlake("jobs", "cancel", started["id"], *where)
        assert (cancelled.code, cancelled.kind) == (1, "conflict")


def test_a_source_is_looked_at_before_it_is_planned(
    voxlake: Command, gateway_url: str, tmp_path: Path
) -> None:
    folder, at = tmp_path / "slices", ["--gateway", gateway_url]
    folder.mkdir()
    for number in (1, 2, 5):
        tifffile.imwrite(folder / f"s{number}.tif", np.zeros(SHAPE[1:], np.uint8))
    torn = voxlake("jobs", "look", folder, NEW, *at).ok()
    assert (torn["kind"], torn["files"]["missing"]) == ("stack", [3, 4])
    assert torn["refused"]
    shown = voxlake.plain("jobs", "look", folder, NEW, *at)
    assert (shown.code, "2: 3, 4" in shown.out, "3, from s1.tif to s5.tif" in shown.out) == (
        0,
        True,
        True,
    )
    np.save(tmp_path / "new.npy", image_voxels(SHAPE))
    turned = voxlake("jobs", "look", tmp_path / "new.npy", NEW, *at, "--axes", "xyz").ok()
    assert (turned["refused"], turned["shape"]) == (None, [*SHAPE[::-1]])
    assert (
        "31 x 20 x 9"
        in voxlake.plain("jobs", "look", tmp_path / "new.npy", NEW, *at, "--axes", "xyz").out
    )
    refused = voxlake("jobs", "look", "/etc", NEW, *at)
    assert (refused.code, refused.kind) == (3, "store-forbidden")
    with Gateway(gateway_url, TOKEN) as gateway:
        assert NEW not in {each.name for each in gateway.datasets()}


def test_what_nobody_signed_in_may_do_is_refused(voxlake: Command, served: Served) -> None:
    forget(served.url)
    at = ["--gateway", served.url]
    refused = voxlake("jobs", "start", "fsck", PUBLIC, *at)
    assert (refused.code, refused.document["status"]) == (3, 401)
    assert voxlake("jobs", *at).ok()["jobs"] == []  # of what anybody may read


@pytest.mark.parametrize("word", ["source", "=1", "kind=index"])
def test_what_says_nothing_of_a_job_is_refused(voxlake: Command, word: str) -> None:
    at = ["--gateway", "http://127.0.0.1:1"]
    refused = voxlake("jobs", "start", "fsck", EM, *at, "--set", word)
    assert (refused.code, refused.kind) == (2, "invalid-input")
    assert "KEY=VALUE" in refused.document["detail"]
