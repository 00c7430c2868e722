"""A link opens one dataset to whoever holds it: to read, until it ends, and nothing beside it."""

from __future__ import annotations

import json
import logging
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx2
import numpy as np
import pytest
import tensorstore as ts
import xarray as xr
import zarr
from tests.api.conftest import TOKEN, Served

from voxlake.api.gateway import RECORD_SECONDS
from voxlake.api.identity.links import LINK_SECONDS
from voxlake.platform.access import Permission, Role
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.errors import UnauthenticatedError
from voxlake.platform.secrets.link_keys import LinkKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "lab/brain/secret"
HOSTILE = "</title><script>\"'&amp;%00 {{7*7}} \u202e\U0001f9e0"
PLACE = SECRET.split("/")
WITHIN_S = 5.0
"""How soon what is taken back is gone."""


@pytest.fixture(scope="module")
def linda(served: Served) -> Iterator[httpx2.Client]:
    """An owner of the image `SECRET` and of nothing else, beside vic, its editor."""
    served.catalog.people.add_user("linda")
    served.catalog.people.add_user("vic")
    served.catalog.shares.share(PLACE, "linda", Role.OWNER)
    served.catalog.shares.share(PLACE, "vic", Role.EDITOR)
    time.sleep(RECORD_SECONDS + 0.1)  # what the gateway remembers of the grants of others is over
    with client(served, "linda") as one:
        yield one


def client(served: Served, user: str, terms: TokenTerms | None = None) -> httpx2.Client:
    _, secret = served.catalog.tokens.make(user, "test", terms)
    return httpx2.Client(base_url=served.url, headers={"Authorization": f"Bearer {secret}"})


def made(maker: httpx2.Client, name: str = SECRET, **asked: Any) -> dict[str, Any]:
    answer = maker.post(f"/v2/links/{name}", json=asked)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert isinstance(document, dict)
    return document


@contextmanager
def through(served: Served, link: dict[str, Any], **headers: str) -> Iterator[httpx2.Client]:
    """Yield a client that puts the link before every path."""
    assert link["url"].startswith(f"{served.url}/c/")
    with httpx2.Client(base_url=link["url"].rstrip("/"), headers=headers) as holder:
        yield holder


READ = (
    f"/v2/datasets/{SECRET}",
    f"/v2/datasets/{SECRET}/cutout?z=0:4&format=npy",
    f"/v2/datasets/{SECRET}/neuroglancer/state",
    f"/zarr/{SECRET}/zarr.json",
    f"/zarr/{SECRET}/0/c/0/0/0",
    f"/zarr/{SECRET}/",
)


def test_who_holds_it_reads_without_signing_in(served: Served, linda: httpx2.Client) -> None:
    with through(served, made(linda)) as holder, served.client() as anybody:
        for path in READ:
            assert anybody.get(path).status_code == 401
            answer = holder.get(path)
            assert answer.status_code == 200, path
            assert answer.content == linda.get(path).content or "datasets" in path
            assert holder.head(path).status_code == 200


def test_addresses_in_answers_carry_it_on(served: Served, linda: httpx2.Client) -> None:
    link = made(linda)
    with through(served, link) as holder:
        assert holder.get(f"/v2/datasets/{SECRET}").json()["zarr_url"] + "/" == link["zarr_url"]
        state = holder.get(f"/v2/datasets/{SECRET}/neuroglancer/state").json()
        assert state["layers"][0]["source"]["url"] == f"{link['zarr_url']}|zarr3:"
        view = holder.get(f"/view/{SECRET}", follow_redirects=False)
        assert view.headers["location"].startswith(f"{link['url']}neuroglancer/#!")
        assert holder.get("/neuroglancer/").status_code in {200, 503}


