"""Jobs over HTTP: planned, started, watched and given up, by a worker that stands beside."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.jobs import events
from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.running import run_claimed
from voxlake.documents.jobs.job import JobDocument, JobList, JobLog
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store
from voxlake.platform.access import Role
from voxlake.platform.catalog import DatasetState, open_catalog
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

SHAPE = (20, 30, 40)
EM, CELLS = "lab/brain/em", "lab/brain/cells"
NEW = "lab/brain/new"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder that sources are read from for others, with an image."""
    folder = tmp_path / "microscope"
    folder.mkdir()
    np.save(folder / "em.npy", image_voxels(SHAPE))
    return folder


@pytest.fixture
def chosen(sources: Path) -> Settings:
    return Settings(ingest_stores=(str(sources),), workers=0, failed_logins_per_minute=0)


@pytest.fixture
def own(lake: StoreURL, chosen: Settings) -> Iterator[Served]:
    """A gateway whose collection `lab` a viewer reads and an editor changes."""
    with open_catalog(lake, chosen) as catalog:
        add_sample(lake, catalog, Sample(EM, image_voxels(SHAPE)))
        add_sample(lake, catalog, Sample(CELLS, label_voxels(SHAPE), Kind.LABELS))
        for user in ("viewer", "editor", "nobody"):
            catalog.people.add_user(user)
        for role in (Role.VIEWER, Role.EDITOR):
            catalog.shares.share(["lab"], role, role)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(chosen, lake, catalog, identity)
        with run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, {})


def client_of(own: Served, user: str) -> httpx2.Client:
    """Return a client of a user."""
    _, secret = own.catalog.tokens.make(user, "x")
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx2.Client(base_url=own.url, headers=headers, timeout=30)


@pytest.fixture
def editor(own: Served) -> Iterator[httpx2.Client]:
    with client_of(own, "editor") as client:
        yield client


def ask(client: httpx2.Client, path: str = "", **asked: Any) -> JobDocument:
    """Ask for a job."""
    answer = client.post(f"/v2/jobs{path}", json=asked)
    assert answer.status_code == 202, answer.text
    return JobDocument.model_validate_json(answer.content)


def get(client: httpx2.Client, job: JobDocument) -> JobDocument:
    """Return a job as it is now."""
    answer = client.get(f"/v2/jobs/{job.id}")
    assert answer.status_code == 200, answer.text
    return JobDocument.model_validate_json(answer.content)


def work(own: Served, chosen: Settings) -> None:
    """Run the job that has waited longest, as a worker does."""
    claim = own.catalog.ledger.claim_oldest()
    assert claim is not None
    with suppress(VoxlakeError):
        run_claimed(Workspace(own.lake, own.catalog, chosen), claim)


def ingest(sources: Path, **more: Any) -> dict[str, Any]:
    """Return an ingest that may be asked for."""
    asked = {"kind": "ingest", "dataset": NEW, "source": str(sources / "em.npy")}
    return asked | {"as_kind": "image", "voxel_size": [8, 8, 8]} | more


def test_an_ingest_is_planned_started_and_watched(
    own: Served, editor: httpx2.Client, sources: Path, chosen: Settings
) -> None:
    plan = ask(editor, "/plan", **ingest(sources))
    assert (plan.kind, plan.dataset, plan.by, plan.queued) == ("plan", NEW, "editor", True)
    work(own, chosen)
    told = get(editor, plan).plan
    assert told is not None
    assert told.forecast is not None
    assert (told.refused, told.shards, told.voxels) == (
        None,
        sum(level.shards for level in told.forecast.levels),
        sum(int(np.prod(level.shape)) for level in told.forecast.levels),
    )
    assert editor.get(f"/v2/datasets/{NEW}").status_code == 404
    job = ask(editor, **ingest(sources))
    assert (job.kind, job.state, job.at_rest) == ("ingest", JobState.QUEUED, False)
    again = editor.post("/v2/jobs", json=ingest(sources))
    assert (again.status_code, job.id in again.text) == (409, True)
    work(own, chosen)
    done = get(editor, job)
    assert (done.kind, done.state, done.share) == ("ingest", JobState.DONE, 1)
    volume = open_dataset(own.lake / f"{NEW}.ome.zarr").level(0)
    np.testing.assert_array_equal(volume.read(volume.box).result(), image_voxels(SHAPE))
    assert editor.delete(f"/v2/datasets/{NEW}").status_code == 202  # the editor owns it
    assert editor.post("/v2/jobs", json=ingest(sources, dataset=EM)).status_code == 409


