"""What clients of boss-ingest upload to a dataset: how far each upload is, and its jobs."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, insert, select, update

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import find_record
from voxlake.platform.catalog.data.record import DatasetState
from voxlake.platform.catalog.tables import uploads
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.histories import lay_aside_jobs, take_up_jobs
from voxlake.platform.jobs.record import UNFINISHED, JobState
from voxlake.platform.jobs.rows import add_job, clean_text, read_jobs
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.nodes.tree import NAME_COLUMNS, is_kept, join_names, name_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.catalog.data.record import DatasetRecord
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.jobs.record import JSON
    from voxlake.platform.names import DatasetName


class UploadState(StrEnum):
    """How far an upload is."""

    PREPARING = "preparing"
    """Its queue is being filled."""
    UPLOADING = "uploading"
    COMPLETING = "completing"
    """What is missing is looked for; if nothing is, all is written to the dataset."""
    COMPLETE = "complete"
    FAILED = "failed"
    DELETED = "deleted"


ALIVE = frozenset(UploadState) - {UploadState.COMPLETE, UploadState.DELETED}
"""States of an upload that can be gone on with."""
QUEUE, WRITE, CLEAR = "queue-upload", "write-upload", "clear-upload"
"""Kinds of the jobs of an upload."""
FINISH = "finish-upload"
"""Kind of the jobs of uploads to the gateway itself, whose tasks are the shards that came."""
_DELETED = "its dataset was deleted; it goes on once that is brought back"


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload."""

    id: int
    """Rises with time."""
    serial: str
    """Random: queues and folders of the upload have it in their names."""
    dataset: DatasetName
    user: int | None
    """Who asked for it; None: the lake's owner."""
    by: str
    """The same, as they were called."""
    config: str
    """What the client was configured with, JSON."""
    start: tuple[int, int, int]
    """Where the dataset begins in the coordinates of the configuration: voxels z, y, x."""
    state: UploadState
    message: str
    """Why it failed last; empty once it is complete."""
    created_at: datetime
    is_deleted: bool
    """Whether its dataset is: it goes on if that is brought back."""

    @property
    def name(self) -> str:
        """What its folder and its queues are called by."""
        return f"{self.id}-{self.serial}"


@dataclass(frozen=True, slots=True)
class Uploads(Writer):
    """The uploads to a lake's datasets. Its methods may be called from any thread."""

    ledger: Ledger

    def begin(
        self, dataset: DatasetName, user: int | None, config: str, start: tuple[int, int, int]
    ) -> Upload:
        """Record an upload, and queue the job that fills its queue."""
        row: dict[str, object] = {
            "serial": secrets.token_hex(8),
            "user": user,
            "by": self.by,
            "config": config,
            "state": UploadState.PREPARING.value,
            "message": "",
            "created_at": now(),
        }
        row |= dict(zip(("z_start", "y_start", "x_start"), start, strict=True))
        with self.database.write() as connection:
            node = find_record(connection, dataset).node
            connection.execute(insert(uploads).values(row | {"node": node}))
            upload = _find(connection, uploads.c.serial == row["serial"])
            self.note(connection, "begin upload", str(dataset), node=node, detail=str(upload.id))
        self.enqueue(QUEUE, upload)
        return upload

    def get(self, number: int) -> Upload:
        """Return an upload; raise NotFoundError if there is none."""
        with self.database.read() as connection:
            return _find(connection, uploads.c.id == number)

    def list_uploads(self, user: int | None) -> list[Upload]:
        """Return the uploads of a user, or of the lake's owner, that can be gone on with."""
        mine = uploads.c.user.is_(None) if user is None else uploads.c.user == user
        alive = is_kept, uploads.c.state.in_(sorted(ALIVE))
        query = _named.where(mine, *alive).order_by(uploads.c.id)
        with self.database.read() as connection:
            return [_upload_of(row) for row in connection.execute(query)]

    def complete(self, number: int) -> Upload:
        """Have it looked for what is missing, and all written to the dataset if nothing is.

        One that failed is gone on with; one whose job was lost has it again.

        Raises
        ------
        ConflictError
            If it is deleted.
        """
        upload = self.get(number)
        if upload.state is UploadState.DELETED:
            raise ConflictError(f"upload {number} was cancelled; begin another")
        begins = {UploadState.UPLOADING, UploadState.FAILED}
        if self.move(number, begins, UploadState.COMPLETING):
            self.enqueue(QUEUE, upload)
        elif upload.state in {UploadState.PREPARING, UploadState.COMPLETING}:
            self.enqueue(WRITE if self._jobs(WRITE, upload) else QUEUE, upload)
        return self.get(number)

    def delete(self, number: int) -> None:
        """Give it up: what was uploaded is deleted by a worker, what was written stays."""
        if not self.move(number, ALIVE, UploadState.DELETED):
            return
        upload = self.get(number)
        with self.database.write() as connection:
            self.note(connection, "cancel upload", str(upload.dataset), detail=str(number))
        for kind in (QUEUE, WRITE):
            for job in self._jobs(kind, upload):
                with suppress(ConflictError):  # it has ended meanwhile
                    self.ledger.cancel(job)
        self.enqueue(CLEAR, upload)

    def left(self, node: int) -> list[Upload]:
        """Return the uploads to a dataset, one without a name too, that may have left something.

        All have but those that were written, or that a worker has cleared.
        """
        mine = uploads.c.node == node, uploads.c.state != UploadState.COMPLETE.value
        done = jobs.c.node == node, jobs.c.kind == CLEAR, jobs.c.state == JobState.DONE.value
        with self.database.read() as connection:
            cleared = {job.spec["upload"] for job in read_jobs(connection, *done)}
            found = map(_upload_of, connection.execute(_named.where(*mine).order_by(uploads.c.id)))
            return [upload for upload in found if upload.id not in cleared]

    def forget(self, node: int) -> None:
        """Forget the uploads to a dataset that goes, once nothing is left of them."""
        with self.database.write() as connection:
            connection.execute(delete(uploads).where(uploads.c.node == node))

    def move(
        self,
        number: int,
        before: Collection[UploadState],
        after: UploadState,
        message: str | None = None,
    ) -> bool:
        """Change the state of an upload, if it is one of some; return whether it was.

        `message` is what is said of it from now on; None: what was said before.
        """
        mine = uploads.c.id == number, uploads.c.state.in_(sorted(before))
        values = {"state": after.value}
        values |= {} if message is None else {"message": clean_text(message)}
        change = update(uploads).where(*mine).values(values)
        with self.database.write() as connection:
            return connection.execute(change).rowcount > 0

    def enqueue(self, kind: str, upload: Upload) -> None:
        """Queue a job of the upload: one that was begun goes on, one that runs is left alone."""
        with self.database.read() as connection:
            record = find_record(connection, upload.dataset)
        begun = self._jobs(kind, upload)
        if not begun:
            spec = _spec(kind, record, upload.id)
            begun = [self.ledger.create_job(kind, record.name, spec).id]
        with suppress(ConflictError):
            self.ledger.enqueue(begun[0])

    def _jobs(self, kind: str, upload: Upload) -> list[str]:
        begun = self.ledger.jobs_of(upload.dataset, kind=kind, states=UNFINISHED)
        return [job.id for job in begun if job.spec["upload"] == upload.id]


