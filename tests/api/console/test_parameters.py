"""No page takes what it does not have: hostile parameters are told what is allowed."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tests.api.asgi import InProcess
from tests.api.conftest import TOKEN
from tests.api.console.conftest import BROWSER, run_workshop

from voxlake.platform.names import NAME, DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from tests.api.console.conftest import Workshop

HOSTILE = (
    "9",
    "99",
    "-1",
    "1e3",
    "0x10",
    str(2**63),
    str(10**19),
    str(2**64),
    "9" * 200,
    "nan",
    "inf",
    "nan:nan",
    "0:0",
    "1:inf",
    "true",
    "maybe",
    "null",
    "q",
    "../../etc",
    "lab/brain/em/x",
    "'; drop table nodes; --",
    '"><svg onload=alert(1)>',
    "\x00",
    "\x1b[31m",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "%s%n",
    "{{7*7}}",
)
FILLED = {"collection": "lab", "experiment": "brain", "group": "mappers"}
DATASETS = ("em", "cells")
NAMES = {each for each in HOSTILE if re.fullmatch(NAME, each)}
TAKEN: dict[str, set[str]] = {
    "q": {each for each in HOSTILE if any(map(str.isalnum, each))},
    "source": set(HOSTILE),
    "collection": NAMES,
    "at": {"9"},
    "label": {"9", "99", str(2**63), str(10**19)},
    "bodies": {"true"},
    "watch": {"true"},
    "before": {"9", "99"},
}
"""What is a value that may be asked for, by the name of the parameter; the rest is refused."""
AFTER: dict[str, set[str]] = {
    "/": NAMES,
    "/deleted": {"9", "99"},
    "/jobs": set(),
    "/tokens": {"9", "99"},
    "/views": {"9", "99"},
}
"""After what a list goes on, where that is no name of one part, which need not be there."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("hostile") / "lake"))
    settings = Settings(failed_logins_per_minute=0, requests_per_minute=0)
    with run_workshop(lake, settings) as workshop:
        workshop.catalog.people.add_group("mappers", "ada")
        yield workshop


def pages_of(app: FastAPI, job: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of each page of the console, and the names of its parameters."""
    for path, operations in app.openapi()["paths"].items():
        asked = operations.get("get", {})
        if "console" not in asked.get("tags", ()):
            continue
        names = [each["name"] for each in asked.get("parameters", ()) if each["in"] == "query"]
        for dataset in DATASETS if "{dataset}" in path else ("",):
            if "/labels" in path and dataset == "em":
                continue
            yield path.format(**FILLED, dataset=dataset, job_id=job), names


def test_what_is_not_there_is_refused_with_what_is_allowed(own: Workshop) -> None:
    job = own.catalog.ledger.create_job("fsck", DatasetName.parse("lab/brain/em"), {}).id
    headers = BROWSER | {"authorization": f"Bearer {TOKEN}"}
    wrong = []
    with InProcess(own.app) as server:
        for page, names in pages_of(own.app, job):
            for name, value in product([*names, "unknown"], HOSTILE):
                answer = server.ask("GET", f"{page}?{name}={quote(value, safe='')}", headers)
                refused = answer.status in {400, 404}
                told = b"<h1>" in answer.body and b"</code>" in answer.body if refused else True
                taken = TAKEN.get(name, set())
                if name == "after":
                    taken = AFTER.get(page, NAMES | {"-1"})
                if refused == (value in taken) or answer.status >= 500 or not told:
                    wrong.append((page, name, value[:30], answer.status))
    assert wrong == []
