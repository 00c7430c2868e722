"""The page at ``/``, the icon, and new login links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.api.conftest import TOKEN

from voxlake.cli import main
from voxlake.client.http.owner import TOKEN_FILE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from tests.api.conftest import Served


@pytest.mark.parametrize("owner", [False, True])
def test_the_page_lists_what_the_asker_may_see(served: Served, *, owner: bool) -> None:
    with served.client(owner=owner) as browser:
        page = browser.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        listed = browser.get("/v2/datasets").json()["datasets"]
        views = re.findall('href="/view/([^"]+)"', page.text)
        assert views == [each["name"] for each in listed]
        assert ("lab/brain/secret" in views) == owner
        ready = next(each["name"] for each in listed if each["state"] == "ready")
        assert browser.get(f"/view/{ready}").status_code == 302
        for link in ("/v2/datasets", "/openapi.json"):
            assert f'href="{link}"' in page.text
            assert browser.get(link).status_code == 200


def listed(client: httpx2.Client, **wanted: str) -> set[str]:
    """Return the datasets that the page lists of what is wanted, on all of its pages."""
    return set(re.findall('href="/view/([^"]+)"', client.get("/", params=wanted).text))


def test_those_of_one_sort_are_listed(served: Served, owner: httpx2.Client) -> None:
    every = owner.get("/v2/datasets").json()["datasets"]
    names = {each["name"] for each in every}
    labels = {each["name"] for each in every if each["kind"] == "labels"}
    assert labels
    assert listed(owner, kind="labels") == labels
    assert listed(owner, kind="image") == names - labels
    assert listed(owner, collection="lab", q="") == {n for n in names if n.startswith("lab/")}
    assert listed(owner, collection="no") == set()
    assert listed(owner, may="update") == names
    assert listed(owner, q="cells", kind="labels") == {"lab/brain/cells"}
    assert listed(owner, q="cells", kind="image") == set()
    with served.client() as anyone:
        assert listed(anyone, kind="labels") < labels
        assert listed(anyone, may="assign_group") == set()
        assert anyone.get("/", params={"kind": "cells"}).status_code == 400


def test_there_is_an_icon(served: Served) -> None:
    with served.client() as browser:
        icon = browser.get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert icon.text.startswith("<svg")


def test_a_used_link_is_renewed_by_a_command(
    served: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "voxlake").mkdir()
    (tmp_path / "voxlake" / TOKEN_FILE).write_text(TOKEN)
    for _ in range(2):
        assert main(["login-link", served.url]) == 0
        link = capsys.readouterr().out.split()[-1]
        with served.client() as browser:
            assert browser.get("/v2/datasets/lab/brain/secret").status_code == 401
            first = browser.get(link)
            assert (first.status_code, first.headers["location"]) == (303, "/")
            assert browser.get("/v2/datasets/lab/brain/secret").status_code == 200
        with served.client() as another:
            said = another.get(link)
            assert said.status_code == 401
            assert "voxlake login-link" in said.json()["detail"]


def test_nobody_else_makes_links(served: Served) -> None:
    with served.client() as anyone:
        assert anyone.post("/login-links").status_code == 401
        assert anyone.post("/login-links", headers={"Authorization": "Bearer x"}).status_code == 401
    with served.client(owner=True) as owner:
        assert owner.post("/login-links", params={"next": "//elsewhere"}).status_code == 400
