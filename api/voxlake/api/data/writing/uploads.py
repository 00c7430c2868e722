"""Ingest jobs of boss-ingest: clients upload to a bucket by a queue, workers do the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from anyio import to_thread

from voxlake.api.data.opened import opened_dataset, opened_labels, opened_level
from voxlake.api.guards.askers import Asker
from voxlake.api.guards.datasets import Granted
from voxlake.api.guards.uploads import OwnUpload
from voxlake.documents.bossdb.ingest import Config
from voxlake.documents.places.places import FrameDocument
from voxlake.ngff import lake
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.platform.access import AddVoxels
from voxlake.platform.aws.queues import Queues, Waiting, index_queue, queues_of, upload_queue
from voxlake.platform.catalog import DatasetState
from voxlake.platform.catalog.data.uploads import Upload, UploadState
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """Where clients upload to, and with which keys."""

    store: StoreURL
    access_key: str
    secret_key: str = field(repr=False)
    queues: Queues


def upload_place(settings: Settings) -> UploadPlace:
    """Return where clients upload to.

    Raises
    ------
    NotFoundError
        If the server takes no ingest jobs.
    """
    secret = settings.upload_secret_access_key
    if settings.upload_store is None or settings.upload_access_key_id is None or secret is None:
        raise NotFoundError(
            "this server takes no ingest jobs; ask its administrator to set VOXLAKE_UPLOAD_STORE, "
            "VOXLAKE_UPLOAD_ACCESS_KEY_ID and VOXLAKE_UPLOAD_SECRET_ACCESS_KEY, or run the "
            "configuration where the data are: voxlake ingest"
        )
    store = StoreURL.parse(settings.upload_store, settings)
    if store.scheme != "s3" or "&" in store.key:
        raise InvalidInputError(
            f"VOXLAKE_UPLOAD_STORE is {settings.upload_store}; set it to s3://BUCKET/PREFIX, "
            "without '&'"
        )
    return UploadPlace(
        store, settings.upload_access_key_id, secret.get_secret_value(), queues_of(settings)
    )


async def begin(granted: Granted[AddVoxels], config: Config, frame: FrameDocument | None) -> Upload:
    """Record an upload to a dataset; a worker fills its queue.

    Raises
    ------
    NotFoundError
        If the server takes none.
    ConflictError, UnsupportedError
        If the dataset is not ready, or not the lake's, or has other axes than t, z, y and x, or is
        of labels that cannot be indexed.
    InvalidInputError
        If what is to be uploaded is not level 0, or does not lie in the dataset.
    """
    upload_place(granted.gateway.settings)
    record, job = granted.record, config.ingest_job
    lake.check_writable(lake.place_of(record), "an ingest job")
    if record.state is not DatasetState.READY:
        raise ConflictError(f"{record.name} is {record.state} and not ready; wait for its job")
    if job.resolution != 0:
        raise InvalidInputError(
            f"resolution {job.resolution} was asked for; upload level 0, coarser ones are made of "
            "it"
        )
    start = (0, 0, 0) if frame is None else frame.start
    job.box.check_inside(await _whole(granted, start), f"{record.name} in its frame")
    who, catalog = granted.access.principal, granted.gateway.catalog.signed(granted.asker)
    kept = job.model_dump_json()
    return await to_thread.run_sync(catalog.uploads.begin, record.name, who.user, kept, start)


async def _whole(granted: Granted[AddVoxels], start: tuple[int, int, int]) -> Box:
    """Return all of a dataset, t, z, y, x in the coordinates of a frame that begins at `start`."""
    dataset = await opened_dataset(granted)
    volume = await opened_level(granted, dataset, 0)
    if granted.record.kind == "labels":
        check_labels((await opened_labels(granted)).at_time().volume)
    sizes = dict(zip(dataset.multiscale.axis_names, volume.shape, strict=True))
    if not set(SPATIAL) <= {*sizes} <= {"t", *SPATIAL}:
        raise UnsupportedError(
            f"{granted.record.name} has the axes {', '.join(sizes)}, and boss-ingest knows t, z, "
            "y and x; use voxlake ingest"
        )
    extents = tuple(sizes[name] for name in SPATIAL)
    return Box.of_shape((sizes.get("t", 1), *extents)).shifted((0, *start))


async def list_uploads(asker: Asker) -> list[Upload]:
    """Return the uploads of the asker that can be gone on with."""
    user = asker.principal.user
    return await asker.of_catalog(lambda catalog: catalog.uploads.list_uploads(user))


def check_not_failed(own: OwnUpload) -> None:
    """Raise ConflictError if an upload failed, with what is known of why."""
    if own.upload.state is UploadState.FAILED:
        raise ConflictError(
            f"ingest job {own.upload.id} failed: {own.upload.message}; once that is mended, "
            f"complete it (POST /v1/ingest/{own.upload.id}/complete), which asks for what is "
            "missing, and join it again"
        )


async def queue_urls(own: OwnUpload) -> tuple[str, str]:
    """Return the URLs of the queues of an upload; empty where there is none."""
    queues = upload_place(own.granted.gateway.settings).queues
    names = upload_queue(own.upload.name), index_queue(own.upload.name)

    def ask() -> tuple[str, str]:
        first, second = map(queues.url, names)
        return first or "", second or ""

    return await to_thread.run_sync(ask)


async def waiting(own: OwnUpload) -> Waiting:
    """Return how much of an upload waits on its queue, and is worked on."""
    queues = upload_place(own.granted.gateway.settings).queues

    def ask() -> Waiting:
        url = queues.url(upload_queue(own.upload.name))
        return Waiting() if url is None else queues.waiting(url)

    try:
        return await to_thread.run_sync(ask)
    except NotFoundError:  # it was deleted meanwhile
        return Waiting()


async def complete(own: OwnUpload) -> Literal["complete", "completing", "in flight"]:
    """Have workers look for what is missing, and write all to the dataset if nothing is.

    Not before clients have uploaded what they took from the queue; and while there is something on
    it, they are sent back: they ask for the status next, and find that it is as it was.

    Raises
    ------
    ConflictError
        If it was cancelled.
    """
    state = own.upload.state
    if state is UploadState.COMPLETE:
        return "complete"
    if state is UploadState.UPLOADING:
        left = await waiting(own)
        if left.visible:
            return "completing"
        if left.in_flight:
            return "in flight"
    await to_thread.run_sync(own.uploads.complete, own.upload.id)
    return "completing"


async def delete(own: OwnUpload) -> None:
    """Give an upload up."""
    await to_thread.run_sync(own.uploads.delete, own.upload.id)
