"""Places and people by the client: found, made, shared, deleted, as the gateway has it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Gateway
from voxlake.client.http import pages
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.platform.store import StoreURL

EM = "lab/brain/em"


@pytest.fixture
def gateway(lake: StoreURL) -> Iterator[Gateway]:
    settings = Settings()
    with open_catalog(lake, settings) as catalog:
        catalog.people.add_user("ada")
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with run_app(app) as url, Gateway(url, TOKEN) as opened:
            yield opened


def sees(gateway: Gateway) -> bool:
    """Return whether a dataset is to be seen."""
    try:
        gateway.info(EM)
    except UnauthenticatedError:
        return False
    return True


def until(ask: Callable[[], bool]) -> None:
    """Wait for what is so within about a second: decisions are kept that long."""
    ends = time.monotonic() + 60
    while not ask():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_day(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 1)
    assert gateway.me().is_administrator
    for name in ("attic", "lab"):
        gateway.create_collection(name, "of mice & <men>")
    for name in ("brain", "eye"):
        assert gateway.create_experiment("lab", name).name == f"lab/{name}"
    assert [each.name for each in gateway.collections()] == ["attic", "lab"]
    assert [each.name for each in gateway.experiments("lab")] == ["lab/brain", "lab/eye"]
    with pytest.raises(ConflictError):
        gateway.create_collection("lab")
    gateway.create(EM, "image", dtype="uint8", shape=(4, 5, 6), voxel_size=(8, 8, 8))
    gateway[EM][1:3] = 7
    assert {each.name for each in gateway.search("brain")} == {"lab/brain"}
    ends = datetime(2100, 1, 1, tzinfo=UTC)
    shared = gateway.share(EM, "public", ends_at=ends)
    assert (shared.role, shared.ends_at) == ("viewer", ends)
    gateway.share("lab", "ada", "editor")
    assert {(each.place, each.group) for each in gateway.shares(EM)} >= {
        (EM, "public"),
        ("lab", "ada"),
    }
    with Gateway(gateway.url, "") as stranger:
        until(lambda: sees(stranger))
        assert np.array_equal(stranger[EM][2], np.full((5, 6), 7))
        with pytest.raises((ForbiddenError, UnauthenticatedError)):
            stranger.delete(EM)
        gateway.unshare(EM, "public")
        until(lambda: not sees(stranger))
    job = gateway.delete(EM)
    assert (job.seen.kind, job.seen.dataset) == ("remove", EM)
    assert gateway.datasets() == ()
    with pytest.raises(NotFoundError):
        gateway.delete(EM)


def test_what_was_deleted_comes_back(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 1)
    gateway.create_collection("lab")
    gateway.create_experiment("lab", "brain")
    for voxel in (7, 8):
        gateway.create(EM, "image", dtype="uint8", shape=(4, 5, 6), voxel_size=(8, 8, 8))
        gateway[EM][1:3] = voxel
        gateway.delete(EM)
    last, first = gateway.deleted()
    assert (first.name, first.kind, last.deleted_at > first.deleted_at) == (EM, "image", True)
    assert gateway.restore(first.id, "lab/brain/old").restored == "lab/brain/old"
    assert np.array_equal(gateway["lab/brain/old"][2], np.full((5, 6), 7))
    assert gateway.restore(last.id).restored == EM
    assert np.array_equal(gateway[EM][2], np.full((5, 6), 8))
    with pytest.raises(NotFoundError):
        gateway.restore(first.id)


def test_names_that_are_none_are_refused_before_anything_is_sent() -> None:
    with Gateway("http://127.0.0.1:1", "") as nowhere:
        for ask in (
            lambda: nowhere.experiments("../me"),
            lambda: nowhere.share(EM, "a/b"),
            lambda: nowhere.unshare(EM, "a?b"),
            lambda: nowhere.delete("lab"),
        ):
            with pytest.raises(InvalidInputError):
                ask()


def test_a_gateway_is_shown_without_its_token() -> None:
    with Gateway("http://127.0.0.1:1", TOKEN) as nowhere:
        assert TOKEN not in repr(nowhere)
