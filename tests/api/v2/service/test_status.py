"""An administrator sees how all is, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.documents.service.status import StatusDocument
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def catalog(lake: StoreURL) -> Iterator[Catalog]:
    """The catalog of a lake in which nothing is."""
    with open_catalog(lake, Settings()) as opened:
        yield opened


def status(lake: StoreURL, catalog: Catalog) -> StatusDocument:
    """Ask a new gateway."""
    app = create_app(Settings(), lake, catalog, LocalIdentity(TOKEN))
    with run_app(app) as url:
        answer = httpx2.get(f"{url}/v2/status", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    return StatusDocument.model_validate_json(answer.text)


def test_a_lake_that_is_well(lake: StoreURL, catalog: Catalog) -> None:
    found = status(lake, catalog)
    assert found.ok
    names = {"answers", "settings", "catalog", "jobs", "workers", "stale", "spool", "open files"}
    names |= {"cache", "disk", "measured"}
    assert {check.name for check in found.checks} == names
    assert not found.runners
    assert not found.troubled
    assert sum(found.jobs.values()) == 0


def test_a_full_disk_is_told(small_folder: Path) -> None:
    place = StoreURL.parse(str(small_folder))
    with open_catalog(place, Settings()) as catalog:
        found = status(place, catalog)
    assert not found.ok
    [failed] = [check for check in found.checks if check.state == "fail"]
    assert (failed.name, failed.found) == ("disk", "no space is left: 0.0 GB are free")


def test_who_runs_jobs_and_which_failed_is_told(lake: StoreURL, catalog: Catalog) -> None:
    made = [
        catalog.ledger.create_job("ingest", DatasetName.parse(f"a/b/d{number}"), {})
        for number in range(2)
    ]
    claims = [catalog.ledger.claim(job.id) for job in made]
    catalog.ledger.set_state(claims[0], JobState.FAILED, "the source is gone")
    found = status(lake, catalog)
    assert found.jobs[JobState.FAILED] == found.jobs[JobState.RUNNING] == 1
    [troubled] = found.troubled
    assert (troubled.job, troubled.message) == (made[0].id, "the source is gone")
    [runner] = found.runners
    assert (runner.job, runner.dataset, runner.lives) == (made[1].id, "a/b/d1", True)
    [check] = [check for check in found.checks if check.name == "jobs"]
    assert check.state == "warn"
    assert found.ok
