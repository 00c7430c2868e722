"""Uploads of boss-ingest, and their jobs, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from voxlake.platform.access import Principal
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data.uploads import CLEAR, QUEUE, WRITE, Upload, UploadState
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.record import Job, JobState
from voxlake.platform.names import DatasetName

EM = DatasetName("lab", "brain", "em")
ALL = Principal("owner", is_owner=True)


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    record = DatasetRecord(EM, "image", None, str(EM), DatasetState.READY, False, now())
    catalog.add_dataset(record)
    return catalog.signed("ada")


@pytest.fixture
def upload(catalog: Catalog) -> Upload:
    return catalog.uploads.begin(EM, catalog.people.add_user("ada").id, "{}", (0, -5, 7))


def jobs(catalog: Catalog, kind: str) -> list[Job]:
    return catalog.ledger.jobs_of(EM, kind=kind)


def run(catalog: Catalog, state: JobState) -> str:
    """Run the job that waits to an end, and return its kind."""
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    catalog.ledger.set_state(claim, state)
    return catalog.ledger.get_job(claim.job).kind


def test_it_is_kept_and_its_job_waits(catalog: Catalog, upload: Upload) -> None:
    assert catalog.uploads.get(upload.id) == upload
    assert (upload.dataset, upload.by, upload.start) == (EM, "ada", (0, -5, 7))
    assert upload.state is UploadState.PREPARING
    assert [job.spec["upload"] for job in jobs(catalog, QUEUE)] == [upload.id]
    assert run(catalog, JobState.DONE) == QUEUE
    assert catalog.uploads.list_uploads(upload.user) == [upload]
    assert catalog.uploads.list_uploads(None) == []
    with pytest.raises(NotFoundError, match="no such ingest job"):
        catalog.uploads.get(upload.id + 1)
    (entry,) = catalog.audit.list_entries(limit=1)
    assert (entry.by, entry.action) == ("ada", "begin upload")


def test_completing_it_twice_queues_one_job(catalog: Catalog, upload: Upload) -> None:
    uploads = catalog.uploads
    uploads.complete(upload.id)  # it is being prepared
    assert len(jobs(catalog, QUEUE)) == 1
    run(catalog, JobState.DONE)
    assert uploads.move(upload.id, {UploadState.PREPARING}, UploadState.UPLOADING)
    assert uploads.complete(upload.id).state is UploadState.COMPLETING
    uploads.complete(upload.id)
    assert [job.state for job in jobs(catalog, QUEUE)] == [JobState.QUEUED, JobState.DONE]
    run(catalog, JobState.DONE)
    uploads.enqueue(WRITE, upload)
    uploads.complete(upload.id)
    assert (len(jobs(catalog, QUEUE)), len(jobs(catalog, WRITE))) == (2, 1)


def test_one_that_failed_goes_on_where_it_was(catalog: Catalog, upload: Upload) -> None:
    uploads = catalog.uploads
    run(catalog, JobState.DONE)
    uploads.move(upload.id, {UploadState.PREPARING}, UploadState.COMPLETING)
    uploads.enqueue(WRITE, upload)
    assert run(catalog, JobState.DEGRADED) == WRITE
    uploads.move(upload.id, {UploadState.COMPLETING}, UploadState.FAILED, "a tile \0 is bad")
    assert uploads.get(upload.id).message == "a tile \\x00 is bad"
    assert uploads.complete(upload.id).state is UploadState.COMPLETING
    assert uploads.get(upload.id).message == "a tile \\x00 is bad"
    assert run(catalog, JobState.DONE) == QUEUE
    uploads.enqueue(WRITE, upload)
    assert run(catalog, JobState.DONE) == WRITE
    assert len(jobs(catalog, WRITE)) == 1


def test_it_waits_while_its_dataset_is_deleted(catalog: Catalog, upload: Upload) -> None:
    uploads = catalog.uploads
    assert run(catalog, JobState.DONE) == QUEUE
    uploads.move(upload.id, {UploadState.PREPARING}, UploadState.UPLOADING)
    catalog.deletion.begin(EM, ALL, days=7)
    assert uploads.get(upload.id).is_deleted
    assert uploads.list_uploads(upload.user) == []
    assert run(catalog, JobState.DONE) == QUEUE  # which takes the queue away
    assert catalog.ledger.claim_oldest() is None
    [place] = catalog.deleted.list_allowed(ALL)
    to = DatasetName("lab", "brain", "em-2")
    catalog.deleted.restore(place.node, ALL, to.parts)
    back = uploads.get(upload.id)
    assert (back.dataset, back.state, back.is_deleted) == (to, UploadState.PREPARING, False)
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    job = catalog.ledger.get_job(claim.job)
    assert (job.kind, job.spec["name"], job.spec["upload"]) == (QUEUE, str(to), upload.id)
    assert uploads.list_uploads(upload.user) == [back]


def test_one_that_failed_stays_so_when_its_dataset_comes_back(
    catalog: Catalog, upload: Upload
) -> None:
    run(catalog, JobState.FAILED)
    catalog.uploads.move(upload.id, {UploadState.PREPARING}, UploadState.FAILED, "SQS was away")
    catalog.deletion.begin(EM, ALL, days=7)
    run(catalog, JobState.DONE)
    [place] = catalog.deleted.list_allowed(ALL)
    catalog.deleted.restore(place.node, ALL)
    assert catalog.uploads.get(upload.id).state is UploadState.FAILED
    assert catalog.ledger.claim_oldest() is None
    assert catalog.uploads.complete(upload.id).state is UploadState.COMPLETING
    assert run(catalog, JobState.DONE) == QUEUE


def test_one_that_is_cancelled_has_no_job_but_that_which_clears(
    catalog: Catalog, upload: Upload
) -> None:
    catalog.uploads.delete(upload.id)
    catalog.uploads.delete(upload.id)
    assert [job.state for job in jobs(catalog, QUEUE)] == [JobState.CANCELLED]
    assert run(catalog, JobState.DONE) == CLEAR
    assert catalog.ledger.claim_oldest() is None
    assert catalog.uploads.list_uploads(upload.user) == []
    with pytest.raises(ConflictError, match="was cancelled"):
        catalog.uploads.complete(upload.id)
