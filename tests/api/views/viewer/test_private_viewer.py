"""Private data in Neuroglancer, in a real browser: by a cookie, by middleauth, and by a link."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from tests.api.conftest import run_app
from tests.api.lakes import Sample, add_sample
from tests.api.views.viewer.drawn import wait_until_drawn, watched
from tests.api.views.viewer.test_viewer import (
    BRIGHT,
    PIXELS,
    SHAPE,
    SLICE,
    canvas,
    extent,
    plane_at,
)
from tests.servers.certificates import make_certificate
from tests.servers.oidc_provider.provider import register_client
from tests.servers.processes import free_ports

from voxlake.api.app import create_app
from voxlake.api.views.neuroglancer import viewer_link
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.platform.access import Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

WITHIN_S = 5.0
"""How soon what is taken back is gone."""
ZARR = "/zarr/a/b/em/zarr.json"


@dataclass(frozen=True, slots=True)
class Private:
    """A gateway behind https, and a viewer on a server of its own."""

    url: str
    elsewhere: str
    catalog: Catalog


@pytest.fixture(scope="module")
def private(
    tmp_path_factory: pytest.TempPathFactory, viewer: Path, oidc_provider: str
) -> Iterator[Private]:
    """A gateway where ada may read a private image, of one bright block."""
    folder = tmp_path_factory.mktemp("private")
    image = np.zeros(SHAPE, np.uint8)
    image[BRIGHT.slices] = 255
    port, other = free_ports(2)
    url, elsewhere = f"https://127.0.0.1:{port}", f"http://127.0.0.1:{other}"
    client, _ = register_client(oidc_provider, url)
    settings = Settings(
        oidc_issuer=oidc_provider,
        oidc_client_id=client,
        public_url=url,
        viewer_origins=(elsewhere,),
    )
    lake = StoreURL.parse(str(folder / "lake"))
    files = Starlette(routes=[Mount("/", StaticFiles(directory=viewer, html=True))])
    with open_catalog(lake, settings) as catalog:
        sample = Sample("a/b/em", image, voxel_size=VoxelSize(40, 10, 10), levels=2)
        add_sample(lake, catalog, sample)
        app = create_app(settings, lake, catalog, None, viewer)
        with run_app(app, port, **certify(folder)), run_app(files, other):
            yield Private(url, elsewhere, catalog)


def certify(folder: Path) -> dict[str, str]:
    """Return options of a server that speaks TLS, by a certificate that nobody else has signed."""
    certificate = str(make_certificate(folder / "certificate.pem"))
    return {"ssl_keyfile": certificate, "ssl_certfile": certificate}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page, which knows nothing of others' cookies, and takes our certificate."""
    size: Any = {"width": 900, "height": 700}
    with browser.new_context(ignore_https_errors=True, viewport=size) as context:
        yield watched(context.new_page())


def sign_in(page: Page) -> None:
    """Fill in the pages of the issuer."""
    page.fill("[name=login]", "ada")
    page.fill("[name=password]", "any")
    page.click("[type=submit]")
    page.click("[type=submit]")


def share(private: Private) -> None:
    private.catalog.shares.share(["a", "b", "em"], "ada", Role.VIEWER)
    time.sleep(1.1)  # what the gateway remembers of the grants of others is over


def state(url: str) -> dict[str, Any]:
    """Return a state that shows the bright block of the image at a URL."""
    nm = 1e-9
    return {
        "dimensions": {"x": [10 * nm, "m"], "y": [10 * nm, "m"], "z": [40 * nm, "m"]},
        "layers": [{"type": "image", "name": "em", "source": f"{url}/zarr/a/b/em/|zarr3:"}],
        **plane_at(SLICE),
    }


def check_block(page: Page) -> None:
    """Check that the bright block is drawn, as large as it is."""
    wait_until_drawn(page)
    shown = canvas(page)
    rows, columns = extent((shown > 200).all(axis=2))
    for (start, stop), axis in ((rows, 1), (columns, 2)):
        assert abs(stop - start - BRIGHT.shape[axis] * PIXELS) <= 2


def ask(private: Private, **options: Any) -> int:
    with httpx2.Client(verify=False) as client:
        return client.get(private.url + ZARR, **options).status_code


def until_refused(private: Private, **options: Any) -> None:
    deadline = time.monotonic() + WITHIN_S
    while ask(private, **options) not in {401, 404}:
        assert time.monotonic() < deadline, "it is not over in time"
        time.sleep(0.05)


@pytest.mark.timeout(240)
def test_a_viewer_elsewhere_reads_by_middleauth(private: Private, page: Page) -> None:
    link = viewer_link(f"{private.elsewhere}/", state(f"middleauth+{private.url}"))
    page.goto(link)
    with page.expect_popup() as opened:
        page.get_by_text("Request login").click(timeout=60_000)
    popup = opened.value
    sign_in(popup)
    popup.wait_for_url(f"{private.url}/api/v1/authorize")
    share(private)
    popup.get_by_role("button", name=private.elsewhere).click()
    check_block(page)
    [token] = private.catalog.tokens.list_tokens("ada")
    assert token.name == f"viewer at {private.elsewhere}"
    key = f"auth_token_v2_{private.url}"
    kept = page.evaluate("(key) => JSON.parse(localStorage.getItem(key))", key)
    carried = {"Authorization": f"Bearer {kept['accessToken']}"}
    assert ask(private, headers=carried) == 200
    private.catalog.tokens.revoke(token.id)
    until_refused(private, headers=carried)
    page.goto("about:blank")
    page.goto(link)
    page.get_by_text("Request login").wait_for(timeout=60_000)


@pytest.mark.timeout(240)
def test_the_viewer_of_the_gateway_reads_by_its_cookie(private: Private, page: Page) -> None:
    page.goto(f"{private.url}/login")
    sign_in(page)
    page.wait_for_url(f"{private.url}/")
    share(private)
    page.goto(viewer_link(f"{private.url}/neuroglancer/", state(private.url)))
    check_block(page)
    cookies = {str(each["name"]): str(each["value"]) for each in page.context.cookies(private.url)}
    held = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert ask(private, headers=held) == 200
    private.catalog.shares.unshare(["a", "b", "em"], "ada")
    until_refused(private, headers=held)


@pytest.mark.timeout(240)
def test_a_viewer_elsewhere_reads_by_a_link(private: Private, page: Page) -> None:
    """Nobody signs in."""
    private.catalog.people.add_user("root", administrator=True)
    _, secret = private.catalog.tokens.make("root", "test")
    with httpx2.Client(verify=False, headers={"Authorization": f"Bearer {secret}"}) as root:
        made = root.post(f"{private.url}/v2/links/a/b/em", json={}).json()
    start = made["url"].rstrip("/")
    page.goto(viewer_link(f"{private.elsewhere}/", state(start)))
    check_block(page)
    page.goto("about:blank")
    page.goto(made["view_url"])
    wait_until_drawn(page)
    assert page.url.startswith(f"{start}/neuroglancer/")
