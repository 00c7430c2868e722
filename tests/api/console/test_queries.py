"""What a page asks the database: a bound for each, which does not grow with what there is."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from tests.api.asgi import InProcess
from tests.api.console.conftest import BROWSER, run_workshop
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.http.expiring import Expiring
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.console.conftest import Workshop

EM, CELLS = "/datasets/lab/brain/em", "/datasets/lab/brain/cells"
MOST = {
    "/": 5,
    "/?q=brain": 8,
    "/?kind=image&collection=lab": 5,
    "/collections": 6,
    "/collections/lab": 10,
    "/collections/lab/experiments/brain": 10,
    "/collections/lab/experiments/brain/ingest": 6,
    "/collections/lab/edit": 9,
    EM: 13,
    CELLS: 13,
    f"{EM}/edit": 9,
    f"{EM}/coverage": 9,
    f"{EM}/links": 8,
    f"{EM}/thumbnail": 6,
    f"{CELLS}/labels": 8,
    f"{CELLS}/labels/history": 8,
    "/sharing?place=lab/brain/em": 8,
    "/audit?place=lab": 7,
    "/jobs": 8,
    "/jobs/JOB": 12,
    "/account": 5,
    "/tokens": 6,
    "/groups": 5,
    "/views": 5,
    "/usage": 5,
}
"""Questions to the database for a page, where nothing is remembered: four ask who it is."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("queries") / "lake"))
    settings = Settings(failed_logins_per_minute=0, requests_per_minute=0)
    with run_workshop(lake, settings) as workshop:
        gateway = workshop.app.state.gateway
        identity = replace(gateway.identity, _known=Expiring(0))
        workshop.app.state.gateway = replace(gateway, identity=identity, records=Expiring(0))
        yield workshop


@contextmanager
def counted(own: Workshop) -> Iterator[list[str]]:
    """Collect what the database is asked."""
    asked: list[str] = []

    def note(*given: object) -> None:
        if (text := str(given[2]).lstrip()).startswith("SELECT"):
            asked.append(text)

    event.listen(own.catalog.database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(own.catalog.database.engine, "before_cursor_execute", note)


def count(own: Workshop, server: InProcess, page: str) -> int:
    """Return how often the database is asked for a page, which is there."""
    headers = BROWSER | {"authorization": f"Bearer {own.tokens['ada']}"}
    with counted(own) as asked:
        assert server.ask("GET", page, headers).status in {200, 302}, page
    return len(asked)


def test_no_page_asks_more_than_its_bound_however_much_there_is(own: Workshop) -> None:
    job = own.catalog.ledger.create_job("fsck", DatasetName.parse("lab/brain/em"), {}).id
    pages = {page.replace("JOB", job): most for page, most in MOST.items()}
    with InProcess(own.app) as server:
        few = {page: count(own, server, page) for page in pages}
        for number in range(12):
            more = Sample(f"lab/brain/em{number}", image_voxels((8, 8, 8)), levels=1)
            add_sample(own.lake, own.catalog, more)
            cells = Sample(
                f"lab/brain/cells{number}",
                label_voxels((8, 8, 8)),
                Kind.LABELS,
                of=f"em{number}",
                levels=1,
            )
            add_sample(own.lake, own.catalog, cells)
            own.catalog.ledger.create_job("fsck", DatasetName.parse(more.name), {})
            own.catalog.collections.add(["lab", f"more{number}"])
        many = {page: count(own, server, page) for page in pages}
    assert {page: n for page, n in few.items() if n > pages[page]} == {}
    assert {page: n for page, n in many.items() if n > few[page]} == {}
