"""Delete what an upload has left: its queues, so that clients end, and its tiles and cuboids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.kind import JobKind, Work
from voxlake.compute.jobs.kinds.uploads.upload import UploadSpec, folder_of, upload_of
from voxlake.platform import store
from voxlake.platform.queues import index_queue, queues_of, upload_queue

if TYPE_CHECKING:
    from voxlake.compute.plan import Plan


class ClearUploadSpec(UploadSpec):
    """Delete what an upload has left."""

    kind: Literal["clear-upload"] = "clear-upload"


def clear(work: Work[UploadSpec]) -> None:
    """Delete queues and folder of an upload; what is gone is no error."""
    upload, queues = upload_of(work), queues_of(work.workspace.settings)
    queues.delete(upload_queue(upload.name))
    queues.delete(index_queue(upload.name))
    store.delete_tree(folder_of(work, upload))


def _no_stages(_: Work[ClearUploadSpec]) -> list[Plan]:
    return []


CLEAR_UPLOAD = JobKind(ClearUploadSpec, _no_stages, finish=clear)
