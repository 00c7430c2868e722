"""Neuroglancer in a real browser reads all views: where voxels are drawn, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample
from tests.api.views.viewer.drawn import MESSAGES, wait_until_drawn
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

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.views.neuroglancer import viewer_link
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Counted:
    """An application, and what was asked of its views: status and bytes of each answer."""

    app: ASGIApp
    answers: list[tuple[str, int, int]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        sent = [0, 0]

        async def count(message: Message) -> None:
            sent[0] = message.get("status", sent[0])
            sent[1] += len(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, count)
        if scope["type"] == "http" and scope["path"].startswith(("/zarr/", "/flat/", "/precomp")):
            self.answers.append((scope["path"], *sent))

    def taken(self) -> list[tuple[str, int, int]]:
        """Return what was answered since it was asked for."""
        taken, self.answers = self.answers, []
        return taken


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway over a public image and its labels."""

    url: str
    counted: Counted

    def state(self, view: Callable[[str], Any]) -> dict[str, Any]:
        """Return the state that shows one plane, given the source of each dataset in a view."""
        state: dict[str, Any] = httpx2.get(f"{self.url}/v2/datasets/a/b/em/neuroglancer").json()
        shown: dict[str, Any] = state["state"] | plane_at(SLICE)
        for layer in shown["layers"]:
            layer["source"] = view(layer["name"])
            if layer["type"] == "segmentation":
                layer |= {
                    "segments": [str(ID)],
                    "segmentColors": {str(ID): "#ff0000"},
                    "selectedAlpha": 1,
                }
        return shown


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, viewer: Path) -> Iterator[Scene]:
    image, labels = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint64)
    image[BRIGHT.slices], labels[LABEL.slices] = 255, ID
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("scene") / "lake"))
    settings = Settings(failed_logins_per_minute=0)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("a/b/em", image, levels=3, public=True))
        cells = Sample("a/b/cells", labels, Kind.LABELS, of="em", levels=3, public=True)
        add_sample(lake, catalog, cells)
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN), viewer)
        counted = Counted(app)
        with run_app(counted) as url:
            yield Scene(url, counted)


def stored(scene: Scene, view: str, name: str) -> Any:
    """Return the source of a dataset at `/zarr`, moved to a view."""
    state = httpx2.get(f"{scene.url}/v2/datasets/a/b/em/neuroglancer").json()["state"]
    source = next(layer["source"] for layer in state["layers"] if layer["name"] == name)
    voxels = source[0] if isinstance(source, list) else source
    folder, driver = view.split()
    return voxels | {"url": f"{scene.url}/{folder}/a/b/{name}/|{driver}:"}


def precomputed(scene: Scene, encodings: dict[str, str], name: str) -> str:
    """Return the source of a dataset at `/precomputed`, in an encoding."""
    encoding = encodings.get(name, "")
    return f"{scene.url}/precomputed/a/b/{name}/{encoding}|neuroglancer-precomputed:"


CODED = {"em": "jpeg/", "cells": "compressed_segmentation/"}
VIEWS: dict[str, Callable[[Scene, str], Any]] = {
    "zarr": lambda scene, name: stored(scene, "zarr zarr3", name),
    "flat v3": lambda scene, name: stored(scene, "flat zarr3", name),
    "flat v2": lambda scene, name: stored(scene, "flat zarr2", name),
    "precomputed": lambda scene, name: precomputed(scene, {}, name),
    "precomputed, coded": lambda scene, name: precomputed(scene, CODED, name),
}
MOST = {"zarr": 38, "flat v3": 44, "flat v2": 52, "precomputed": 36, "precomputed, coded": 36}
"""Requests of a first visit: documents, indexes and the chunks in sight."""


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_drawn_and_a_second_visit_loads_no_voxels(
    scene: Scene, page: Page, view: str
) -> None:
    state = scene.state(lambda name: VIEWS[view](scene, name))
    visits = []
    for _ in range(2):
        scene.counted.taken()
        page.goto("about:blank")
        page.goto(viewer_link(f"{scene.url}/neuroglancer/", state))
        wait_until_drawn(page)
        assert page.evaluate(MESSAGES) == []
        visits.append(scene.counted.taken())
        picture = canvas(page)
        red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
        white = (red > 200) & (green > 200) & (blue > 200)
        labelled = (red > 200) & (green < 80) & (blue < 80)
        for mask, box in ((white, BRIGHT), (labelled, LABEL)):
            rows, columns = extent(mask)
            assert [*rows, *columns] == pytest.approx(
                expected(box, picture.shape[:2]), abs=1.01 if "coded" not in view else 12
            )
    first, second = visits
    assert 10 < len(first) <= MOST[view], len(first)
    if view != "zarr":  # of which ranges are asked, that this browser does not keep
        assert {int(status) for _, status, _ in second} <= {304, 404}
        assert not any(size for _, status, size in second if status != 404)
