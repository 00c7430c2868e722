"""The process of a worker: ``python -m voxlake.api.workers.process TASK``, its task as JSON.

It tells by a line, the JSON of a `ServingDocument`, that it serves. It ends when its standard input
does: then who started it has died.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from threading import Thread

from voxlake.api.serve import run_gateway
from voxlake.api.workers.task import Task
from voxlake.api.workers.worker import share_of
from voxlake.documents.service.gateway import ServingDocument
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
from voxlake.platform.telemetry.logs import written_logs


def main() -> None:
    """Serve until told to end."""
    task = Task.model_validate_json(sys.argv[1])
    Thread(target=_end_with_starter, daemon=True).start()
    lake, settings = StoreURL.parse(task.lake), share_of(Settings(), task.worker.count)
    with suppress(KeyboardInterrupt), written_logs(settings), open_catalog(lake, settings) as found:
        endpoint = replace(task.endpoint, worker=task.worker)
        run_gateway(settings, lake, found, _announce, endpoint)


def _announce(document: ServingDocument) -> None:
    sys.stdout.write(document.model_dump_json() + "\n")
    sys.stdout.flush()


def _end_with_starter() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
