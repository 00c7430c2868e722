"""Jobs: listed, shown, resumed, cancelled."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.cli.conftest import SHAPE, Command, files_below

from voxlake.cli.manual.exit_codes import INTERRUPTED
from voxlake.compute.jobs import Workspace, running
from voxlake.platform.errors import SourceError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let a job end with an error after its first stage."""

    def arrange(error: BaseException) -> None:
        run_stage = running._run_stage

        def stop_later(*given: object) -> object:
            if given[-2].stage != "ingest":  # type: ignore[attr-defined]
                raise error
            return run_stage(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(running, "_run_stage", stop_later)
        monkeypatch.setenv("VOXLAKE_TASK_BYTES", "1")  # so that levels are stages

    return arrange


def test_list_and_show(shared: Command) -> None:
    jobs = [job for job in shared("jobs").ok()["jobs"] if job["kind"] == "ingest"]
    assert shared("jobs", "ls").ok() == shared("jobs").ok()
    assert [(job["kind"], job["dataset"]) for job in jobs] == [
        ("ingest", "lab/cube/cells"),
        ("ingest", "lab/cube/em"),
    ]
    shown = shared("jobs", "show", jobs[0]["id"]).ok()
    assert [stage["name"] for stage in shown["stages"]] == ["ingest", "index", "index-runs"]
    assert all(stage["done"] == stage["tasks"] == 1 for stage in shown["stages"])
    assert shown["failures"] == []
    assert jobs[0]["id"] in shared.plain("jobs").out
    assert "lab/cube/cells" in shared.plain("jobs", "show", jobs[0]["id"]).out


def test_done_job_is_neither_resumed_nor_cancelled(shared: Command) -> None:
    done = [one["id"] for one in shared("jobs").ok()["jobs"] if one["state"] == "done"]
    for job, word in product(done, ("resume", "cancel")):
        answer = shared("jobs", word, job)
        assert (answer.code, answer.kind) == (1, "conflict")
    assert len(shared("ls").ok()["datasets"]) == 2


def test_ctrl_c_leaves_a_job_to_resume(
    voxlake: Command,
    image: Path,
    cut_off: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut_off(KeyboardInterrupt())
    stopped = voxlake.ingest(image, "lab/cube/em", "--levels", "2")
    assert (stopped.code, stopped.kind) == (INTERRUPTED, "interrupted")
    (job,) = voxlake("jobs").ok()["jobs"]
    assert f"go on with: voxlake jobs resume {job['id']}" in stopped.document["hints"]
    monkeypatch.undo()
    monkeypatch.setenv("VOXLAKE_WORKERS", "0")
    resumed = voxlake("jobs", "resume", "--lake", voxlake.lake).ok()
    assert [(stage["name"], stage["run"]["tasks"]) for stage in resumed["stages"]] == [
        ("ingest", 0),
        ("downsample-1", 1),
    ]
    assert voxlake("verify", "lab/cube/em", "--source", image, "--lake", voxlake.lake).ok()


@pytest.mark.parametrize("error", [SourceError("the source broke"), RuntimeError("a fault")])
def test_failed_ingest_is_taken_back_by_cancel(
    filled: Command, error: Exception, cut_off: Callable[[BaseException], None]
) -> None:
    before, listed = files_below(Path(filled.lake)), filled("ls").ok()
    cut_off(error)
    np.save(Path(filled.lake).parent / "more.npy", np.ones(SHAPE, np.uint64))
    words = ("--kind", "labels", "--of", "em", "--index")
    failed = filled.ingest(Path(filled.lake).parent / "more.npy", "lab/cube/more", *words)
    assert failed.code == (2 if isinstance(error, SourceError) else 1)
    job = filled("jobs").ok()["jobs"][0]
    assert (job["state"], job["dataset"]) == ("failed", "lab/cube/more")
    assert filled("info", "lab/cube/more").ok()["state"] == "failed"
    cancelled = filled("jobs", "cancel", job["id"]).ok()
    assert (cancelled["state"], cancelled["running"]) == ("cancelled", False)
    assert files_below(Path(filled.lake)) == before
    assert filled("ls").ok() == listed


def test_cancel_spares_what_is_not_its_own(
    voxlake: Command, image: Path, labels: Path, cut_off: Callable[[BaseException], None]
) -> None:
    cut_off(RuntimeError("a fault"))
    assert voxlake.ingest(image, "lab/cube/em", "--levels", "1").code == 0
    with Workspace.opened(StoreURL.parse(voxlake.lake), Settings()) as workspace:
        ledger = workspace.catalog.ledger
        done = ledger.list_jobs()[0]
        twin = ledger.create_job(done.kind, done.dataset, done.spec)
    assert voxlake("jobs", "cancel", twin.id).ok()["state"] == "cancelled"
    assert voxlake("info", "lab/cube/em").ok()["levels"][0]["stored"]["objects"] == 1


def test_image_with_labels_is_not_cancelled(
    voxlake: Command, image: Path, labels: Path, cut_off: Callable[[BaseException], None]
) -> None:
    cut_off(RuntimeError("a fault"))
    assert voxlake.ingest(image, "lab/cube/em", "--levels", "2").code == 1
    job = voxlake("jobs").ok()["jobs"][0]["id"]
    words = ("--kind", "labels", "--of", "em")
    assert voxlake.ingest(labels, "lab/cube/cells", *words).code == 1
    before = files_below(Path(voxlake.lake))
    answer = voxlake("jobs", "cancel", job)
    assert (answer.code, answer.kind) == (1, "conflict")
    assert "lab/cube/cells" in answer.document["detail"]
    assert files_below(Path(voxlake.lake)) == before
    assert voxlake("jobs", "show", job).ok()["state"] == "failed"


def test_degraded_job_shows_its_failures(voxlake: Command, image: Path) -> None:
    voxlake.ingest(image, "lab/cube/em", "--levels", "2").ok()
    shard = Path(voxlake.lake) / "lab/cube/em.ome.zarr/0/c/0/0/0"
    whole = shard.read_bytes()
    body = bytearray(whole)
    body[len(body) // 2] ^= 4
    shard.write_bytes(body)
    answer = voxlake("downsample", "lab/cube/em")
    assert (answer.code, answer.kind) == (5, "job-failed")
    job = voxlake("jobs").ok()["jobs"][0]
    assert job["state"] == JobState.DEGRADED
    (failure,) = voxlake("jobs", "show", job["id"]).ok()["failures"]
    assert (failure["stage"], failure["attempts"]) == ("downsample-1", 3)
    assert "CorruptDataError" in failure["traceback"]
    assert "CorruptDataError" in voxlake.plain("jobs", "show", job["id"]).out
    shard.write_bytes(whole)
    assert voxlake("jobs", "resume").ok()["state"] == "done"


def test_the_same_ingest_goes_on_and_another_does_not(
    voxlake: Command,
    image: Path,
    cut_off: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = shutil.copy(image, image.with_name("other.npy"))
    cut_off(KeyboardInterrupt())
    assert voxlake.ingest(image, "lab/cube/em", "--levels", "2").code == INTERRUPTED
    monkeypatch.undo()
    monkeypatch.setenv("VOXLAKE_WORKERS", "0")
    monkeypatch.setenv("VOXLAKE_LAKE", voxlake.lake)
    (job,) = voxlake("jobs").ok()["jobs"]
    for source, levels in ((image, 1), (other, 2)):
        refused = voxlake.ingest(source, "lab/cube/em", "--levels", levels)
        assert refused.kind == "conflict"
        for word in ("resume", "cancel"):
            assert f"voxlake jobs {word} {job['id']}" in refused.document["detail"]
    same = voxlake.ingest(image, "lab/cube/em", "--levels", "2")
    assert f"lab/cube/em was begun before; job {job['id']} goes on" in same.err
    assert (same.ok()["id"], same.document["state"]) == (job["id"], "done")
    assert [stage["run"]["tasks"] for stage in same.document["stages"]] == [0, 1]


def test_resume_wants_a_name_where_two_wait(
    voxlake: Command, image: Path, cut_off: Callable[[BaseException], None]
) -> None:
    cut_off(RuntimeError("a fault"))
    for name in ("lab/cube/a", "lab/cube/b"):
        voxlake.ingest(image, name, "--levels", "2")
    answer = voxlake("jobs", "resume")
    assert (answer.code, answer.kind) == (2, "invalid-input")
    assert "lab/cube/a" in answer.document["detail"]


def test_queued_jobs_wait_for_a_worker(voxlake: Command, image: Path, tmp_path: Path) -> None:
    queued = voxlake.ingest(image, "lab/cube/em", "--levels", "2", "--queue").ok()
    assert (queued["state"], queued["queued"], queued["stages"]) == ("queued", True, [])
    assert voxlake("worker", "--once").ok() == {"jobs": 1, "ended": {"done": 1}}
    shown = voxlake("jobs", "show", queued["id"]).ok()
    (stage, *_) = shown["stages"]
    assert (shown["state"], stage["done"], stage["failed"]) == ("done", stage["tasks"], 0)
    assert stage["voxels_done"] == stage["voxels"] > 0
    assert (stage["tasks_per_s"], stage["seconds_left"]) == (None, None)
    assert voxlake("worker", "--once").ok() == {"jobs": 0, "ended": {}}
    refused = voxlake("verify", "lab/cube/em", "--queue", "--report", tmp_path / "report")
    assert (refused.code, "leave out --queue" in refused.document["detail"]) == (2, True)


def test_worker_tells_of_a_job_that_fails_and_runs_the_next(voxlake: Command, image: Path) -> None:
    other = image.with_name("other.npy")
    np.save(other, np.ones(SHAPE, np.uint8))
    for source, name in ((image, "lab/cube/a"), (other, "lab/cube/b")):
        voxlake.ingest(source, name, "--levels", "1", "--queue").ok()
    body = image.read_bytes()
    np.save(image, np.zeros((3, 3, 3), np.uint8))
    answer = voxlake("worker", "--once")
    assert (answer.code, answer.document) == (5, {"jobs": 2, "ended": {"failed": 1, "done": 1}})
    assert "PlanChanged" not in answer.err
    assert "lab/cube/a): failed, " in answer.err
    image.write_bytes(body)
    # The file's time has changed, so it is another source: only a new job takes it.
    failed = next(job for job in voxlake("jobs").ok()["jobs"] if job["state"] == "failed")
    assert voxlake("jobs", "resume", failed["id"], "--queue").ok()["state"] == "queued"
