"""A database that is away for a moment, at whatever a job asks of it: the job waits and goes on."""

from __future__ import annotations

from threading import Event
from traceback import walk_stack
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.jobs.running import run_claimed
from voxlake.compute.jobs.worker import Pace, work_off
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.catalog import Catalog, DatasetState
from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.jobs.ledger import Ledger
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.store import StoreURL

PLACE = Place(DatasetName.parse("c/e/seg"), Kind.LABELS)
TIMES = 3
"""Every question fails so often before it is answered."""

QUESTIONS = [
    (Ledger, "begin_stage"),
    (Ledger, "count_done"),
    (Ledger, "done_tasks"),
    (Ledger, "set_progress"),
    (Ledger, "record_done"),
    (Ledger, "count_failed"),
    (Ledger, "set_state"),
    (Ledger, "get_job"),
    (Catalog, "add_dataset"),
    (Catalog, "set_dataset_state"),
]


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


def _recorded(workspace: Workspace, tmp_path: Path) -> Job:
    np.save(tmp_path / "seg.npy", np.ones((8, 8, 8), np.uint8))
    request = IngestRequest(str(tmp_path / "seg.npy"), PLACE, VoxelSize(8, 8, 8), index=True)
    return start_ingest(workspace, request)


def _away(patch: pytest.MonkeyPatch, owner: type, name: str, *, after: bool) -> list[str]:
    """Let the first calls of a method fail, before it did its work or after; return the calls."""
    real, calls = getattr(owner, name), list[str]()

    def ask(*words: Any, **options: Any) -> Any:
        calls.append(name)
        away = len(calls) <= TIMES
        answer = None if away and not after else real(*words, **options)
        if away:
            raise StoreUnavailableError("the database system is starting up")
        return answer

    patch.setattr(owner, name, ask)
    return calls


@pytest.mark.parametrize("after", [False, True], ids=["unasked", "unheard"])
@pytest.mark.parametrize(("owner", "name"), QUESTIONS)
def test_a_job_waits_for_it(
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    after: bool,
) -> None:
    job = _recorded(workspace, tmp_path)
    ledger = workspace.catalog.ledger
    claim = ledger.claim(job.id)
    with monkeypatch.context() as patch:
        calls = _away(patch, owner, name, after=after)
        run_claimed(workspace, claim)
        # It was asked again, but for what is looked for before it is added.
        assert len(calls) > 1 or (after and name == "add_dataset")
    assert ledger.get_job(job.id).state is JobState.DONE
    assert workspace.catalog.get_dataset(PLACE.name).state is DatasetState.READY


def test_a_job_waits_wherever_it_asks_for_its_dataset(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place in the code that asks is refused once."""
    job = _recorded(workspace, tmp_path)
    claim = workspace.catalog.ledger.claim(job.id)
    real, places = Catalog.get_dataset, set[tuple[object, ...]]()

    def ask(catalog: Catalog, name: DatasetName) -> DatasetRecord:
        place = tuple((frame.f_code, line) for frame, line in walk_stack(None))
        if place not in places:
            places.add(place)
            raise StoreUnavailableError("the database system is starting up")
        return real(catalog, name)

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "get_dataset", ask)
        run_claimed(workspace, claim)
    assert len(places) > TIMES
    assert workspace.catalog.get_dataset(PLACE.name).state is DatasetState.READY


def test_a_worker_waits_for_it_between_two_jobs(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = workspace.catalog.ledger
    job = ledger.enqueue(_recorded(workspace, tmp_path).id)
    told = work_off(workspace, Event(), jobs=1, until_idle=True, pace=Pace(0.01, 60))
    monkeypatch.setattr("voxlake.compute.jobs.worker.AWAY_S", 0.01)
    with monkeypatch.context() as patch:
        _away(patch, Ledger, "get_job", after=False)
        found, begins, _ = next(told)
        assert (found.id, begins) == (job.id, True)
    found, begins, error = next(told)
    assert (found.state, begins, error) == (JobState.DONE, False, None)


def test_a_database_that_stays_away_ends_the_job(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _recorded(workspace, tmp_path)

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the server is away")

    with monkeypatch.context() as patch:
        for name in ("renew", "record_done"):
            patch.setattr(Ledger, name, away)
        claim = workspace.catalog.ledger.claim(job.id, lease_s=0.5)
        with pytest.raises(StoreUnavailableError):
            run_claimed(workspace, claim)
    run_job(workspace, job)
    assert workspace.catalog.ledger.get_job(job.id).state is JobState.DONE
