"""Jobs are planned, started, watched and given up by forms, with a worker that stands beside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.api.console.jobs.conftest import INGEST, work

from voxlake.platform.access import Role
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.console.conftest import Browser, Workshop


def ingest(browser: Browser, source: str, name: str) -> str:
    """Plan an ingest, and return the path of the page that is gone on to."""
    sizes = {"size_z": "8", "size_y": "8", "size_x": "8", "unit": "nanometer"}
    page = browser.fill_in(INGEST, source=source, name=name, as_kind="image", of="", **sizes)
    assert page.status_code == 200, page.text
    assert "it waits for a worker" in page.text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page.text
    return page.url.path


def test_an_ingest_is_planned_started_and_watched(shop: Workshop, sources: Path) -> None:
    with shop.browser("ada") as ada:
        assert f"<code>{sources}</code>" in ada.get(INGEST).text
        plan = ingest(ada, str(sources / "em.npy"), "new")
        work(shop)
        page = ada.get(f"{plan}?watch=true")
        assert "http-equiv" not in page.text, "it is over"
        assert "script" not in page.headers["content-security-policy"]
        assert "Understood as" in page.text
        assert "20 \u00d7 21 \u00d7 22" in page.text
        assert ada.get("/datasets/lab/brain/new").status_code == 404
        job = ada.fill_in(f"{plan}/start")
        assert "<h1>Ingest of" in job.text
        work(shop)
        page = ada.get(job.url.path)
        assert '">done</strong>' in page.text
        assert "100 %" in page.text
        ada.await_status("/datasets/lab/brain/new", 200)
        listed = ada.get("/jobs?dataset=lab/brain/new").text
        assert job.url.path in listed
        assert plan in listed


def test_what_would_be_refused_is_told_and_not_started(shop: Workshop, sources: Path) -> None:
    (sources / "torn.npy").write_bytes(b"torn")
    with shop.browser("ada") as ada:
        plan = ingest(ada, str(sources / "torn.npy"), "torn")
        work(shop)
        page = ada.get(plan).text
        assert "It would be refused" in page
        assert "Start what was planned" not in page
        elsewhere = ada.fill_in(INGEST, source="/etc", name="x", as_kind="image")
        assert elsewhere.status_code == 403
        assert "VOXLAKE_INGEST_STORES" in elsewhere.text


def test_who_manages_a_job_is_led_to_its_cluster(shop: Workshop) -> None:
    shop.catalog.shares.share(["lab"], "bob", Role.VIEWER)
    link = '<a href="https://dask.lab/status?a=1&amp;b=2" rel="noopener">'
    with shop.browser("ada") as ada, shop.browser("bob") as bob:
        job = ada.fill_in("/jobs", kind="fsck", dataset="lab/brain/em").url.path
        claim = shop.catalog.ledger.claim(job.rpartition("/")[2])
        assert "Dask" not in ada.get(job).text
        shop.catalog.ledger.set_dashboard(claim, "https://dask.lab/status?a=1&b=2")
        assert link in ada.get(job).text
        bob.await_status(job, 200)
        assert "Dask" not in bob.get(job).text
        shop.catalog.ledger.set_state(claim, JobState.CANCELLED)
        assert "Dask" not in ada.get(job).text


def test_a_job_is_started_on_the_page_of_its_dataset_and_cancelled(shop: Workshop) -> None:
    shop.catalog.shares.share(["lab"], "bob", Role.VIEWER)
    with shop.browser("ada") as ada, shop.browser("bob") as bob, shop.browser("carl") as carl:
        assert 'action="/jobs"' in ada.get("/datasets/lab/brain/em").text
        page = ada.fill_in("/jobs", kind="downsample", dataset="lab/brain/em")
        job = page.url.path
        assert re.fullmatch("/jobs/[0-9A-Z]{26}", job)
        assert f'action="{job}/cancel"' in page.text
        bob.await_status(job, 200)
        assert f'action="{job}/cancel"' not in bob.get(job).text
        assert bob.fill_in(f"{job}/cancel").status_code == 403
        assert bob.fill_in("/jobs", kind="fsck", dataset="lab/brain/em").status_code == 403
        assert carl.get(job).status_code == 404
        page = ada.fill_in(f"{job}/cancel")
        assert '">cancelled</strong>' in page.text
        assert ada.fill_in(f"{job}/retry").status_code == 409
        assert ada.fill_in(f"{job}/start").status_code == 409
        assert ada.fill_in("/jobs", kind="index", dataset="lab/brain/em").status_code == 400
