"""A Dask cluster of real processes that tests may kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class DaskCluster:
    """A scheduler and two workers with a thread each, all without a supervisor."""

    logs: Path
    dashboard: int | None = None
    """The port of the scheduler's pages, if it has them."""
    port: int = field(default_factory=lambda: free_ports(1)[0])
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, workers: int = 2) -> None:
        """Start the scheduler and workers."""
        command = [*_DASK, "scheduler", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--no-dashboard"] if self.dashboard is None else ["--dashboard-address"]
        command += [] if self.dashboard is None else [f"127.0.0.1:{self.dashboard}"]
        self.scheduler = start(command, self._log("scheduler"), self._is_up)
        for _ in range(workers):
            self.start_worker()

    def start_worker(self) -> None:
        """Start one more worker."""
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "20"]
        with self._log("worker").open("ab") as log:
            command = [*_DASK, "worker", self.address, *options]
            self.workers.append(subprocess.Popen(command, stdout=log, stderr=log))

    def kill_worker(self) -> None:
        """Kill the oldest worker, as a machine that loses its power would."""
        worker = self.workers.pop(0)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()

    def kill_scheduler(self) -> None:
        """Kill the scheduler; the workers find out by themselves."""
        assert self.scheduler is not None
        os.kill(self.scheduler.pid, signal.SIGKILL)
        self.scheduler.wait()

    def stop(self) -> None:
        """Kill what is left."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            stop(process)
        self.workers.clear()

    def _is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _log(self, name: str) -> Path:
        return self.logs / f"dask-{name}.log"


_DASK = [sys.executable, "-m", "dask"]
