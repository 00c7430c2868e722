"""Jobs by the client: planned, waited for, given up, by a worker that stands beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, image_voxels
from tests.api.working import run_beside_worker

from voxlake.api.jobs import events
from voxlake.client import Gateway
from voxlake.client.http import server_events
from voxlake.platform.errors import (
    ConflictError,
    JobFailedError,
    NotFoundError,
    StoreForbiddenError,
    UnauthenticatedError,
)
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.documents.jobs.job import JobDocument
    from voxlake.platform.store import StoreURL

SHAPE = (20, 30, 40)
NEW = "lab/brain/new"


@pytest.fixture
def gateway(lake: StoreURL, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway beside a worker."""
    np.save(tmp_path / "em.npy", image_voxels(SHAPE))
    sample = Sample("lab/brain/em", image_voxels(SHAPE))
    with run_beside_worker(lake, tmp_path, sample) as url, Gateway(url, TOKEN) as opened:
        yield opened


def test_from_a_plan_to_a_dataset(
    gateway: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    what = {"source": str(tmp_path / "em.npy"), "as_kind": "image", "voxel_size": [8, 8, 8]}
    plan = gateway.jobs.plan("ingest", NEW, **what)
    assert (plan.refused, plan.kind) == (None, "ingest")
    with pytest.raises(NotFoundError):
        gateway.info(NEW)
    job = gateway.jobs.start("ingest", NEW, **what)
    assert job.wait().state is JobState.DONE
    assert "ingest lab/brain/new, done" in capsys.readouterr().err
    np.testing.assert_array_equal(gateway[NEW][...], image_voxels(SHAPE))
    assert gateway.jobs[job.id].status().state is JobState.DONE
    assert job.id in [each.id for each in gateway.jobs.list(NEW, [JobState.DONE])]
    with pytest.raises(ConflictError):
        job.cancel()
    assert "ingest lab/brain/new, done" in repr(job)
    deleted = gateway.jobs.start("delete", NEW).wait(quiet=True)
    assert (deleted.state, deleted.at_rest) == (JobState.QUEUED, True)
    assert deleted.waits_until is not None


def test_a_look_tells_what_lies_there_and_writes_nothing(gateway: Gateway, tmp_path: Path) -> None:
    found = gateway.jobs.look(NEW, str(tmp_path / "em.npy"))
    assert (found.refused, found.kind, found.as_kind) == (None, "npy", "image")
    assert (found.axes, found.shape, found.dtype) == (("z", "y", "x"), SHAPE, "uint8")
    assert (found.voxel_size, found.files) == (None, None)
    turned = gateway.jobs.look(NEW, str(tmp_path / "em.npy"), axes="xyz")
    assert turned.shape == SHAPE[::-1]
    absent = gateway.jobs.look(NEW, str(tmp_path / "none.npy"))
    assert "none.npy" in (absent.refused or "")
    assert (absent.kind, absent.shape) == (None, ())
    with pytest.raises(StoreForbiddenError, match="VOXLAKE_INGEST_STORES"):
        gateway.jobs.look(NEW, "/etc")
    assert gateway.jobs.look(NEW, str(tmp_path / "em.npy"), axes="zz").refused
    with pytest.raises(NotFoundError):
        gateway.info(NEW)
    with Gateway(gateway.url, "") as anybody, pytest.raises(UnauthenticatedError):
        anybody.jobs.look(NEW, str(tmp_path / "em.npy"))


def test_one_that_fails_tells_why(gateway: Gateway, tmp_path: Path) -> None:
    job = gateway.jobs.start("verify", "lab/brain/em", source=str(tmp_path / "none.npy"))
    seen: list[JobDocument] = []
    with pytest.raises(JobFailedError, match=r"none\.npy"):
        job.wait(seen.append)
    assert seen[-1].state is JobState.FAILED
    assert job.log().failures == ()
    np.save(tmp_path / "none.npy", image_voxels(SHAPE))
    assert job.retry().wait(quiet=True).state is JobState.DONE


def test_a_connection_that_breaks_is_made_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_events, "AGAIN_S", 0.01)
    whole, asked = events.events, []

    async def cut(granted, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        asked.append(last)
        async for part in whole(granted, last):
            yield part
            if len(asked) < 3 and b"data" in part and b"event: end" not in part:
                return

    monkeypatch.setattr(events, "events", cut)
    monkeypatch.setattr(events, "LOOK_S", 0.01)
    job = gateway.jobs.start("downsample", "lab/brain/em")
    told = [each.model_dump_json(exclude={"updated_at"}) for each in job.events()]
    assert len(told) == len(set(told))
    assert asked[0] is None
    assert job.status().state is JobState.DONE
