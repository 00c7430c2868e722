"""Delete what an upload has left: its queues, so that clients end, and its tiles and cuboids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.kind import JobKind, Work
from voxlake.compute.jobs.kinds.uploads.upload import UploadSpec, folder_of, upload_of
from voxlake.platform import store
from voxlake.platform.aws.queues import index_queue, queues_of, upload_queue

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.aws.queues import Queues
    from voxlake.platform.catalog.data.uploads import Upload
    from voxlake.platform.settings import Settings


class ClearUploadSpec(UploadSpec):
    """Delete what an upload has left."""

    kind: Literal["clear-upload"] = "clear-upload"


def clear(work: Work[UploadSpec]) -> None:
    """Delete what the upload of a job has left; what is gone is no error."""
    _clear(work.workspace.settings, upload_of(work))


def clear_all(workspace: Workspace, node: int) -> None:
    """Delete what the uploads to a dataset that goes have left, and forget them."""
    uploads = workspace.catalog.uploads
    for upload in uploads.left(node):
        _clear(workspace.settings, upload)
    uploads.forget(node)


def _clear(settings: Settings, upload: Upload) -> None:
    folder = folder_of(settings, upload)
    delete_queues(queues_of(settings), upload)
    store.delete_tree(folder)


def delete_queues(queues: Queues, upload: Upload) -> None:
    """Delete the queues of an upload, so that its clients end."""
    queues.delete(upload_queue(upload.name))
    queues.delete(index_queue(upload.name))


def _no_stages(_: Work[ClearUploadSpec]) -> list[Plan]:
    return []


CLEAR_UPLOAD = JobKind(ClearUploadSpec, _no_stages, finish=clear)
