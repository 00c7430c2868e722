"""Uploads of local data: a dataset is begun, clients share its shards, a worker finishes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio
from starlette.requests import Request

from voxlake.api.data.writing import received
from voxlake.api.data.writing.received import describe_upload, receive_shard
from voxlake.api.guards.askers import GrantedPlace
from voxlake.api.guards.datasets import Granted, grant
from voxlake.api.guards.jobs import GrantedJob
from voxlake.api.places import datasets
from voxlake.documents.jobs.job import JobDocument, job_document
from voxlake.documents.jobs.upload import ShardsTaken, TakeQuestion, UploadDocument
from voxlake.documents.places.asked import EmptyQuestion
from voxlake.platform.access import Add, AddVoxels
from voxlake.platform.catalog import Catalog, DatasetState
from voxlake.platform.catalog.data.jobs import asked_by
from voxlake.platform.errors import ConflictError, LimitExceededError, UnsupportedError
from voxlake.platform.jobs.record import MOST_COUNTED, UNFINISHED, Job, JobState, StageRecord
from voxlake.platform.jobs.sharing import SharedTasks
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.jobs.record import JSON

KIND, STAGE = "finish-upload", "upload"
"""As `compute.jobs.kinds.uploads.finish` has them."""
WAITS_S = 5.0
"""Seconds that who comes second waits for the job of who came first."""


async def begin(
    request: Request, granted: GrantedPlace[Add], dataset: str, asked: EmptyQuestion
) -> UploadDocument:
    """Make a dataset that clients upload, or join its upload.

    Raises
    ------
    ConflictError
        If there is a dataset of that name that is not being uploaded, or as another.
    """
    asker, spoken = granted.asker, asked.model_dump_json()
    collection, experiment = granted.place.names
    name = DatasetName(collection, experiment, dataset)
    job = await asker.of_catalog(lambda catalog: _begun(catalog, name))
    if job is None:
        _check_size(name, asked)
        try:
            await datasets.add(granted, name.dataset, asked, DatasetState.INGESTING)
        except ConflictError:
            job = await _awaited(granted, name)
            if job is None:
                raise
    access = await grant(request.scope, name.parts, AddVoxels)
    if job is None:
        upload = await describe_upload(access, "")
        job = await asker.of_catalog(lambda catalog: _record(catalog, access, upload, spoken))
    if job.spec["asked"] != spoken:
        raise ConflictError(
            f"{name} is being uploaded by job {job.id}, and not as is asked for; join that as it "
            "is, or cancel it"
        )
    return await describe_upload(access, job.id)


def _check_size(name: DatasetName, asked: EmptyQuestion) -> None:
    voxels = math.prod(asked.shape or ())
    if voxels > MOST_COUNTED:
        raise LimitExceededError(
            f"{name} was to be uploaded with {voxels} voxels; an upload has {MOST_COUNTED} at "
            "most: make an empty dataset, and write where there is something"
        )


def _begun(catalog: Catalog, name: DatasetName) -> Job | None:
    jobs = catalog.ledger.jobs_of(name, kind=KIND, states=UNFINISHED)
    return jobs[0] if jobs else None


async def _awaited(granted: GrantedPlace[Add], name: DatasetName) -> Job | None:
    """Return the job of who was faster; None if nobody has begun one."""
    with anyio.move_on_after(WAITS_S):
        while True:
            job = await granted.asker.of_catalog(lambda catalog: _begun(catalog, name))
            if job is not None:
                return job
            await anyio.sleep(0.1)
    return None


def _record(
    catalog: Catalog, granted: Granted[AddVoxels], upload: UploadDocument, spoken: str
) -> Job:
    record = granted.record
    spec: dict[str, JSON] = {
        "kind": KIND,
        "name": str(record.name),
        "kind_of_dataset": record.kind,
        "of": record.of,
        "task_bytes": granted.gateway.settings.task_bytes,
        "asked": spoken,
    }
    stage = StageRecord(STAGE, upload.shards, upload.dataset, math.prod(upload.shape))
    job = catalog.ledger.create_job(KIND, record.name, spec, asked_by(granted.access.principal))
    SharedTasks(catalog.database, job.id, STAGE).begin(stage)
    catalog.jobs.note_change("begin upload", job)
    return job


async def describe(request: Request, granted: GrantedJob[AddVoxels]) -> UploadDocument:
    """Return how shards are coded, to who joins.

    Raises
    ------
    ConflictError
        If it was given up, or its dataset is deleted.
    """
    access = await _target(request, granted)
    return await describe_upload(access, granted.job.id)


async def take(granted: GrantedJob[AddVoxels], asked: TakeQuestion) -> ShardsTaken:
    """Give shards to a client, and renew those it has; or take back those of one that leaves.

    Raises
    ------
    ConflictError
        If nothing more is to be uploaded: it is finished, or given up.
    """
    _check_upload(granted)
    job = granted.job.id

    def ask(catalog: Catalog) -> ShardsTaken:
        shared = SharedTasks(catalog.database, job, STAGE)
        if asked.leaves:
            taken = shared.leave(asked.holder)
        else:
            taken = shared.take(asked.holder, asked.count, received.LEASE_S)
        return ShardsTaken(shards=taken.tasks, left=taken.left)

    return await granted.asker.of_catalog(ask)


async def receive(request: Request, granted: GrantedJob[AddVoxels], shard: int) -> None:
    """Store a shard, and note that it is there."""
    access = await _target(request, granted)
    voxels, size, digest = await receive_shard(access, shard, request)
    job = granted.job.id

    def note(catalog: Catalog) -> None:
        shared = SharedTasks(catalog.database, job, STAGE)
        shared.record_done(shard, {"sha256": digest}, voxels=voxels, size=size)

    await granted.asker.of_catalog(note)


async def finish(granted: GrantedJob[AddVoxels]) -> JobDocument:
    """Have a worker make levels and label index; again is no harm.

    Raises
    ------
    ConflictError
        If shards are yet to be uploaded.
    """
    _check_upload(granted)
    job = granted.job

    def change(catalog: Catalog) -> JobDocument:
        stage = next(each for each in job.stages if each.name == STAGE)
        left = stage.tasks - catalog.ledger.count_done(job.id, STAGE)
        if left:
            raise ConflictError(f"{left} shards are yet to be uploaded; go on with them")
        waits = job.state is JobState.QUEUED and job.queued_at is not None
        if job.state in {JobState.DONE, JobState.RUNNING} or waits:
            return job_document(catalog.ledger, job)
        return job_document(catalog.ledger, catalog.ledger.enqueue(job.id))

    return await granted.asker.of_catalog(change)


def _check_upload(granted: GrantedJob[AddVoxels]) -> None:
    if granted.job.kind != KIND:
        raise UnsupportedError(
            f"job {granted.job.id} is a {granted.job.becomes} job, and no upload by clients"
        )
    if granted.job.state is JobState.CANCELLED:
        raise _given_up(granted.job)


async def _target(request: Request, granted: GrantedJob[AddVoxels]) -> Granted[AddVoxels]:
    """Return the dataset of an upload, to be written to; another may have its name by now."""
    _check_upload(granted)
    access = await grant(request.scope, granted.job.dataset.parts, AddVoxels)
    if access.record.node != granted.placed.place.path[-1]:
        raise _given_up(granted.job)
    return access


def _given_up(job: Job) -> ConflictError:
    why = job.message or "its dataset is another by now"
    return ConflictError(f"job {job.id} is cancelled ({why}); clients do nothing more for it")
