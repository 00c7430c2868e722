"""Forms that make, change and delete places."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from markupsafe import escape

from voxlake.platform.access import Principal, Role

if TYPE_CHECKING:
    from tests.api.console.conftest import Workshop

OWNER = Principal("owner", is_owner=True)
EVIL = '"><svg onload=alert(1)>&'
MAKE = '<h2 id="make">'
SMALL = {"name": "em", "kind": "image", "dtype": "uint8", "z": "1", "y": "2", "x": "3"}
SMALL |= {"size_z": "1", "size_y": "1", "size_x": "1", "unit": "nanometer"}


def test_who_may_makes_a_collection_an_experiment_and_a_dataset(workshop: Workshop) -> None:
    with workshop.browser("root") as root:
        page = root.fill_in("/collections", name="alps", description="Mountains\r\nof all kinds")
        assert page.url.path == "/collections/alps"
        assert "Mountains\nof all kinds" in page.text
        page = root.fill_in("/collections/alps/experiments", name="north", description="")
        assert page.url.path == "/collections/alps/experiments/north"
        asked = SMALL | {"size_z": "8.5", "of": "", "description": EVIL}
        page = root.fill_in(f"{page.url.path}/datasets", **asked)
        assert page.url.path == "/datasets/alps/north/em"
        assert "1 \u00d7 2 \u00d7 3 (z y x), uint8" in page.text
        assert "8.5 \u00d7 1 \u00d7 1 nanometer" in page.text
        labels = {"name": "cells", "kind": "labels", "of": "em", "dtype": "", "unit": "nanometer"}
        page = root.fill_in("/collections/alps/experiments/north/datasets", z="", **labels)
        assert "1 \u00d7 2 \u00d7 3 (z y x), uint64" in page.text
        listed = root.get("/collections/alps/experiments/north").text
        assert "<svg" not in listed
        assert all(f'href="/datasets/alps/north/{name}"' in listed for name in ("em", "cells"))


def test_pages_show_forms_for_what_the_asker_may(workshop: Workshop) -> None:
    workshop.catalog.shares.share(["lab"], "carl", Role.EDITOR)
    with workshop.browser("carl") as editor, workshop.browser() as anybody:
        assert MAKE not in editor.get("/collections").text
        assert MAKE in editor.get("/collections/lab").text
        page = editor.get("/datasets/lab/brain/em/edit").text
        assert 'action="/datasets/lab/brain/em"' in page
        assert 'action="/datasets/lab/brain/em/delete"' not in page, "editors do not delete"
        assert anybody.get("/datasets/lab/brain/em/edit").status_code == 401
    workshop.catalog.shares.share(["lab"], "carl", Role.VIEWER)
    with workshop.browser("carl") as viewer:
        assert "/edit" not in viewer.get("/datasets/lab/brain/em").text
        assert viewer.get("/datasets/lab/brain/em/edit").status_code == 403
        assert viewer.fill_in("/datasets/lab/brain/em", name="mine").status_code == 403


def test_a_place_gets_a_description_and_values(workshop: Workshop) -> None:
    place = "/collections/lab/experiments/said"
    with workshop.browser("ada") as ada:
        ada.fill_in("/collections/lab/experiments", name="said")
        page = ada.fill_in(place, name="said", description=EVIL)
        assert "<svg" not in page.text
        assert f'<p class="said">{escape(EVIL)}</p>' in page.text
        page = ada.fill_in("/values?place=lab/said", key="licence", value=EVIL)
        assert page.url.path == f"{place}/edit"
        assert "<svg" not in page.text
        found = re.search(r'<td class="long">(.*?)</td>', page.text)
        assert found
        assert html.unescape(found[1]) == EVIL
        page = ada.fill_in("/values/drop?place=lab/said", key="licence")
        assert '<td class="long">' not in page.text
        page = ada.fill_in(place, name="renamed", description="")
        assert page.url.path == "/collections/lab/experiments/renamed"
        assert '<p class="said">' not in page.text


def test_a_dataset_is_renamed_and_deleted_by_its_name(workshop: Workshop) -> None:
    with workshop.browser("root") as root:
        root.fill_in("/collections", name="gone")
        root.fill_in("/collections/gone/experiments", name="one")
        root.fill_in("/collections/gone/experiments/one/datasets", **SMALL)
        page = root.fill_in("/datasets/gone/one/em", name="light", description="")
        assert page.url.path == "/datasets/gone/one/light"
        refused = root.fill_in("/datasets/gone/one/light/delete", typed="light")
        assert refused.status_code == 400
        assert "type its name as it is" in refused.text
        refused = root.fill_in("/collections/gone/delete", typed="gone")
        assert refused.status_code == 409
        page = root.fill_in("/datasets/gone/one/light/delete", typed="gone/one/light ")
        assert page.url.path == "/collections/gone/experiments/one"
        assert root.get("/datasets/gone/one/light").status_code == 404


def test_what_was_deleted_is_listed_and_comes_back(workshop: Workshop) -> None:
    with workshop.browser("root") as root, workshop.browser("carl") as carl:
        root.fill_in("/collections", name="back")
        root.fill_in("/collections/back/experiments", name="one")
        page = root.fill_in("/collections/back/experiments/one/datasets", **SMALL)
        at = page.url.path
        assert "after 7 days" in root.get(f"{at}/edit").text
        root.fill_in(f"{at}/delete", typed="back/one/em")
        for path in ("/", "/collections", "/collections/back/experiments/one"):
            assert 'href="/deleted"' in root.get(path).text
        found = workshop.catalog.deleted.list_allowed(OWNER)
        [place] = [each for each in found if str(each) == "back/one/em"]
        assert f'<input type="hidden" name="id" value="{place.node}">' in root.get("/deleted").text
        assert "back/one/em" not in carl.get("/deleted").text
        asked = {"id": str(place.node), "name": "back/one/em"}
        assert carl.fill_in("/deleted/restore", **asked).status_code == 404
        assert root.fill_in("/deleted/restore", id="x", name="").status_code == 400
        asked["name"] = "back/one/again"
        page = root.fill_in("/deleted/restore", **asked)
        assert (page.status_code, page.url.path) == (200, "/datasets/back/one/again")
        assert "back/one/em" not in root.get("/deleted").text


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"name": "x"}', "application/json"),
        (b"name=x", "text/plain"),
        (b"", FORM),
        (b"name=x&name=y", FORM),
        (b"name=%ff", FORM),
        (b"name=x&description=\xff", FORM),
        (b"name=x&other=y", FORM),
        (b"name=a b", FORM),
        (b"name=x&" + b"&".join([b"a=b"] * 100), FORM),
    ],
)
def test_what_is_no_such_form_changes_nothing(workshop: Workshop, body: bytes, kind: str) -> None:
    with workshop.browser("root") as root:
        answer = root.post("/collections", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400, answer.text
        assert root.get("/collections/x").status_code == 404


def test_a_taken_name_leads_back_to_the_form(workshop: Workshop) -> None:
    with workshop.browser("root") as root:
        headers = {"Referer": f"{workshop.url}/collections?after=a"}
        told = root.post("/collections", data={"name": "lab"}, headers=headers)
        assert told.status_code == 409
        assert 'href="/collections?after=a">Back to the form' in told.text
        headers = {"Referer": "https://elsewhere/collections"}
        told = root.post("/collections", data={"name": "lab"}, headers=headers)
        assert "Back to the form" not in told.text