def test_its_title_is_what_the_viewer_calls_it(served: Served, linda: httpx2.Client) -> None:
    state = f"/v2/datasets/{SECRET}/neuroglancer/state"
    titled, plain = made(linda, note="mine", title=HOSTILE), made(linda)
    assert titled["link"]["title"] == HOSTILE
    with through(served, titled) as holder:
        assert holder.get(state).json()["title"] == HOSTILE
        view = holder.get(f"/view/{SECRET}", follow_redirects=False).headers["location"]
        assert json.loads(unquote(view.partition("#!")[2]))["title"] == HOSTILE
    with through(served, plain) as holder:
        assert "title" not in holder.get(state).json()
    assert "title" not in linda.get(state).json()
    listed = {one["id"]: one["title"] for one in linda.get(f"/v2/links/{SECRET}").json()["links"]}
    assert listed[titled["link"]["id"]] == HOSTILE
    assert listed[plain["link"]["id"]] == ""
    for text in ("two\nlines", "\x1b[2J", "a\x00b", "x" * 201):
        for what in ("note", "title"):
            refused = linda.post(f"/v2/links/{SECRET}", json={what: text})
            assert refused.status_code == 400, (what, text)
            assert what in refused.json()["detail"]


def test_nobody_but_the_reader_keeps_what_it_opens(served: Served, owner: httpx2.Client) -> None:
    with through(served, made(owner, "lab/brain/em")) as holder:
        for path in (
            "/zarr/lab/brain/em/0/c/0/0/0",
            "/v2/datasets/lab/brain/em",
            "/view/lab/brain/em",
        ):
            answer = holder.get(path, follow_redirects=False)
            kept = answer.headers["cache-control"]
            assert "public" not in kept
            assert "private" in kept or "no-store" in kept
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["access-control-allow-origin"] == "*"


def test_clients_read_through_it(served: Served, linda: httpx2.Client) -> None:
    url = made(linda)["zarr_url"]
    voxels = served.voxels[SECRET]
    group = zarr.open_group(url, mode="r")
    read = group["0"]
    assert isinstance(read, zarr.Array)
    assert np.array_equal(read[:], voxels)
    with xr.open_dataset(url, engine="zarr", consolidated=False, drop_variables=["1"]) as dataset:
        assert np.array_equal(dataset["0"], voxels)
    spec = {"driver": "zarr3", "kvstore": f"{url}0/"}
    opened = ts.open(spec, read=True).result()
    assert np.array_equal(opened.read().result(), voxels)


ELSEWHERE = (
    "/v2/datasets/lab/brain/alone",
    "/v2/datasets/lab/brain/em",
    "/v2/datasets/lab/brain/absent",
    "/v2/datasets/lab/brain/draft/labels",
    "/zarr/lab/brain/em/zarr.json",
    "/zarr/lab/brain/em/labels/draft/zarr.json",
    "/zarr/lab/brain/alone/0/c/0/0/0",
    "/view/lab/brain/alone",
)


def test_it_opens_nothing_beside(served: Served, linda: httpx2.Client) -> None:
    with through(served, made(linda)) as holder:
        for path in ELSEWHERE:
            answer = holder.get(path)
            assert (answer.status_code, "there is no dataset" in answer.text) == (404, True), path


def test_labels_inside_an_image_have_rights_of_their_own(
    served: Served, owner: httpx2.Client
) -> None:
    """The maker may read all; the link is to the image."""
    with through(served, made(owner, "lab/brain/em")) as holder:
        assert holder.get("/zarr/lab/brain/em/zarr.json").status_code == 200
        for labels in ("draft", "cells"):
            assert owner.get(f"/zarr/lab/brain/em/labels/{labels}/zarr.json").status_code == 200
            for key in ("", "zarr.json", "0/c/0/0/0"):
                path = f"/zarr/lab/brain/em/labels/{labels}/{key}"
                assert holder.get(path).status_code == 404, path
        assert holder.get("/zarr/lab/brain/em/labels/zarr.json").json()["attributes"]["ome"] == {
            **owner.get("/zarr/lab/brain/em/labels/zarr.json").json()["attributes"]["ome"],
            "labels": [],
        }
        assert holder.get("/v2/datasets/lab/brain/draft").status_code == 404
        layers = holder.get("/v2/datasets/lab/brain/em/neuroglancer/state").json()["layers"]
        assert [layer["name"] for layer in layers] == ["em"]


