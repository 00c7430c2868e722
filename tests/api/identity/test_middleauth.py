"""Viewers of other origins, and services of CAVE, come by tokens of those who let them read."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.api.identity.browser import Browser
from tests.api.identity.gateways import Issued, free_url, run_gateway
from tests.servers.nanoidp import SECRET as CLIENT_SECRET
from tests.servers.nanoidp import NanoIdp

from voxlake.platform.access import Role
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.catalog.rights.links import READS
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

VIEWER = "https://viewer.example.org"
PLACE = ["lab", "brain", "secret"]
WITHIN_S = 5.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, nanoidp: NanoIdp) -> Iterator[Issued]:
    """A gateway that a viewer of another origin may ask, where ada may read the secret dataset."""
    lake, url = StoreURL.parse(str(tmp_path_factory.mktemp("viewed") / "lake")), free_url()
    others = {
        "public_url": url,
        "oidc_client_secret": CLIENT_SECRET,
        "viewer_origins": f"{VIEWER}/",
    }
    with run_gateway(lake, nanoidp.issuer, **others) as gateway:
        with Browser() as ada:
            ada.sign_in(gateway.url, "ada")
        gateway.catalog.shares.share(PLACE, "ada", Role.ANNOTATOR)
        time.sleep(1.1)  # what the gateway remembers of the grants of others is over
        yield gateway


@pytest.fixture
def ada(lab: Issued) -> Iterator[Browser]:
    with Browser() as browser:
        browser.sign_in(lab.url, "ada")
        yield browser


def told(page: httpx2.Response) -> tuple[dict[str, Any], str]:
    """Return what a page tells the one that opened it, and which origin it tells."""
    found = re.search(r"postMessage\((\{.*\}), (\".*\")\);", page.text)
    assert found, page.text
    return json.loads(found[1]), json.loads(found[2])


def allow(browser: Browser, lab: Issued) -> httpx2.Response:
    """Let the viewer read, by the page that its window shows."""
    page = browser.get(f"{lab.url}/api/v1/authorize")
    assert VIEWER in page.text
    return browser.send_form(page)


def test_a_server_says_where_to_sign_in(lab: Issued) -> None:
    answer = httpx2.get(f"{lab.url}/auth_info", headers={"Origin": VIEWER})
    assert answer.json() == {"login_url": lab.url}
    assert answer.headers["access-control-allow-origin"] == "*"


def test_who_is_not_signed_in_signs_in_first(lab: Issued) -> None:
    with Browser() as browser:
        page = browser.get(f"{lab.url}/api/v1/authorize")
        assert not str(page.url).startswith(lab.url)
        page = browser.sign_in(lab.url, "ada", "/api/v1/authorize")
        assert str(page.url) == f"{lab.url}/api/v1/authorize"
        assert VIEWER in page.text


def test_the_viewer_alone_is_told_a_token_that_reads(lab: Issued, ada: Browser) -> None:
    page = allow(ada, lab)
    message, origin = told(page)
    assert origin == VIEWER
    assert message["app_urls"] == [lab.url]
    assert page.headers["cache-control"] == "no-store"
    assert "cross-origin-opener-policy" not in page.headers
    policy = page.headers["content-security-policy"]
    [nonce] = re.findall(r"script-src 'nonce-([^']+)'", policy)
    assert f'<script nonce="{nonce}">' in page.text
    assert "frame-ancestors 'none'" in policy
    assert lab.status(message["token"]) == 200
    with lab.client(message["token"]) as viewer:
        assert viewer.post("/v2/links/lab/brain/secret", json={}).status_code == 403
        assert viewer.get("/v2/datasets/lab/brain/alone").status_code == 404
    token = lab.catalog.tokens.list_tokens("ada")[-1]
    assert token.name == f"viewer at {VIEWER}"
    assert token.terms.permissions == READS
    assert token.terms.ends_at is not None
    assert 6 <= (token.terms.ends_at - now()).days <= 7
    lab.catalog.tokens.revoke(token.id)
    deadline = time.monotonic() + WITHIN_S
    while lab.status(message["token"]) != 401:
        assert time.monotonic() < deadline, "it is not over in time"
        time.sleep(0.05)


def test_no_other_page_makes_one_come_about(lab: Issued, ada: Browser) -> None:
    made = len(lab.catalog.tokens.list_tokens("ada"))
    at = f"{lab.url}/api/v1/authorize"
    for origin in ("https://evil.example.org", f"{VIEWER}.evil.org", "*", "null", f"{VIEWER}/"):
        answer = ada.ask("POST", at, f"{lab.url}/", params={"origin": origin})
        assert (answer.status_code, "postMessage" in answer.text) == (403, False), origin
    for page in ("https://evil.example.org/", f"{VIEWER}/"):
        answer = ada.ask("POST", at, page, params={"origin": VIEWER})
        assert (answer.status_code, "postMessage" in answer.text) == (403, False), page
    with Browser() as nobody:
        assert nobody.post(at, params={"origin": VIEWER}).status_code == 401
    assert ada.get(at, params={"redirect": "https://evil.example.org"}).status_code == 400
    assert len(lab.catalog.tokens.list_tokens("ada")) == made


def test_a_token_makes_none_that_is_good_for_more(lab: Issued) -> None:
    end = now() + timedelta(hours=1)
    _, brief = lab.catalog.tokens.make("ada", "brief", TokenTerms(READS, ends_at=end))
    with lab.client(brief) as client:
        made = client.post("/api/v1/user/token").json()
    [token] = [
        each for each in lab.catalog.tokens.list_tokens("ada") if made.startswith(each.start)
    ]
    assert (token.terms.permissions, token.terms.ends_at) == (READS, end)


@pytest.mark.parametrize("below", ["", "/auth"])
def test_services_of_cave_learn_who_carries_a_token(lab: Issued, ada: Browser, below: str) -> None:
    message, _ = told(allow(ada, lab))
    with lab.client(message["token"]) as service:
        user = service.get(f"{below}/api/v1/user/cache").json()
        tokens = service.get(f"{below}/api/v1/user/token").json()
        assert service.get(f"{below}/api/v1/app").json() == [{"url": lab.url}]
    assert (user["name"], user["email"], user["admin"]) == ("ada", "ada@example.org", False)
    assert "ada" in user["groups"]
    # It reads, whatever its user may.
    assert user["permissions"] == {"lab/brain/em": 1, "lab/brain/secret": 1}
    assert user["permissions_v2"]["lab/brain/secret"] == ["view"]
    assert tokens[-1]["user_id"] == user["id"]
    assert message["token"].startswith(tokens[-1]["token"].rstrip("."))
    whole = ada.get(f"{lab.url}{below}/api/v1/user/cache").json()
    assert whole["permissions"]["lab/brain/secret"] == 2
    for path in ("user/cache", "user/token", "app"):
        answer = httpx2.get(f"{lab.url}{below}/api/v1/{path}")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_origins_are_checked() -> None:
    assert Settings(
        viewer_origins="https://A.example.org:443/,http://127.0.0.1:8000"
    ).viewer_origins == (
        "https://a.example.org",
        "http://127.0.0.1:8000",
    )
    for wrong in ("*", "viewer.example.org", "https://a.example.org/path", "https://a b"):
        with pytest.raises((ValueError, InvalidInputError), match=r"origin|address"):
            Settings(viewer_origins=wrong)
