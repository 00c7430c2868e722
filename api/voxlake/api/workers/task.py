"""What the process of a worker is told to do."""

from __future__ import annotations

from pydantic import BaseModel

from voxlake.api.endpoint import Endpoint
from voxlake.api.workers.worker import Worker


class Task(BaseModel):
    """Where a worker listens, and to what. Settings, which hold secrets, it reads by itself."""

    lake: str
    endpoint: Endpoint
    worker: Worker
