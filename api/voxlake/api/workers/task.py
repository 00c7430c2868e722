"""What the process of a worker is told to do."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from voxlake.api.endpoint import Endpoint
from voxlake.api.workers.worker import Worker


class Task(BaseModel):
    """Where a worker listens, and to what. Settings, which hold secrets, it reads by itself."""

    lake: str
    host: str
    port: int
    secrets: Path
    target: str
    number: int
    count: int
    folder: Path
    listener: int

    def endpoint(self) -> Endpoint:
        """Return where it listens."""
        worker = Worker(self.number, self.count, self.folder, self.listener)
        return Endpoint(self.host, self.port, self.secrets, self.target, worker)