_named = join_names(
    select(uploads, *NAME_COLUMNS, is_kept.label("is_kept")).select_from(uploads), uploads.c.node
)


def _find(connection: Connection, which: ColumnElement[bool]) -> Upload:
    row = connection.execute(_named.where(which)).one_or_none()
    if row is None:
        raise no_upload()
    return _upload_of(row)


def _upload_of(row: Row[tuple[Any, ...]]) -> Upload:
    return Upload(
        id=row.id,
        serial=row.serial,
        dataset=name_of(row),
        user=row.user,
        by=row.by,
        config=row.config,
        start=(row.z_start, row.y_start, row.x_start),
        state=UploadState(row.state),
        message=row.message,
        created_at=row.created_at,
        is_deleted=not row.is_kept,
    )


def give_up_uploads(connection: Connection, node: int) -> None:
    """Give up the uploads to a dataset that goes: nobody goes on with them."""
    mine = uploads.c.node == node, uploads.c.state.in_(sorted(ALIVE))
    connection.execute(update(uploads).where(*mine).values(state=UploadState.DELETED.value))


def pause_uploads(connection: Connection, record: DatasetRecord) -> list[str]:
    """Have nothing uploaded to a dataset that is about to be hidden; return the jobs to be spared.

    What was uploaded stays, and how far each upload is. Clients of boss-ingest find their queue
    gone, once a worker has taken it away.
    """
    mine = uploads.c.node == record.node, uploads.c.state.in_(sorted(ALIVE))
    begun = connection.execute(select(uploads.c.id).where(*mine)).scalars().all()
    aside = lay_aside_jobs(connection, record.node, FINISH, _DELETED)
    return [*aside, *(_queue(connection, record, number) for number in begun)]


def resume_uploads(connection: Connection, record: DatasetRecord) -> None:
    """Have uploads go on to a dataset that was brought back: what is missing is asked for anew."""
    mine = uploads.c.node == record.node
    filled = mine, uploads.c.state == UploadState.UPLOADING.value
    connection.execute(update(uploads).where(*filled).values(state=UploadState.PREPARING.value))
    moving = (UploadState.PREPARING.value, UploadState.COMPLETING.value)
    begun = select(uploads.c.id).where(mine, uploads.c.state.in_(moving))
    for number in connection.execute(begun).scalars().all():
        _queue(connection, record, number)
    if record.state is not DatasetState.READY:
        take_up_jobs(connection, record.node, FINISH, _place(record))


def _queue(connection: Connection, record: DatasetRecord, upload: int) -> str:
    """Queue the job that has the queue of an upload hold what is missing; return its id."""
    spec = _spec(QUEUE, record, upload)
    return add_job(connection, QUEUE, record.name, spec, queued=True)


def _spec(kind: str, record: DatasetRecord, upload: int) -> dict[str, JSON]:
    """Return what a job of an upload is told, as `compute.jobs.kinds.uploads` has it."""
    return {"kind": kind, **_place(record), "upload": upload}


def _place(record: DatasetRecord) -> dict[str, JSON]:
    return {"name": str(record.name), "kind_of_dataset": record.kind, "of": record.of}


def no_upload() -> NotFoundError:
    """Return the error that an upload is not there, or not for whoever asks."""
    return NotFoundError(
        "there is no such ingest job of yours; list them with GET /v1/ingest, or begin another"
    )
