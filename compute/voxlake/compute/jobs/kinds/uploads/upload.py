"""What the jobs of an upload have in common: its row in the catalog, its folder and its queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds.kind import Spec, Work
from voxlake.compute.sources.boss_ingest.uploaded import Uploaded
from voxlake.documents.bossdb.ingest import Job
from voxlake.platform.catalog.data.uploads import UploadState
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from voxlake.platform.catalog.data.uploads import Upload
    from voxlake.platform.settings import Settings

MOVING = frozenset({UploadState.PREPARING, UploadState.COMPLETING})
"""States in which a job works for an upload."""


class UploadSpec(Spec):
    """Work for an upload."""

    upload: int
    """Its number."""


def upload_of(work: Work[UploadSpec]) -> Upload:
    """Return the upload as the catalog has it."""
    return work.workspace.catalog.uploads.get(work.spec.upload)


def folder_of(settings: Settings, upload: Upload) -> StoreURL:
    """Return where clients put what they upload.

    Raises
    ------
    UnsupportedError
        If there is no such place: the worker has other settings than the gateway.
    """
    if settings.upload_store is None:
        raise UnsupportedError(
            f"upload {upload.id} lies where this worker does not know; set VOXLAKE_UPLOAD_STORE "
            "as at the gateway"
        )
    return StoreURL.parse(settings.upload_store, settings) / upload.name


def uploaded_of(work: Work[UploadSpec], upload: Upload) -> Uploaded:
    """Return what clients upload."""
    job = Job.model_validate_json(upload.config)
    return Uploaded.of_job(folder_of(work.workspace.settings, upload), upload.id, job)


def fail_upload(work: Work[UploadSpec]) -> None:
    """Say of an upload whose job did not come to its end that it failed, and why."""
    said = work.ledger.get_job(work.job).message
    work.workspace.catalog.uploads.move(work.spec.upload, MOVING, UploadState.FAILED, said)
