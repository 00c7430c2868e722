"""What is hidden costs as much as what is absent: the same questions to the database.

`timed_absent` holds a clock to them at length (``make times``).
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from tests.api.asgi import InProcess
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, add_sample, label_voxels
from tests.api.routes.matrix import DATASET, DATASETS, address, filled

from voxlake.api.app import create_app
from voxlake.api.http.expiring import Expiring
from voxlake.api.http.limits import refusals
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from voxlake.platform.catalog import Catalog

HIDDEN, ABSENT = "alps/north/shady", "alps/north/stony"


@dataclass
class Asked:
    """A gateway that remembers nothing of datasets and tokens, and a stranger who asks it."""

    app: FastAPI
    server: InProcess
    catalog: Catalog
    headers: dict[str, str]

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collect what the database is asked."""
        said: list[str] = []

        def note(*given: object) -> None:
            said.append(str(given[2]))

        event.listen(self.catalog.database.engine, "before_cursor_execute", note)
        try:
            yield said
        finally:
            event.remove(self.catalog.database.engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("absent") / "lake"))
    settings = Settings(failed_logins_per_minute=0, requests_per_minute=0)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample(HIDDEN, label_voxels((8, 8, 8)), Kind.LABELS, levels=1))
        catalog.people.add_user("stranger")
        _, secret = catalog.tokens.make("stranger", "x")
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        gateway = app.state.gateway
        identity = replace(gateway.identity, _known=Expiring(0))
        app.state.gateway = replace(gateway, identity=identity, records=Expiring(0))
        with InProcess(app) as server:
            yield Asked(app, server, catalog, {"authorization": f"Bearer {secret}"})


def addresses(template: str) -> tuple[str, str]:
    """Return the addresses of the hidden and of the absent dataset."""
    end = filled(template)
    return address(end, HIDDEN), address(end, ABSENT)


@pytest.mark.parametrize("row", DATASETS, ids=" ".join)
@pytest.mark.parametrize("known", [True, False])
def test_the_database_is_asked_the_same(asked: Asked, row: tuple[str, str], known: bool) -> None:
    method, template = row
    headers = asked.headers if known else {}
    asked.server.ask(method, addresses(template)[1], headers)
    told = []
    for each in addresses(template):
        with asked.counted() as said:
            answer = asked.server.ask(method, each, headers)
        assert answer.status == (404 if known else 401)
        told.append(said)
    assert told[0] == told[1]
    assert told[0]


@pytest.mark.parametrize("place", ["alps", "alps/north", HIDDEN])
def test_of_places_too(asked: Asked, place: str) -> None:
    told = []
    for each in (place, place[:-1] + "x", "/".join("x" for _ in place.split("/"))):
        asked.server.ask("GET", f"/v2/shares?place={each}", asked.headers)
        with asked.counted() as said:
            answer = asked.server.ask("GET", f"/v2/shares?place={each}", asked.headers)
        assert answer.status == 404
        told.append(said)
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("template", [f"/v2/datasets{DATASET}", f"/v2/shares?place={HIDDEN}"])
def test_they_are_answered_at_even_times(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, template: str, known: bool
) -> None:
    """And what is neither is answered at once."""
    headers = asked.headers if known else {}
    hidden, absent = addresses(template)
    asked.server.ask("GET", hidden, headers)
    monkeypatch.setattr(refusals, "STEP_SECONDS", 0.3)
    for each in (hidden, absent.replace(HIDDEN, ABSENT)):
        began = time.monotonic()
        asked.server.ask("GET", each, headers)
        assert time.monotonic() - began >= 0.29
    monkeypatch.setattr(refusals, "STEP_SECONDS", 600)
    assert asked.server.ask("GET", "/v2/datasets", headers).status == 200


def rank_score(ones: list[float], others: list[float]) -> float:
    """Return how many standard deviations the ranks of two samples lie apart (Mann-Whitney U)."""
    ranked = sorted([(each, 0) for each in ones] + [(each, 1) for each in others])
    above = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    n, m = len(ones), len(others)
    u = above - n * (n + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def test_the_rank_test_tells_apart_what_differs() -> None:
    same = [float(number % 97) for number in range(500)]
    assert abs(rank_score(same, same[::-1])) < 1
    assert rank_score([each + 10 for each in same], same) > 4