def test_labels_answer_all_questions_through_it(served: Served, owner: httpx2.Client) -> None:
    with through(served, made(owner, "lab/brain/draft")) as holder:
        below = "/v2/datasets/lab/brain/draft"
        for path in ("/labels?z=0:8", "/labels/top", "/labels/1", "/objects", "/mapping"):
            assert holder.get(below + path).json() == owner.get(below + path).json(), path
        assert holder.post(f"{below}/labels/lookup", json={"labels": ["1"]}).status_code == 200


WRITES: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/labels/reserve", {"count": 1}),
    ("POST", "/merges", {"labels": ["1", "2"]}),
    ("POST", "/cleaves", {"body": "1", "supervoxels": ["2"]}),
    ("PUT", "/objects/1", {}),
    ("DELETE", "/objects/1", None),
)


def test_nothing_is_written_with_it(served: Served, owner: httpx2.Client) -> None:
    with through(served, made(owner, "lab/brain/draft")) as holder:
        for method, path, body in WRITES:
            answer = holder.request(method, f"/v2/datasets/lab/brain/draft{path}", json=body)
            assert (answer.status_code, "link" in answer.json()["detail"]) == (403, True), path


def test_what_is_not_of_the_dataset_is_not_asked_with_it(
    served: Served, owner: httpx2.Client
) -> None:
    """A link of the lake's owner is no way to be the lake's owner."""
    link = made(owner, "lab/brain/em")
    again = link["url"].removeprefix(served.url).rstrip("/")
    with through(served, link) as holder:
        for method, path in (
            ("POST", "/login-links"),
            ("GET", "/login?once=x"),
            ("GET", "/"),
            ("GET", "/v2/datasets"),
            ("GET", "/v2/links/lab/brain/em"),
            ("POST", "/v2/links/lab/brain/em"),
            (
                "GET",
                f"{link['url'].removeprefix(served.url).rstrip('/')}/zarr/lab/brain/em/zarr.json",
            ),
            ("GET", f"{again}/zarr/lab/brain/em/zarr.json"),
            ("GET", "/zarr/../login-links"),
            ("GET", "/zarr/%2e%2e/v2/datasets"),
        ):
            answer = holder.request(method, path)
            assert answer.status_code in {400, 401, 404}, (path, answer.status_code, answer.text)
            assert "login_link" not in answer.text


def test_it_is_the_only_credential_of_its_requests(served: Served, owner: httpx2.Client) -> None:
    """What else a browser sends along gives no more: the answer is the same for everyone."""
    link = made(owner, "lab/brain/em")
    session = served.identity.redeem(served.identity.new_link())
    for headers in (
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": "Bearer vxl_wrong"},
        {"Cookie": f"{served.identity.cookie}={session}"},
    ):
        with through(served, link, **headers) as holder:
            assert holder.get("/v2/datasets/lab/brain/em").status_code == 200
            assert holder.get("/v2/datasets/lab/brain/alone").status_code == 404


def test_a_forged_one_opens_nothing(served: Served, linda: httpx2.Client) -> None:
    link = made(linda)
    token = link["url"].rstrip("/").rpartition("/")[2]
    keys: LinkKeys = served.app.state.gateway.identity.links.keys
    later = datetime.now(UTC) + timedelta(hours=1)
    for forged in (
        LinkKeys.random().sign(keys.read(token), later),
        keys.sign("of no link", later),
        keys.sign(keys.read(token), datetime.now(UTC)),
        token[:-2],
        token.swapcase(),
        "x",
        "a" * 5000,
        "%00",
    ):
        with through(served, {"url": f"{served.url}/c/{forged}"}) as holder:
            for path in (*READ, "/zarr/lab/brain/em/zarr.json"):
                answer = holder.get(path)
                assert (answer.status_code, "link" in answer.json()["detail"]) == (401, True), path


