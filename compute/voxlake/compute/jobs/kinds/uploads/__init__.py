"""Jobs for what clients of boss-ingest upload: their queues, their voxels, and what is left."""

from voxlake.compute.jobs.kinds.uploads.clear import CLEAR_UPLOAD, clear_all
from voxlake.compute.jobs.kinds.uploads.queue import QUEUE_UPLOAD
from voxlake.compute.jobs.kinds.uploads.write import WRITE_UPLOAD

__all__ = ["CLEAR_UPLOAD", "QUEUE_UPLOAD", "WRITE_UPLOAD", "clear_all"]