def test_what_would_be_refused_is_told_by_the_plan(
    own: Served, editor: httpx2.Client, sources: Path, chosen: Settings
) -> None:
    (sources / "em.npy").write_bytes(b"torn")
    plan = ask(editor, "/plan", **ingest(sources))
    work(own, chosen)
    found = get(editor, plan)
    assert found.plan is not None
    assert found.state is JobState.DONE
    assert "em.npy" in (found.plan.refused or "")
    job = ask(editor, **ingest(sources))
    work(own, chosen)
    failed = get(editor, job)
    assert (failed.kind, failed.state) == ("ingest", JobState.FAILED)
    assert "em.npy" in failed.message
    np.save(sources / "em.npy", image_voxels(SHAPE))
    assert editor.post(f"/v2/jobs/{job.id}/retry").status_code == 202
    work(own, chosen)
    assert get(editor, job).state is JobState.DONE


@pytest.mark.parametrize(
    ("asked", "stages"),
    [
        ({"kind": "downsample", "dataset": EM}, True),
        ({"kind": "downsample", "dataset": EM, "stale": True}, False),
        ({"kind": "index", "dataset": CELLS}, True),
        ({"kind": "verify", "dataset": EM}, True),
        ({"kind": "fsck", "dataset": CELLS, "quick": True}, True),
    ],
)
def test_jobs_of_each_kind(
    own: Served,
    editor: httpx2.Client,
    chosen: Settings,
    asked: dict[str, Any],
    stages: bool,
) -> None:
    plan = ask(editor, "/plan", **asked)
    work(own, chosen)
    told = get(editor, plan).plan
    assert told is not None
    assert (told.refused, any(stage.tasks for stage in told.stages)) == (None, stages)
    assert told.shards
    job = ask(editor, **asked)
    work(own, chosen)
    done = get(editor, job)
    assert (done.kind, done.state) == (asked["kind"], JobState.DONE)
    if asked["kind"] == "verify":
        # The sample's level 1 is every second voxel, and no mean.
        assert (done.verified, len(done.differences) > 0) == (False, True)


def test_a_deletion_is_planned_started_and_not_taken_back(own: Served, chosen: Settings) -> None:
    with own.client(owner=True) as owner, client_of(own, "editor") as editor:
        asked = {"kind": "delete", "dataset": EM}
        assert editor.post("/v2/jobs", json=asked).status_code == 403
        plan = ask(owner, "/plan", **asked)
        work(own, chosen)
        told = get(owner, plan).plan
        assert told is not None
        assert told.warnings == ("it can be brought back for 7 days",)
        job = ask(owner, **asked)
        assert owner.get(f"/v2/datasets/{EM}").status_code == 404
        assert owner.post(f"/v2/jobs/{job.id}/cancel").status_code == 409
        assert own.catalog.ledger.claim_oldest() is None
        [place] = owner.get("/v2/deleted").json()["deleted"]
        assert owner.post(f"/v2/deleted/{place['id']}/purge").status_code == 202
        work(own, chosen)
        done = get(owner, job)
        assert (done.state, [each.dataset for each in done.purged]) == (JobState.DONE, [EM])
        assert not list(store.walk(own.lake / f"{EM}.ome.zarr"))


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("/etc/passwd", 403),
        ("{sources}/../secret.npy", 400),
        ("{sources}/link.npy", 403),
        ("{em}", 403),
        ("{sources}::../secret.npy", 400),
        ("phantom:64", 400),
        ("http://169.254.169.254/latest", 400),
        ("s3://other/em", 403),
        ("file://{sources}/em.npy", 400),
        ("~/em.npy", 400),
        ("{sources}/em.h5::/em?links=anywhere", 400),
        ("{sources}/config.json", 400),
        ("/*", 403),
    ],
)
def test_sources_lie_where_they_are_read_for_others(
    own: Served,
    editor: httpx2.Client,
    sources: Path,
    chosen: Settings,
    source: str,
    status: int,
) -> None:
    np.save(sources.parent / "secret.npy", image_voxels(SHAPE))
    (sources / "link.npy").symlink_to(sources.parent / "secret.npy")
    text = source.format(sources=sources, em=own.lake / f"{EM}.ome.zarr")
    for path in ("", "/plan"):
        answer = editor.post(f"/v2/jobs{path}", json=ingest(sources, source=text))
        assert answer.status_code == status, answer.text
    verify = {"kind": "verify", "dataset": EM, "source": text}
    assert editor.post("/v2/jobs", json=verify).status_code == status
    assert own.catalog.ledger.claim_oldest() is None


