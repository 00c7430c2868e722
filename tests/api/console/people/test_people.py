"""Pages of tokens and groups, of who asks, what was used and what was changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.api.console.conftest import Browser

from voxlake.platform.catalog.usage import Metric
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    import httpx2
    from tests.api.console.conftest import Workshop

EVIL = '"><svg onload=x>'


def await_status(workshop: Workshop, secret: str, status: int) -> None:
    """Hold that a program that carries a token is answered so, within seconds."""
    headers = {"Authorization": f"Bearer {secret}"}
    with Browser(base_url=workshop.url, headers=headers) as program:
        program.await_status("/v2/me", status)


def secret_of(page: httpx2.Response) -> str:
    """Return the secret that a page shows."""
    found = re.search(r"<code>(vxl_\S+)</code>", page.text)
    assert found, page.text
    return found[1]


def test_a_token_is_shown_once_rotated_and_revoked(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada, workshop.browser("bob") as bob:
        page = ada.fill_in("/tokens", name=EVIL, role="viewer", place="lab", last_day="")
        secret = secret_of(page)
        await_status(workshop, secret, 200)
        listed = ada.get("/tokens").text
        assert secret not in listed
        assert "<svg" not in listed
        assert "read, read_volumetric_data, in lab" in listed
        number = max(map(int, re.findall(r'name="number" value="(\d+)"', listed)))
        for act in ("end", "rotate"):
            assert bob.fill_in(f"/tokens/{act}", number=str(number)).status_code == 404
        another = secret_of(ada.fill_in("/tokens/rotate", number=str(number)))
        await_status(workshop, secret, 401)
        await_status(workshop, another, 200)
        page = ada.fill_in("/tokens/end", number=str(number + 1))
        assert page.url.path == "/tokens"
        await_status(workshop, another, 401)


def test_a_view_is_shared_by_its_title_until_it_is_not(workshop: Workshop) -> None:
    with workshop.browser("carl") as carl, workshop.browser("ada") as ada:
        assert "You share none" in carl.get("/views").text
        assert carl.fill_in("/views", dataset="lab/brain/em").status_code == 404
        page = ada.fill_in("/views", dataset="lab/brain/em", title=f"Neuropil {EVIL}")
        assert (page.status_code, "<svg" in page.text) == (200, False)
        assert page.text.count("Neuropil &#34;&gt;&lt;svg onload=x&gt;") == 2, "row and button"
        found = re.search(r"<code>(\S+)/s/(\S+)</code>", page.text)
        assert found
        state = ada.get(f"/v2/states/{found[2]}").json()
        assert state["title"] == f"Neuropil {EVIL}"
        assert [each["name"] for each in state["layers"]] == ["em", "cells"]
        assert "untitled" in ada.fill_in("/views", dataset="lab/brain/em").text
        for wrong in ("two\nlines", "x" * 201):
            refused = ada.fill_in("/views", dataset="lab/brain/em", title=wrong)
            assert (refused.status_code, "title:" in refused.text) == (400, True)
        assert carl.fill_in("/views/end", id=found[2]).status_code == 404
        assert "Neuropil" not in ada.fill_in("/views/end", id=found[2]).text
        assert ada.get(f"/v2/states/{found[2]}").status_code == 404


def test_the_owner_of_a_local_server_is_told_who_has_tokens(workshop: Workshop) -> None:
    with workshop.browser("root") as root:
        assert "voxlake token make" in root.get("/tokens").text
        assert root.fill_in("/tokens", name="x").status_code == 400


def test_members_come_and_go(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada, workshop.browser("bob") as bob:
        page = ada.fill_in("/groups", name="mappers")
        assert page.url.path == "/groups/mappers"
        assert bob.get("/groups/mappers").status_code == 404
        page = ada.fill_in("/groups/mappers/members", user="bob", standing="member")
        assert '<th scope="row">bob</th><td>member</td>' in page.text
        shown = bob.get("/groups/mappers").text
        assert "Take somebody in" not in shown
        assert bob.fill_in("/groups/mappers/members", user="carl").status_code == 403
        page = bob.fill_in("/groups/mappers/members/end", user="bob")
        assert (page.status_code, page.url.path) == (200, "/groups")
        assert bob.get("/groups/mappers").status_code == 404
        assert ada.fill_in("/groups/mappers/delete", typed="mapper").status_code == 400
        page = ada.fill_in("/groups/mappers/delete", typed="mappers")
        assert "mappers" not in page.text


def test_people_see_who_they_are_and_what_they_used(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada, workshop.browser() as anybody:
        page = ada.get("/account").text
        assert "<h1>ada</h1>" in page
        assert "/audit" not in page
        assert "Usage in 2026-01" in ada.get("/usage?month=2026-01").text
        assert ada.get("/usage?month=2026-13").status_code == 400
        assert "Limits" not in ada.get("/usage").text
        assert anybody.get("/account").status_code == 401
        assert 'href="/login?next=' not in anybody.get("/account").text, "there is no issuer here"


def test_owners_see_what_was_changed_of_theirs(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada, workshop.browser("root") as root:
        ada.fill_in("/sharing?place=lab", group="carl", role="viewer")
        listed = ada.get("/audit?place=lab").text
        assert "viewer carl" in listed
        assert ada.get("/audit").status_code == 403
        assert "viewer carl" in root.get("/audit").text
        ada.fill_in("/sharing/end?place=lab", group="carl")


def test_who_looks_after_users_adds_and_disables_them(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada, workshop.browser("root") as root:
        assert ada.get("/users").status_code == 403
        page = root.fill_in("/users", name="dora", full_name=EVIL, email="")
        assert page.url.path == "/users"
        assert "<svg" not in page.text
        page = root.fill_in("/users/roles", user="dora", role="resource-manager", held="true")
        assert "Take back: resource-manager, dora" in page.text
        page = root.fill_in("/users/roles", user="dora", role="resource-manager", held="false")
        assert "Take back: resource-manager, dora" not in page.text
        page = root.fill_in("/users/disabled", user="dora", disabled="true")
        assert "Enable dora" in page.text
        assert root.fill_in("/users", name="dora").status_code == 409


def test_administrators_see_what_is_stored_and_the_limits(workshop: Workshop) -> None:
    catalog = workshop.catalog
    catalog.usage.set_limit("place:lab", Metric.STORED, 5_000_000)
    node = catalog.get_dataset(DatasetName("lab", "brain", "em")).node
    catalog.stored.put(node, 1234, 2_000_000)
    try:
        with workshop.browser("root") as root:
            page = root.get("/usage").text
        assert '<th scope="row">place:lab</th><td>stored</td><td class="number">4.8 MiB' in page
        assert '>lab/brain/em</a></th><td class="number">1,234</td>' in page
    finally:
        catalog.usage.set_limit("place:lab", Metric.STORED, None)
