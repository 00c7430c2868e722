"""How the lake and this gateway are, for administrators: what the doctor looks at from here."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import version

from voxlake.api.checks.catalog import look_at_database
from voxlake.api.checks.jobs import of_workers, outcome_of
from voxlake.api.checks.machine import (
    look_at_cache,
    look_at_disk,
    look_at_open_files,
    look_at_spool,
)
from voxlake.api.checks.measured import look_at_measured
from voxlake.api.checks.outcome import Outcome, checked
from voxlake.api.checks.settings import look_at_settings
from voxlake.api.checks.stale import look_at_stale
from voxlake.api.data.readiness import check_ready
from voxlake.api.gateway import Gateway
from voxlake.api.guards.askers import Asker
from voxlake.documents.service.lake import CheckDocument
from voxlake.documents.service.status import (
    StatusDocument,
    runner_document,
    troubled_document,
    worker_record_document,
)
from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.jobs.runners import runners, troubled
from voxlake.platform.jobs.standing import standing
from voxlake.platform.jobs.workers import list_workers

MOST_TROUBLED = 20


async def describe(asker: Asker) -> StatusDocument:
    """Return how all is, as it was found within the last minute."""
    gateway = asker.gateway
    outcome = await _answering(gateway)
    return await gateway.status.get("", lambda: _look(gateway, outcome))


async def _answering(gateway: Gateway) -> Outcome:
    """Look at catalog, store and issuer, as those do who send requests to what is ready."""
    try:
        issuer = await check_ready(gateway)
    except StoreUnavailableError as error:
        return "fail", str(error), "see that it runs, and that it is reached from here"
    if issuer in {None, "ok"}:
        return "ok", "catalog, store" + (" and issuer answer" if issuer else " answer"), None
    found = f"catalog and store answer; the issuer is {issuer}"
    return "warn" if issuer == "stale" else "fail", found, "see that the issuer runs"


def _look(gateway: Gateway, answering: Outcome) -> StatusDocument:
    database, catalog = gateway.catalog.database, gateway.catalog
    stand, at_work, heard_of = standing(database), runners(database), list_workers(database)
    checks: tuple[CheckDocument, ...] = (
        checked("answers", lambda: answering),
        checked("settings", lambda: look_at_settings(os.environ, gateway.settings)),
        checked("catalog", lambda: look_at_database(database)),
        checked("jobs", lambda: outcome_of(stand, at_work)),
        checked("workers", lambda: of_workers(stand, heard_of)),
        checked("stale", lambda: look_at_stale(gateway.lake, catalog.list_datasets())),
        checked("measured", lambda: look_at_measured(database)),
        checked("disk", lambda: look_at_disk(gateway.lake)),
        checked("spool", lambda: look_at_spool(gateway.settings)),
        checked("cache", lambda: look_at_cache(gateway.settings)),
        checked("open files", look_at_open_files),
    )
    return StatusDocument(
        ok=all(check.state != "fail" for check in checks),
        at=datetime.now(UTC),
        version=version("voxlake"),
        checks=checks,
        jobs=dict(stand.jobs),
        waited_s=stand.waited_s,
        runners=tuple(map(runner_document, at_work)),
        workers=tuple(map(worker_record_document, heard_of)),
        troubled=tuple(map(troubled_document, troubled(database, MOST_TROUBLED))),
    )
