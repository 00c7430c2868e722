"""A gateway beside a worker that runs its jobs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.worker import Pace, work_off
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL


@contextmanager
def run_beside_worker(lake: StoreURL, folder: Path, sample: Sample) -> Iterator[str]:
    """Serve a lake with one dataset, which is ingested to from `folder`; yield the address."""
    settings, stop = Settings(workers=0, ingest_stores=(str(folder),)), threading.Event()
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, sample)
        workspace = Workspace(lake, catalog, settings)

        def work() -> None:
            for _ in work_off(workspace, stop, jobs=None, until_idle=False, pace=Pace(0.02, 60)):
                pass

        worker = threading.Thread(target=work)
        worker.start()
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        try:
            with run_app(app) as url:
                yield url
        finally:
            stop.set()
            worker.join()
