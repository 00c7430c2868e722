"""Lists of the client and of commands are whole, however many pages a gateway makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.jobs import watching
from voxlake.cli.opened.jobs import AtJobs, opened_jobs
from voxlake.client import Gateway, labels
from voxlake.client.http import pages
from voxlake.client.http.pages import listed
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.platform.catalog import open_catalog
from voxlake.platform.jobs.record import StageRecord
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.platform.catalog import Catalog

EM, CELLS = "lab/brain/em", "lab/brain/cells"
COUNT = 5
IDS = range(1, COUNT + 1)
GONE = [f"gone{number}" for number in IDS]


@dataclass(frozen=True, slots=True)
class Lake:
    """A gateway, and what is at it."""

    url: str
    catalog: Catalog
    described: dict[str, Any]
    """By OpenAPI."""
    jobs: list[str]
    """The newest first."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    url = StoreURL.parse(str(tmp_path_factory.mktemp("pages") / "lake"))
    settings = Settings()
    voxels = np.resize(np.arange(COUNT + 1, dtype=np.uint64), (4, 8, 8))
    with open_catalog(url, settings) as catalog:
        add_sample(url, catalog, Sample(EM, voxels.astype(np.uint8)))
        add_sample(url, catalog, Sample(CELLS, voxels, Kind.LABELS, of="em"))
        jobs = [catalog.ledger.create_job("fsck", DatasetName.parse(EM), {}).id for _ in IDS]
        app = create_app(settings, url, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with run_app(app) as address, Gateway(address, TOKEN) as gateway:
            for number in IDS:
                gateway.create_collection(f"c{number}", "many of them")
                gateway.create_experiment("lab", f"e{number}", "many of them")
                there = gateway.open_labels(CELLS)
                there.put_object(LabelObject(id=number, name=f"n{number}"))
                if number > 1:
                    there.merge([1, number])
            for name in GONE[::-1]:
                gateway.create_collection(name)
                headers = {"authorization": f"Bearer {TOKEN}"}
                gone = httpx2.delete(f"{address}/v2/collections/{name}", headers=headers)
                assert gone.status_code == 204
            yield Lake(address, catalog, app.openapi(), jobs[::-1])


@pytest.fixture(params=[1, 2, COUNT, COUNT + 1])
def gateway(
    lake: Lake, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """The gateway, asked for pages of so many entries."""
    monkeypatch.setattr(pages, "PAGE", request.param)
    monkeypatch.setattr(labels, "PAGE", request.param)
    with Gateway(lake.url, TOKEN) as opened:
        yield opened


_DATASETS = "/v2/datasets/{collection}/{experiment}/{dataset}"
COLLECTIONS = [*(f"c{number}" for number in IDS), "lab"]
EXPERIMENTS = ["lab/brain", *(f"lab/e{number}" for number in IDS)]
LISTS: dict[str, tuple[Callable[[Gateway], list[Any]], list[Any]]] = {
    "/v2/collections": (lambda it: [each.name for each in it.collections()], COLLECTIONS),
    "/v2/collections/{collection}/experiments": (
        lambda it: [each.name for each in it.experiments("lab")],
        EXPERIMENTS,
    ),
    "/v2/deleted": (lambda it: [each.name for each in it.deleted()], [*GONE]),
    "/v2/search": (
        lambda it: [each.name for each in it.search("many")],
        [*COLLECTIONS[:-1], *EXPERIMENTS[1:]],
    ),
    "/v2/datasets": (lambda it: [each.name for each in it.datasets()], [CELLS, EM]),
    f"{_DATASETS}/objects": (
        lambda it: it.open_labels(CELLS).objects()["id"].to_pylist(),
        [*IDS],
    ),
    f"{_DATASETS}/mapping/pairs": (
        lambda it: it.open_labels(CELLS).pairs()["supervoxel"].to_pylist(),
        [*IDS[1:]],
    ),
    f"{_DATASETS}/mapping/history": (
        lambda it: [each.number for each in it.open_labels(CELLS).history()],
        [*IDS[:-1]],
    ),
    f"{_DATASETS}/labels": (lambda it: it.labels(CELLS).tolist(), [*IDS]),
}
"""How the client asks for each list that has pages, and what is in it."""
JOBS = "/v2/jobs"
OTHERS = {
    "/v2/users",
    "/v2/groups",
    "/v2/tokens",
    "/v2/states",
    "/v2/audit",
    f"{_DATASETS}/labels/all",
    f"{_DATASETS}/labels/top",
}
"""Lists that the client does not ask for, or asks for by how many it wants."""


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_whole(gateway: Gateway, path: str) -> None:
    ask, expected = LISTS[path]
    assert ask(gateway) == expected


def test_jobs_are_whole_by_the_client_and_by_the_command(
    lake: Lake, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [job.id for job in gateway.jobs.list()] == lake.jobs
    assert [job.id for job in gateway.jobs.list(limit=3)] == lake.jobs[:3]
    assert gateway.jobs.list(EM, limit=0) == ()
    monkeypatch.setenv("VOXLAKE_GATEWAY", lake.url)
    monkeypatch.setenv("VOXLAKE_TOKEN", TOKEN)
    with opened_jobs(AtJobs(gateway=lake.url)) as jobs:
        assert [job.id for job in jobs.list().jobs] == lake.jobs


def test_every_list_with_pages_is_known_here(lake: Lake) -> None:
    """A new one is read to its end by the client, and tried above; or it is no list of its."""
    schemas, paged = lake.described["components"]["schemas"], set[str]()
    for path, methods in lake.described["paths"].items():
        answers = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        named = answers.get("application/json", {}).get("schema", {}).get("$ref", "")
        if "next" in schemas.get(named.rpartition("/")[2], {}).get("properties", {}):
            paged.add(path)
    assert {path for path in paged if path.startswith("/v2")} == {*LISTS, JOBS, *OTHERS}


def test_the_log_of_a_job_says_that_there_is_more(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = lake.catalog.ledger
    claim = ledger.claim(ledger.create_job("fsck", DatasetName.parse(CELLS), {}).id)
    ledger.begin_stage(claim, StageRecord("look", COUNT, "f"))
    for index in range(3):
        ledger.record_failure(claim, "look", index, f"because {index}")
    for most, told, more in ((3, [0, 1, 2], False), (2, [0, 1], True)):
        monkeypatch.setattr(watching, "MOST_LOGGED", most)
        with Gateway(lake.url, TOKEN) as gateway:
            log = gateway.jobs[claim.job].log()
        assert ([each.index for each in log.failures], log.more) == (told, more)


def test_a_page_may_be_shorter_than_was_asked_for() -> None:
    """A gateway may leave out what changes meanwhile; the next page goes on after its last."""

    @dataclass(frozen=True)
    class Numbers:
        numbers: tuple[int, ...]
        next: int | None

    def ask(part: dict[str, Any]) -> Numbers:
        first = part.get("after", 0)
        return Numbers((first, first + 1)[: part["limit"]], first + 2 if first < 6 else None)

    assert [*listed(ask, lambda page: page.numbers)] == [*range(8)]
    assert [*listed(ask, lambda page: page.numbers, 5)] == [0, 1, 2, 3, 4]
    assert [*listed(ask, lambda page: page.numbers, 99)] == [*range(8)]
