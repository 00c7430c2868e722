"""Places are shared by forms, and no longer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import escape as escape_html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.api.console.conftest import Workshop

EM = "/datasets/lab/brain/em"
AT = "?place=lab/brain/em"


def escape(text: str) -> str:
    """Return text as pages write it."""
    return escape_html(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def day(later: int) -> str:
    """Return a day so many days from now, as a form has it."""
    return f"{datetime.now(UTC) + timedelta(days=later):%Y-%m-%d}"


def test_another_sees_what_is_shared_until_it_is_taken_back(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada, workshop.browser("bob") as bob:
        bob.await_status(EM, 404)
        page = ada.fill_in(f"/sharing{AT}", group="bob", role="viewer", first_day="", last_day="")
        assert (page.status_code, page.url.path) == (200, "/sharing")
        assert '<th scope="row">bob</th>' in page.text
        bob.await_status(EM, 200)
        shown = bob.get(f"/sharing{AT}").text
        assert "ada" not in shown
        assert "Share it with somebody" not in shown
        assert bob.fill_in(f"/sharing{AT}", group="carl", role="viewer").status_code == 403
        page = ada.fill_in(f"/sharing/end{AT}", group="bob")
        assert '<th scope="row">bob</th>' not in page.text
        bob.await_status(EM, 404)


def test_what_is_shared_begins_and_ends_on_days(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada, workshop.browser("bob") as bob:
        asked = {"group": "bob", "role": "annotator"}
        page = ada.fill_in(f"/sharing{AT}", first_day=day(1), last_day=day(2), **asked)
        assert f"{day(1)} 00:00" in page.text
        assert f"{day(3)} 00:00" in page.text, "the last day is within"
        bob.await_status(EM, 404)
        ada.fill_in(f"/sharing{AT}", first_day=day(0), last_day=day(0), **asked)
        bob.await_status(EM, 200)
        assert ada.fill_in(f"/sharing{AT}", last_day=day(-1), **asked).status_code == 400
        assert ada.fill_in(f"/sharing{AT}", last_day="soon", **asked).status_code == 400
        ada.fill_in(f"/sharing/end{AT}", group="bob")
        bob.await_status(EM, 404)


def test_everybody_sees_what_is_public_once_its_embargo_is_over(workshop: Workshop) -> None:
    cells, at = "/datasets/lab/brain/cells", "?place=lab/brain/cells"
    everybody = {"group": "public", "role": "viewer"}
    with workshop.browser("ada") as ada, workshop.browser() as anybody:
        ada.fill_in(f"/sharing{at}", first_day=day(1), **everybody)
        anybody.await_status(cells, 401)
        page = ada.fill_in(f"/sharing{at}", first_day="", **everybody)
        assert '<th scope="row">everybody</th>' in page.text
        anybody.await_status(cells, 200)
        page = ada.fill_in(f"/sharing{at}", group="public", role="editor")
        assert page.status_code == 400
        ada.fill_in(f"/sharing/end{at}", group="public")
        anybody.await_status(cells, 401)


def test_a_link_is_shown_once_and_revoked(workshop: Workshop) -> None:
    with (
        workshop.browser("ada") as ada,
        workshop.browser("bob") as bob,
        workshop.browser() as anybody,
    ):
        evil = '"><svg onload=x>'
        page = ada.fill_in(f"{EM}/links", note=evil, title=f"Figure {evil}", last_day=day(3))
        assert "<svg" not in page.text
        assert f"the viewer calls it “Figure {escape(evil)}”" in page.text
        found = re.search(r"<code>(http\S+/c/\S+/zarr/lab/brain/em/)</code>", page.text)
        assert found
        assert anybody.get(f"{found[1]}zarr.json").status_code == 200
        listed = ada.get(f"{EM}/links").text
        assert "/c/" not in listed
        assert "<svg" not in listed
        assert listed.count(f"Figure {escape(evil)}</td>") == 1
        for what in ("note", "title"):
            for text in ("two\nlines", "x" * 201):
                refused = ada.fill_in(f"{EM}/links", **{what: text})
                assert (refused.status_code, f"{what}:" in refused.text) == (400, True)
        [number] = re.findall(r'name="number" value="(\d+)"', listed)
        assert bob.get(f"{EM}/links").status_code == 404
        assert bob.fill_in(f"{EM}/links/end", number=number).status_code == 404
        page = ada.fill_in(f"{EM}/links/end", number=number)
        assert ">revoked</td>" in page.text
        anybody.await_status(f"{found[1]}zarr.json", 401)
