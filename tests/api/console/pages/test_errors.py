"""What a browser is told when something is not for it, or not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.console.conftest import BROWSER

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from tests.api.conftest import Served

SECRET, ABSENT = "/datasets/lab/brain/secret", "/datasets/lab/brain/absent"


def page(answer: httpx2.Response) -> str:
    """Return the text of a page, without the id of its request."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in answer.headers["content-security-policy"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["x-request-id"] in answer.text
    return answer.text.replace(answer.headers["x-request-id"], "ID")


def test_a_stranger_is_told_the_same_of_hidden_and_absent(served: Served) -> None:
    served.catalog.people.add_user("visitor-of-pages")
    _, token = served.catalog.tokens.make("visitor-of-pages", "test")
    for status, sent in ((404, {"Authorization": f"Bearer {token}"}), (401, {})):
        with httpx2.Client(base_url=served.url, headers=BROWSER | sent) as browser:
            hidden, absent = browser.get(SECRET), browser.get(ABSENT)
            assert hidden.status_code == absent.status_code == status
            assert page(hidden).replace("secret", "absent") == page(absent)
            assert hidden.headers.keys() == absent.headers.keys()


@pytest.mark.parametrize("path", ["/v2/datasets/lab/brain/secret", "/zarr/lab/brain/secret/0"])
def test_data_are_refused_as_programs_read_it(served: Served, path: str) -> None:
    with httpx2.Client(base_url=served.url, headers=BROWSER) as browser:
        assert browser.get(path).json()["status"] == 401
        assert browser.head(SECRET).headers["content-type"] == "application/problem+json"


def test_programs_get_problems_of_pages_too(anonymous: httpx2.Client) -> None:
    assert anonymous.get(SECRET).json()["type"] == "urn:voxlake:error:unauthenticated"


def test_what_was_asked_for_stays_text(served: Served) -> None:
    with served.client(owner=True) as browser:
        told = browser.get("/datasets/lab/brain/%22%3E%3Csvg%20onload=x%3E", headers=BROWSER)
    assert told.status_code == 400
    assert "<svg" not in page(told)
    assert re.search("&lt;svg", told.text)


def test_a_form_of_another_site_is_told_so(served: Served) -> None:
    session = served.identity.redeem(served.identity.new_link())
    sent = BROWSER | {"Cookie": f"{served.identity.cookie}={session}", "Origin": "https://evil"}
    with served.client() as browser:
        refused = browser.post("/login-links", headers=sent)
        assert refused.status_code == 403
        assert "not from a page of this server" in page(refused)


def test_who_is_signed_in_by_the_link_of_the_terminal_signs_out(served: Served) -> None:
    session = served.identity.redeem(served.identity.new_link())
    with served.client(cookies={served.identity.cookie: session}) as browser:
        assert "signed in as owner" in browser.get("/").text
        headers = {"Sec-Fetch-Site": "same-origin"}
        assert browser.post("/logout", headers=headers).status_code == 303
        assert browser.get(SECRET, headers=BROWSER).status_code == 401
        assert "Who are you?" in browser.get(SECRET, headers=BROWSER).text


def test_a_page_below_a_link_that_is_over_leads_out_of_it(served: Served) -> None:
    with served.client() as browser:
        told = browser.get("/c/none/view/lab/brain/em", headers=BROWSER)
        assert told.status_code == 401
        assert 'href="/console/style.css"' in page(told)


def test_who_asks_too_often_is_told_on_a_page(served: Served) -> None:
    settings = Settings(requests_per_minute=1)
    identity = LocalIdentity(TOKEN, "voxlake-session-test")
    app = create_app(settings, served.lake, served.catalog, identity)
    with run_app(app) as url, httpx2.Client(base_url=url, headers=BROWSER) as browser:
        told = [browser.get("/") for _ in range(3)][-1]
        assert told.status_code == 429
        assert "in a short time" in page(told)
        assert int(told.headers["retry-after"]) > 0