def test_a_worker_looks_at_the_source_once_more(
    own: Served, editor: httpx2.Client, sources: Path
) -> None:
    job = ask(editor, **ingest(sources))
    work(own, Settings(workers=0))
    failed = get(editor, job)
    assert (failed.state, "VOXLAKE_INGEST_STORES" in failed.message) == (JobState.FAILED, True)


def test_who_reads_the_dataset_sees_how_far_and_no_more(
    own: Served, editor: httpx2.Client, sources: Path, chosen: Settings
) -> None:
    verify = {"kind": "verify", "dataset": EM, "source": str(sources / "none.npy")}
    job = ask(editor, **verify)
    work(own, chosen)
    assert "none.npy" in get(editor, job).message
    with client_of(own, "viewer") as viewer, client_of(own, "nobody") as nobody:
        seen = get(viewer, job)
        assert (seen.state, seen.message, seen.spec, seen.by) == (JobState.FAILED, "", {}, "")
        assert str(sources) not in viewer.get("/v2/jobs").text
        assert str(sources) in editor.get("/v2/jobs").text
        assert viewer.post(f"/v2/jobs/{job.id}/retry").status_code == 403
        assert viewer.get(f"/v2/jobs/{job.id}/log").status_code == 403
        assert viewer.post("/v2/jobs", json=verify).status_code == 403
        assert nobody.get(f"/v2/jobs/{job.id}").status_code == 404
        assert nobody.post("/v2/jobs", json=verify).status_code == 404
        assert nobody.get("/v2/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    ("there", "told"),
    [("http://scheduler:8787/status", True), ("javascript:alert(1)", False), (None, False)],
)
def test_who_manages_a_job_is_told_where_to_look_at_its_cluster(
    own: Served, editor: httpx2.Client, there: str | None, told: bool
) -> None:
    job = ask(editor, kind="fsck", dataset=EM)
    claim = own.catalog.ledger.claim(job.id)
    own.catalog.ledger.set_dashboard(claim, there)
    shown = there if told else None
    with client_of(own, "viewer") as viewer:
        assert get(editor, job).dashboard == shown
        assert get(viewer, job).dashboard is None
        if there is not None:
            assert there not in viewer.get("/v2/jobs").text
            assert (there in editor.get("/v2/jobs").text) is told
    own.catalog.ledger.release(claim)
    assert get(editor, job).dashboard is None


def test_lists_are_pages_by_dataset_and_state(own: Served, editor: httpx2.Client) -> None:
    jobs = [ask(editor, kind="fsck", dataset=name).id for name in (EM, CELLS, EM)]
    first = JobList.model_validate_json(editor.get("/v2/jobs", params={"limit": 2}).content)
    assert ([job.id for job in first.jobs], first.next) == (jobs[:0:-1], jobs[1])
    rest = editor.get("/v2/jobs", params={"limit": 2, "after": first.next}).json()
    assert ([job["id"] for job in rest["jobs"]], rest["next"]) == (jobs[:1], None)
    of_em = editor.get("/v2/jobs", params={"dataset": EM}).json()["jobs"]
    assert [job["id"] for job in of_em] == [jobs[2], jobs[0]]
    assert editor.post(f"/v2/jobs/{jobs[1]}/cancel").status_code == 202
    states = {"state": ["cancelled", "failed"]}
    found = editor.get("/v2/jobs", params=states).json()["jobs"]
    assert [job["id"] for job in found] == [jobs[1]]


