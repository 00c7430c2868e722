"""Programs carry tokens of users, who have what is shared with them, and no more."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx2
import pytest

from voxlake.api.gateway import RECORD_SECONDS
from voxlake.api.identity.identity import TOKEN_SECONDS
from voxlake.platform.access import Role
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.database import now
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.api.conftest import Served

SECRET = "/v2/datasets/lab/brain/secret"
PLACE = ["lab", "brain", "secret"]
SHARD = "/zarr/lab/brain/secret/0/c/0/0/0"
WITHIN_S = 5.0
"""How soon what is taken back is gone."""


@pytest.fixture(scope="module", autouse=True)
def _people(served: Served) -> None:
    served.catalog.people.add_user("tess")
    served.catalog.people.add_user("root", administrator=True)


@pytest.fixture
def _shared(served: Served) -> Iterator[None]:
    served.catalog.shares.share(PLACE, "tess", Role.VIEWER)
    time.sleep(RECORD_SECONDS + 0.1)  # others may just have asked, whose answer is remembered
    yield
    if any(one.group == "tess" for one in served.catalog.shares.list_shares(PLACE)):
        served.catalog.shares.unshare(PLACE, "tess")
    time.sleep(TOKEN_SECONDS + 0.1)  # what the gateway remembers of the grants of others is over


def client(served: Served, user: str, terms: TokenTerms | None = None) -> httpx2.Client:
    _, secret = served.catalog.tokens.make(user, "test", terms)
    return httpx2.Client(base_url=served.url, headers={"Authorization": f"Bearer {secret}"})


def names(there: httpx2.Client) -> set[str]:
    return {each["name"] for each in there.get("/v2/datasets").json()["datasets"]}


def until(ended: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not ended():
        assert time.monotonic() < deadline, "it is not over in time"
        time.sleep(0.05)


@pytest.mark.usefixtures("_shared")
def test_what_is_shared_is_seen(served: Served) -> None:
    with client(served, "tess") as tess:
        assert tess.get(SECRET).json()["public"] is False
        assert tess.get(SHARD).status_code == 200
        assert {"lab/brain/em", "lab/brain/secret"} <= names(tess)
        assert "lab/brain/alone" not in names(tess)
        assert tess.get("/v2/datasets/lab/brain/alone").status_code == 404
        assert tess.get("/nonsense").status_code == 404


@pytest.mark.usefixtures("_shared")
def test_what_is_taken_back_is_gone(served: Served) -> None:
    with client(served, "tess") as tess:
        assert tess.get(SHARD).status_code == 200
        served.catalog.shares.unshare(PLACE, "tess")
        until(lambda: tess.get(SHARD).status_code == 404)
        assert "lab/brain/secret" not in names(tess)


@pytest.mark.usefixtures("_shared")
@pytest.mark.parametrize("what", ["revoke", "disable", "end"])
def test_who_may_not_ask_any_more_is_refused(served: Served, what: str) -> None:
    people, tokens = served.catalog.people, served.catalog.tokens
    terms = TokenTerms(ends_at=now() + timedelta(seconds=4)) if what == "end" else None
    with client(served, "tess", terms) as tess:
        assert tess.get(SHARD).status_code == 200
        if what == "revoke":
            tokens.revoke(tokens.list_tokens("tess")[-1].id)
        elif what == "disable":
            people.disable_user("tess")
        try:
            until(lambda: tess.get(SHARD).status_code == 401)
            assert tess.get("/v2/datasets/lab/brain/em").status_code == 401
        finally:
            people.disable_user("tess", disabled=False)


@pytest.mark.usefixtures("_shared")
def test_a_token_may_be_good_for_less_than_its_user(served: Served) -> None:
    terms = TokenTerms(node=served.catalog.get_dataset(DatasetName("lab", "brain", "em")).node)
    with client(served, "tess", terms) as tess:
        assert tess.get("/v2/datasets/lab/brain/em").status_code == 200
        assert tess.get(SECRET).status_code == 404
        assert names(tess) == {"lab/brain/em"}
    with client(served, "root", TokenTerms(Role.VIEWER.permissions)) as root:
        assert root.get(SHARD).status_code == 200
        reserved = root.post("/v2/datasets/lab/brain/alone/labels/reserve", json={"count": 1})
        assert reserved.status_code == 403


def test_an_administrator_has_everything(served: Served) -> None:
    with client(served, "root") as root, served.client(owner=True) as owner:
        assert names(root) == names(owner)
        assert root.get(SHARD).status_code == 200