def test_only_who_may_share_makes_lists_and_revokes(
    served: Served, linda: httpx2.Client, anonymous: httpx2.Client
) -> None:
    link = made(linda, note="for the reviewers")
    at = f"/v2/links/{SECRET}"
    shares = frozenset({Permission.READ, Permission.ASSIGN_GROUP})
    [row] = [one for one in linda.get(at).json()["links"] if one["id"] == link["link"]["id"]]
    assert (row["user"], row["note"], row["revoked_at"]) == ("linda", "for the reviewers", None)
    assert link["url"] not in linda.get(at).text
    with (
        client(served, "vic") as vic,
        client(served, "linda", TokenTerms(Role.VIEWER.permissions)) as reading,
        client(served, "linda", TokenTerms(shares)) as blind,
    ):
        for who, status in ((vic, 403), (reading, 403), (blind, 403), (anonymous, 401)):
            assert who.post(at, json={}).status_code == status
        for who, status in ((vic, 403), (reading, 403), (anonymous, 401)):
            assert who.get(at).status_code == status
            assert who.delete(f"{at}/{link['link']['id']}").status_code == status
        for who in (vic, linda):
            absent = who.post("/v2/links/lab/brain/absent", json={})
            hidden = who.post("/v2/links/lab/brain/alone", json={})
            assert (absent.status_code, hidden.status_code) == (404, 404)
    assert linda.delete(f"{at}/999999").status_code == 404
    assert linda.post(at, json={"ends_at": "2001-01-01T00:00:00Z"}).status_code == 400
    assert linda.post(at, json={"ends_at": "2001-01-01T00:00:00"}).status_code == 400


def test_it_ends_with_the_token_that_made_it(served: Served, linda: httpx2.Client) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    with client(served, "linda", TokenTerms(ends_at=end)) as brief:
        assert datetime.fromisoformat(made(brief)["link"]["ends_at"]) == end
        later = {"ends_at": (end + timedelta(hours=1)).isoformat()}
        assert brief.post(f"/v2/links/{SECRET}", json=later).status_code == 403
        made(linda, **later)


def test_it_is_gone_within_seconds(served: Served, linda: httpx2.Client) -> None:
    """When it is revoked, and when its maker may not share any more."""
    first, second = made(linda), made(linda)
    with through(served, first) as one, through(served, second) as other:
        assert [each.get(READ[0]).status_code for each in (one, other)] == [200, 200]
        number = first["link"]["id"]
        answer = linda.delete(f"/v2/links/{SECRET}/{number}").json()
        assert (answer["id"], answer["revoked_at"] is None) == (number, False)
        gone(one)
        assert other.get(READ[3]).status_code == 200
        try:
            served.catalog.shares.share(PLACE, "linda", Role.VIEWER)
            gone(other)
        finally:
            served.catalog.shares.share(PLACE, "linda", Role.OWNER)
        time.sleep(LINK_SECONDS + 1.1)
        assert other.get(READ[0]).status_code == 200
        try:
            served.catalog.people.disable_user("linda")
            gone(other)
        finally:
            served.catalog.people.disable_user("linda", disabled=False)
        time.sleep(LINK_SECONDS + 1.1)


def gone(holder: httpx2.Client) -> None:
    deadline = time.monotonic() + WITHIN_S
    while holder.get(READ[3]).status_code != 401:
        assert time.monotonic() < deadline, "it is not over in time"
        time.sleep(0.05)
    assert {holder.get(path).status_code for path in READ} == {401}


def test_it_is_never_logged(
    served: Served,
    linda: httpx2.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    link = made(linda)
    token = link["url"].rstrip("/").rpartition("/")[2]

    async def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    with through(served, link) as holder:
        monkeypatch.setattr("voxlake.api.views.zarr.get_object", fail)
        answer = holder.get(READ[3])
        monkeypatch.undo()
        assert answer.status_code == 500
        assert answer.json()["request_id"] in caplog.text
        assert holder.get(f"/zarr/{SECRET}/absent").status_code == 404
        for each in (answer, holder.get(f"/v2/datasets/{SECRET}/cutout?z=9:1")):
            assert token not in each.text
    # Those of the client, and of a log that `voxlake serve` does not have.
    others = ("http", "uvicorn.access")
    ours = [each.getMessage() for each in caplog.records if not each.name.startswith(others)]
    assert not any(token in said for said in ours)


def test_a_key_that_is_taken_out_ends_its_links(served: Served) -> None:
    keys: LinkKeys = served.app.state.gateway.identity.links.keys
    token = LinkKeys(("k" * 32,)).sign("one", datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(UnauthenticatedError):
        keys.read(token)
