"""Downsampling by bossDB's API: a worker makes levels of all time points, and writes are told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN, Served

from voxlake.api.data.writing import downsampling
from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.running import run_claimed
from voxlake.ngff.dataset import open_dataset
from voxlake.platform.jobs.record import JobState
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2


AT = "/v1/downsample/lab/brain/em"
FRAME = {f"{axis}_start": 0 for axis in "xyz"} | {f"{axis}_voxel_size": 4 for axis in "xyz"}


@pytest.fixture
def web(empty: Served) -> Iterator[httpx2.Client]:
    """Plain requests of the owner, about a channel of three levels and two time points."""
    with empty.client() as client:
        client.headers["Authorization"] = f"Token {TOKEN}"
        experiment = {"coord_frame": "cube", "num_time_samples": 2, "num_hierarchy_levels": 3}
        for path, asked in [
            ("coord/cube", FRAME | {f"{axis}_stop": 64 for axis in "xyz"}),
            ("collection/lab", {}),
            ("collection/lab/experiment/brain", experiment | {"hierarchy_method": "isotropic"}),
            ("collection/lab/experiment/brain/channel/em", {"type": "image", "datatype": "uint8"}),
        ]:
            assert client.post(f"/v1/{path}", json=asked).status_code == 201
        yield client


def write(web: httpx2.Client, value: int) -> None:
    """Write a block at both time points, by the route that is not bossDB's."""
    voxels = np.full((2, 8, 8, 8), value, np.uint8)
    box = {"t": "0:2", **dict.fromkeys("zyx", "0:8")}
    headers = {"content-type": "application/octet-stream"}
    content = voxels.tobytes()
    at = "/v2/datasets/lab/brain/em/cutout"
    assert web.put(at, params=box, content=content, headers=headers).is_success


def told(web: httpx2.Client) -> str:
    status = web.get(AT).json()["status"]
    channel = web.get("/v1/collection/lab/experiment/brain/channel/em").json()
    assert channel["downsample_status"] == status
    return str(status)


def work(empty: Served) -> None:
    """Run the job that has waited longest, as a worker does."""
    claim = empty.catalog.ledger.claim_oldest()
    assert claim is not None
    run_claimed(Workspace(empty.lake, empty.catalog, Settings()), claim)


def test_from_a_write_to_its_levels(
    web: httpx2.Client, empty: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a process writes under a mark is over at once.
    monkeypatch.setattr(downsampling, "_OPEN", timedelta(0))
    assert told(web) == "DOWNSAMPLED"  # all of them are zeros
    answer = web.post(AT)
    assert (answer.status_code, answer.json()["code"]) == (409, 2006)
    write(web, 9)
    assert told(web) == "NOT_DOWNSAMPLED"
    assert web.delete(AT).json()["code"] == 2006
    assert web.post(AT).status_code == 201
    assert told(web) == "QUEUED"
    assert web.post(AT).status_code == 409
    assert web.delete(AT).status_code == 204
    assert told(web) == "NOT_DOWNSAMPLED"
    assert web.post(AT).status_code == 201
    work(empty)
    assert told(web) == "DOWNSAMPLED"
    dataset = open_dataset(empty.lake / "lab/brain/em.ome.zarr")
    for level, edge in ((1, 4), (2, 2)):
        volume = dataset.level(level)
        whole = volume.read(volume.box).result()
        block = np.zeros(whole.shape, np.uint8)
        block[:, :edge, :edge, :edge] = 9
        np.testing.assert_array_equal(whole, block)


def test_one_that_runs_or_failed(web: httpx2.Client, empty: Served) -> None:
    write(web, 1)
    assert web.post(AT).status_code == 201
    ledger = empty.catalog.ledger
    claim = ledger.claim_oldest()
    assert claim is not None
    assert told(web) == "IN_PROGRESS"
    assert web.post(AT).status_code == 409
    ledger.set_state(claim, JobState.DEGRADED, "three tasks failed")
    assert told(web) == "FAILED"
    assert web.delete(AT).status_code == 409
    assert web.post(AT).status_code == 201
    assert told(web) == "QUEUED"
    states = [job.state for job in ledger.list_jobs()]
    assert sorted(states) == ["cancelled", "queued"]


def test_a_channel_of_one_level(web: httpx2.Client, empty: Served) -> None:
    brain = "/v1/collection/lab/experiment/brain"
    assert web.put(brain, json={"num_hierarchy_levels": 1}).status_code == 200
    assert web.post(f"{brain}/channel/flat", json={"type": "image", "datatype": "uint8"}).is_success
    at = "/v1/downsample/lab/brain/flat"
    assert web.get(at).json()["status"] == "NOT_DOWNSAMPLED"
    assert web.post(at).status_code == 201
    work(empty)
    assert web.get(at).json()["status"] == "DOWNSAMPLED"
