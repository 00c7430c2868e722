"""Tell clients of boss-ingest, by a queue, what to upload: all that is not there yet.

When nothing is missing, the job that writes it to the dataset is queued. Of a dataset that is
deleted nothing is: its queues are taken away, until it is brought back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.kind import JobKind, Work
from voxlake.compute.jobs.kinds.uploads.clear import delete_queues
from voxlake.compute.jobs.kinds.uploads.upload import (
    MOVING,
    UploadSpec,
    fail_upload,
    upload_of,
    uploaded_of,
)
from voxlake.compute.plan import Plan, Result, fingerprint
from voxlake.platform import store
from voxlake.platform.aws.queues import index_queue, queues_of, upload_queue
from voxlake.platform.catalog.data.uploads import WRITE, UploadState
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from voxlake.compute.sources.boss_ingest.uploaded import Uploaded
    from voxlake.ngff.grid.box import Cell
    from voxlake.platform.aws.queues import Queues

KEPT_S = 14 * 24 * 3600
"""Seconds that messages are kept: the most that SQS does."""
HIDDEN_S = 300
"""Seconds after which what a client took, and did not upload, is given to another."""
UNREAD_S = 60
"""Seconds that messages are kept which clients send, and nobody reads."""
STAGE = "queue"


class QueueUploadSpec(UploadSpec):
    """Put on a queue what is not uploaded yet."""

    kind: Literal["queue-upload"] = "queue-upload"


@dataclass(frozen=True, slots=True)
class QueueTask:
    """Put on a queue those of some tiles or chunks that are not there."""

    uploaded: Uploaded
    queues: Queues
    queue: str
    """Its URL."""
    block: int

    def __call__(self) -> Result:
        """Send the messages; doing it again sends them again, and clients upload the same."""
        there = {each.url.key for each in store.walk(self.uploaded.block_url(self.block))}
        missing = [
            number
            for number in self.uploaded.numbers(self.block)
            if any(piece.url.key not in there for piece in self.uploaded.pieces(number))
        ]
        self.queues.send(self.queue, map(self.uploaded.message, missing))
        return Result(missing=len(missing))


def _make_queues(work: Work[QueueUploadSpec]) -> None:
    upload, queues = upload_of(work), queues_of(work.workspace.settings)
    if upload.is_deleted:
        delete_queues(queues, upload)
    elif upload.state in MOVING:
        queues.make(upload_queue(upload.name), kept_s=KEPT_S, hidden_s=HIDDEN_S)
        queues.make(index_queue(upload.name), kept_s=UNREAD_S, hidden_s=HIDDEN_S)


def _stages(work: Work[QueueUploadSpec]) -> list[Plan]:
    upload, queues = upload_of(work), queues_of(work.workspace.settings)
    if upload.is_deleted or upload.state not in MOVING:
        return []
    url = queues.url(upload_queue(upload.name))
    if url is None:
        raise ConflictError(f"the queue of upload {upload.id} was deleted while it was filled")
    uploaded = uploaded_of(work, upload)
    make = partial(_task, uploaded, queues, url)
    return [Plan(STAGE, (uploaded.blocks,), make, fingerprint(str(uploaded), url))]


def _task(uploaded: Uploaded, queues: Queues, url: str, cell: Cell) -> QueueTask:
    return QueueTask(uploaded, queues, url, cell[0])


def _finish(work: Work[QueueUploadSpec]) -> None:
    upload, uploads = upload_of(work), work.workspace.catalog.uploads
    if upload.is_deleted or upload.state not in MOVING:
        return
    missing = sum(
        Result.model_validate(each).missing for each in work.ledger.results(work.job, STAGE)
    )
    if missing or upload.state is UploadState.PREPARING:
        uploads.move(upload.id, MOVING, UploadState.UPLOADING)
    else:
        uploads.enqueue(WRITE, upload)


QUEUE_UPLOAD = JobKind(
    QueueUploadSpec, _stages, prepare=_make_queues, finish=_finish, fail=fail_upload
)