def test_an_ingest_that_is_given_up_is_taken_back_by_a_worker(
    own: Served, editor: httpx2.Client, sources: Path, chosen: Settings
) -> None:
    job = ask(editor, **ingest(sources))
    (sources / "em.npy").rename(sources / "kept.npy")
    np.save(sources / "em.npy", image_voxels(SHAPE))
    work(own, Settings(workers=0, memory_limit_bytes=1, ingest_stores=chosen.ingest_stores))
    assert get(editor, job).state is JobState.FAILED
    made = own.catalog.get_dataset(DatasetName.parse(NEW))
    assert made.state is DatasetState.FAILED
    assert editor.post(f"/v2/jobs/{job.id}/cancel").status_code == 202
    assert get(editor, job).cancelling
    work(own, chosen)
    # Nobody has rights to what is gone; who asked for it sees how it ended.
    assert get(editor, job).state is JobState.CANCELLED
    assert not list(store.walk(own.lake / f"{NEW}.ome.zarr"))
    assert editor.post(f"/v2/jobs/{job.id}/retry").status_code == 409


def test_failed_tasks_are_logged_with_their_tracebacks(
    own: Served, editor: httpx2.Client, chosen: Settings
) -> None:
    job = ask(editor, kind="index", dataset=CELLS)
    shard = next(store.walk(own.lake / f"{CELLS}.ome.zarr/0/c")).url
    store.write(shard, store.read(shard).body[:-9])
    work(own, chosen)
    assert get(editor, job).state is JobState.DEGRADED
    log = JobLog.model_validate_json(editor.get(f"/v2/jobs/{job.id}/log").content)
    assert "Traceback" in log.failures[0].traceback


def read_events(answer: httpx2.Response) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the name, id and data of all events of an answer."""
    found = []
    for block in answer.read().decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line)
        if "data" in lines:
            found.append((lines["event"], lines["id"], json.loads(lines["data"])))
    return found


def test_a_job_is_watched_to_its_end(
    own: Served, editor: httpx2.Client, chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_S", 0.01)
    monkeypatch.setattr(events, "BEAT_S", 0.0)
    job = ask(editor, kind="downsample", dataset=EM)
    at = f"/v2/jobs/{job.id}/events"
    with editor.stream("GET", at) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        worker = threading.Thread(target=work, args=(own, chosen))
        worker.start()
        text = answer.read().decode()
        worker.join()
        told = read_events(answer)
    assert ": it goes on" in text
    assert [name for name, _, _ in told] == ["progress"] * (len(told) - 1) + ["end"]
    assert told[0][2]["state"] == "queued"
    assert told[-1][2] == get(editor, job).model_dump(mode="json")
    # Who comes back with the last of all is told that it is over; with another, what is new.
    assert editor.get(at, headers={"Last-Event-ID": told[-1][1]}).status_code == 204
    missed = read_events(editor.get(at, headers={"Last-Event-ID": told[0][1]}))
    assert missed == told[-1:]


def test_who_loses_the_right_is_told_no_more(
    own: Served, editor: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_S", 0.01)
    job = ask(editor, kind="fsck", dataset=EM)
    with client_of(own, "viewer") as viewer:
        with viewer.stream("GET", f"/v2/jobs/{job.id}/events") as answer:
            own.catalog.shares.unshare(["lab"], "viewer")
            assert [name for name, _, _ in read_events(answer)] in (["progress"], [])
        assert viewer.get(f"/v2/jobs/{job.id}").status_code == 404
