"""Neuroglancer in a real browser reads a lake by bossDB's API: what it draws, and what it asks.

It does so over https alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample
from tests.api.views.viewer.drawn import MESSAGES, wait_until_drawn, watched
from tests.api.views.viewer.test_private_viewer import certify
from tests.api.views.viewer.test_viewer import (
    BRIGHT,
    ID,
    LABEL,
    SHAPE,
    SLICE,
    canvas,
    expected,
    extent,
    plane_at,
)
from tests.servers.processes import free_ports

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.views.neuroglancer import viewer_link
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Heard:
    """An application, and what was asked of bossDB's API: address, format and status."""

    app: ASGIApp
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path", "")

        async def hear(message: Message) -> None:
            if message["type"] == "http.response.start" and path.startswith("/latest/"):
                form = dict(scope["headers"]).get(b"accept", b"").decode()
                self.asked.append((path, form, message["status"]))
            await send(message)

        await self.app(scope, receive, hear)

    def cutouts(self, name: str) -> dict[str, set[str]]:
        """Return the formats of the cutouts of a channel, by level."""
        above, found = f"/latest/cutout/a/{name}/", dict[str, set[str]]()
        for path, form, _ in self.asked:
            if path.startswith(above):
                found.setdefault(path.removeprefix(above).partition("/")[0], set()).add(form)
        return found


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway behind https: one experiment is public, one is private; and a viewer elsewhere."""

    url: str
    elsewhere: str
    identity: LocalIdentity
    heard: Heard

    def source(self, name: str) -> str:
        """Return the source of a channel."""
        return f"boss://{self.url}/a/{name}"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, viewer: Path) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("boss")
    image, labels = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint64)
    image[BRIGHT.slices], labels[LABEL.slices] = 255, ID
    [port] = free_ports(1)
    url = f"https://api.localhost:{port}"
    settings = Settings(failed_logins_per_minute=0, public_url=url)
    lake = StoreURL.parse(str(folder / "lake"))
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("a/open/em", image, levels=3))
        add_sample(lake, catalog, Sample("a/open/cells", labels, Kind.LABELS, levels=3))
        deep = image.astype(np.uint16) * np.uint16(257)
        add_sample(lake, catalog, Sample("a/shut/deep", deep))
        catalog.shares.share(["a", "open"], "public", Role.VIEWER)
        identity = LocalIdentity(TOKEN)
        heard = Heard(create_app(settings, lake, catalog, identity, viewer))
        files = Starlette(routes=[Mount("/", StaticFiles(directory=viewer, html=True))])
        with run_app(heard, port, **certify(folder)), run_app(files) as elsewhere:
            yield Scene(url, elsewhere, identity, heard)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page, which knows nothing of others' cookies, and takes our certificate."""
    size: Any = {"width": 900, "height": 700}
    with browser.new_context(ignore_https_errors=True, viewport=size) as context:
        yield watched(context.new_page())


def image(source: str) -> dict[str, Any]:
    """Return a layer of an image."""
    return {"type": "image", "name": "image", "source": source}


def state(*layers: dict[str, Any]) -> dict[str, Any]:
    """Return a state that shows one plane of some layers."""
    nm = 1e-9
    dimensions = {"x": [10 * nm, "m"], "y": [10 * nm, "m"], "z": [40 * nm, "m"]}
    return {"dimensions": dimensions, "layers": layers, **plane_at(SLICE)}


def look(page: Page, scene: Scene, *layers: dict[str, Any], **more: Any) -> Any:
    """Return what the viewer of the gateway shows."""
    scene.heard.asked.clear()
    page.goto("about:blank")
    page.goto(viewer_link(f"{scene.url}/neuroglancer/", state(*layers) | more))
    wait_until_drawn(page)
    assert page.evaluate(MESSAGES) == []
    return canvas(page)


def check_block(mask: Any, box: Any) -> None:
    """Hold that a box is drawn, whole and where it belongs."""
    rows, columns = extent(mask)
    assert [*rows, *columns] == pytest.approx(expected(box, mask.shape), abs=1.01)
    assert mask[rows[0] : rows[1], columns[0] : columns[1]].mean() > 0.95


def white(picture: Any) -> Any:
    """Return where a picture is bright."""
    return (picture > 190).all(axis=2)


def test_image_and_annotations_are_drawn_where_they_belong(scene: Scene, page: Page) -> None:
    cells = {
        "type": "segmentation",
        "name": "cells",
        "source": scene.source("open/cells"),
        "segments": [str(ID)],
        "segmentColors": {str(ID): "#ff0000"},
        "selectedAlpha": 1,
    }
    picture = look(page, scene, image(scene.source("open/em")), cells)
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    check_block(white(picture), BRIGHT)
    check_block((red > 200) & (green < 80) & (blue < 80), LABEL)
    assert {status for *_, status in scene.heard.asked} == {200}
    assert scene.heard.cutouts("open/em")["0"] == {"image/jpeg"}
    assert scene.heard.cutouts("open/cells")["0"] == {"application/npygz"}


def test_an_image_is_drawn_exactly_if_it_is_asked_for(scene: Scene, page: Page) -> None:
    picture = look(page, scene, image(scene.source("open/em") + "?encoding=npz&window=0,255"))
    check_block((picture == 255).all(axis=2), BRIGHT)
    assert scene.heard.cutouts("open/em")["0"] == {"application/npygz"}


def test_coarse_levels_are_read_from_afar(scene: Scene, page: Page) -> None:
    look(page, scene, image(scene.source("open/em")), crossSectionScale=3)
    assert {*scene.heard.cutouts("open/em")} == {"2"}


def test_who_is_signed_in_at_the_gateway_sees_what_is_theirs(scene: Scene, page: Page) -> None:
    page.goto(f"{scene.url}/login?once={scene.identity.new_link()}&next={quote('/')}")
    picture = look(page, scene, image(scene.source("shut/deep")))
    check_block(white(picture), BRIGHT)
    assert {status for *_, status in scene.heard.asked} == {200}


def test_a_viewer_elsewhere_reads_by_a_token_of_keycloak(scene: Scene, page: Page) -> None:
    # It is at `auth` and what follows the first dot of the gateway's name.
    keycloak = scene.url.replace("api.", "auth.")

    def grant(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        token = f"access_token={TOKEN}&state={asked['state'][0]}"
        back = f"{asked['redirect_uri'][0]}#{token}"
        page = f"<script>location.replace({json.dumps(back)})</script>"
        route.fulfill(content_type="text/html", body=page)

    page.context.route(f"{keycloak}/auth/realms/BOSS/protocol/openid-connect/auth?*", grant)
    scene.heard.asked.clear()
    page.goto(viewer_link(f"{scene.elsewhere}/", state(image(scene.source("shut/deep")))))
    page.get_by_text("Request login").click(timeout=60_000)
    wait_until_drawn(page)
    check_block(white(canvas(page)), BRIGHT)
    # Nobody in particular asks first, each time.
    assert [status for *_, status in scene.heard.asked[:2]] == [401, 200]
    assert {status for *_, status in scene.heard.asked} == {401, 200}
