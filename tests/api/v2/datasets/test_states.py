"""Sharing states of the viewer over HTTP: who makes, sees and deletes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx2
import pytest
from tests.api.asgi import Answer, InProcess
from tests.api.conftest import TOKEN, Served

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATE: dict[str, Any] = {
    "dimensions": {"x": [1e-08, "m"]},
    "layers": [{"name": "a", "segments": ["18446744073709551615"], "odd": 18446744073709551615}],
    "title": "\u0000 ä 😀",
}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(StoreURL.parse(str(tmp_path / "lake")), Settings()) as opened:
        yield opened


@pytest.fixture
def server(catalog: Catalog, tmp_path: Path) -> Iterator[InProcess]:
    lake = StoreURL.parse(str(tmp_path / "lake"))
    app = create_app(Settings(), lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
    with InProcess(app) as asked:
        yield asked


def headers_of(catalog: Catalog, user: str) -> dict[str, str]:
    """Add a user, and return what they send."""
    catalog.people.add_user(user, administrator=user == "root")
    return {"authorization": f"Bearer {catalog.tokens.make(user, 'test')[1]}"}


def share(server: InProcess, headers: dict[str, str], query: str = "") -> str:
    """Share the state, and return its path."""
    answer = server.ask("POST", f"/v2/states{query}", headers, STATE)
    assert answer.status == 201, answer.body
    url = answer.json()
    assert answer.headers["location"] == url
    assert url.startswith("http://localhost/v2/states/")
    return str(url.removeprefix("http://localhost"))


def problem(answer: Answer) -> tuple[int, str]:
    """Return what an answer says is wrong, but for the number of the request."""
    return answer.status, answer.json()["detail"]


def test_a_shared_state_is_read_by_who_has_its_address(server: InProcess, catalog: Catalog) -> None:
    ada = headers_of(catalog, "ada")
    path = share(server, ada)
    for asking in (ada, {}, headers_of(catalog, "bob")):
        answer = server.ask("GET", path, asking)
        assert (answer.status, answer.json()) == (200, STATE)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "*"
    short = server.ask("GET", path.replace("/v2/states/", "/s/"))
    assert short.status == 302
    assert short.headers["location"] == f"http://localhost/neuroglancer/#!http://localhost{path}"
    [listed] = server.ask("GET", "/v2/states", ada).json()["states"]
    assert listed["url"] == f"http://localhost{path}"
    assert listed["short_link"] == f"http://localhost{path.replace('/v2/states/', '/s/')}"


def test_a_state_for_users_is_not_there_for_others(server: InProcess, catalog: Catalog) -> None:
    ada, bob = headers_of(catalog, "ada"), headers_of(catalog, "bob")
    path = share(server, ada, "?for_users=true")
    assert server.ask("GET", path, bob).json() == STATE
    hidden, absent = server.ask("GET", path), server.ask("GET", "/v2/states/" + "x" * 22)
    assert problem(hidden) == problem(absent)
    assert hidden.status == 401
    assert server.ask("GET", "/v2/states/" + "x" * 22, bob).status == 404


def titles(server: InProcess, headers: dict[str, str]) -> list[str]:
    """Return what is listed as shared, by title."""
    return [each["title"] for each in server.ask("GET", "/v2/states", headers).json()["states"]]


def test_a_title_that_is_given_is_that_of_the_state(server: InProcess, catalog: Catalog) -> None:
    ada, title = headers_of(catalog, "ada"), "</title><script>\"'&amp;{{7*7}} \u202e\U0001f9e0"
    path = share(server, ada, "?" + urlencode({"title": title}))
    assert server.ask("GET", path).json() == STATE | {"title": title}
    assert titles(server, ada) == [title.replace("\u202e", "")], "what turns text around is not"
    for wrong in ("x" * 201, "two\nlines", "\x1b[2J", "\x00"):
        refused = server.ask("POST", "/v2/states?" + urlencode({"title": wrong}), ada, STATE)
        assert refused.status == 400
        assert "title" in refused.json()["detail"]
    assert len(titles(server, ada)) == 1


def test_a_title_of_its_own_is_listed_as_far_as_it_is_printed(
    server: InProcess, catalog: Catalog
) -> None:
    ada = headers_of(catalog, "ada")
    for title in (STATE["title"], "x" * 300, {"not": "text"}, None):
        answer = server.ask("POST", "/v2/states", ada, {"title": title})
        assert answer.status == 201
        kept = server.ask("GET", answer.json().removeprefix("http://localhost"))
        assert kept.json() == {"title": title}, "the state is as it was given"
    assert titles(server, ada) == [" ä \U0001f600", "x" * 200, "", ""]


def test_states_are_deleted_by_who_shares_them(server: InProcess, catalog: Catalog) -> None:
    ada, bob, root = (headers_of(catalog, name) for name in ("ada", "bob", "root"))
    paths = [share(server, ada) for _ in range(3)]
    page = server.ask("GET", "/v2/states?limit=2", ada).json()
    assert [each["url"][16:] for each in page["states"]] == paths[:2]
    rest = server.ask("GET", f"/v2/states?limit=2&after={page['next']}", ada).json()
    assert ([each["url"][16:] for each in rest["states"]], rest["next"]) == (paths[2:], None)
    assert server.ask("GET", "/v2/states", bob).json() == {"states": [], "next": None}
    refused = server.ask("DELETE", paths[0], bob)
    assert problem(refused) == problem(server.ask("DELETE", "/v2/states/" + "x" * 22, bob))
    assert server.ask("DELETE", paths[0], ada).status == 204
    assert server.ask("DELETE", paths[1], root).status == 204
    assert [server.ask("GET", path).status for path in paths] == [401, 401, 200]


def test_what_is_no_state_is_refused(server: InProcess, catalog: Catalog) -> None:
    ada = headers_of(catalog, "ada")
    for body in ([1], "text", None):
        assert server.ask("POST", "/v2/states", ada, body).status == 400
    answer = server.ask("POST", "/v2/states", ada, {"a": "x" * (256 << 10)})
    assert (answer.status, answer.json()["type"][-14:]) == (413, "limit-exceeded")
    deep: Any = {}
    for _ in range(900):
        deep = {"a": deep}
    assert server.ask("POST", "/v2/states", ada, deep).status == 400
    assert server.ask("POST", "/v2/states?ends_at=2001-01-01T00:00:00Z", ada, {}).status == 400
    assert server.ask("POST", "/v2/states", {}, STATE).status == 401
    assert server.ask("GET", "/v2/states/short").status == 400


def test_a_foreign_page_does_not_share_by_a_cookie(served: Served) -> None:
    cookie = served.identity.redeem(served.identity.new_link())
    with httpx2.Client(base_url=served.url) as client:
        sent = {"cookie": f"{served.identity.cookie}={cookie}"}
        for site, status in (("cross-site", 403), ("same-origin", 201)):
            answer = client.post("/v2/states", json={}, headers={**sent, "sec-fetch-site": site})
            assert answer.status_code == status
