"""Jobs for what clients upload: queues, voxels and remains of boss-ingest, shards of our own."""

from voxlake.compute.jobs.kinds.uploads.clear import CLEAR_UPLOAD, clear_all
from voxlake.compute.jobs.kinds.uploads.finish import FINISH_UPLOAD
from voxlake.compute.jobs.kinds.uploads.queue import QUEUE_UPLOAD
from voxlake.compute.jobs.kinds.uploads.write import WRITE_UPLOAD

__all__ = ["CLEAR_UPLOAD", "FINISH_UPLOAD", "QUEUE_UPLOAD", "WRITE_UPLOAD", "clear_all"]
