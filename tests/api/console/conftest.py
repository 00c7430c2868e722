"""A real browser for the pages of the console, and a lake that forms change."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.api.views.conftest import browser, page

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.access import Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

__all__ = ["browser", "page"]

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SHAPE = (20, 21, 22)


class Browser(httpx2.Client):
    """Somebody's browser, who carries a token in the place of a session."""

    def fill_in(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form as browsers do, with the fields that are left empty; return the page."""
        return self.post(path, data=fields)

    def await_status(self, path: str, status: int) -> None:
        """Ask for a page until it is answered so: a gateway remembers who may what for a second."""
        ends = time.monotonic() + 30
        while (got := self.get(path).status_code) != status:
            assert time.monotonic() < ends, got
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Workshop:
    """A gateway whose lake forms change: `lab` is ada's, bob and carl have nothing."""

    url: str
    lake: StoreURL
    catalog: Catalog
    settings: Settings
    tokens: dict[str, str]
    app: FastAPI

    def browser(self, name: str | None = None) -> Browser:
        """Return the browser of a user, of the owner of the server (root), or of anybody."""
        sent = {} if name is None else {"Authorization": f"Bearer {self.tokens[name]}"}
        return Browser(base_url=self.url, headers=BROWSER | sent, timeout=30, follow_redirects=True)


@contextmanager
def run_workshop(lake: StoreURL, settings: Settings) -> Iterator[Workshop]:
    """Serve a new lake until the end of the block."""
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", image_voxels(SHAPE)))
        cells = Sample("lab/brain/cells", label_voxels(SHAPE), Kind.LABELS, of="em")
        add_sample(lake, catalog, cells)
        tokens = {"root": TOKEN}
        for name in ("ada", "bob", "carl"):
            catalog.people.add_user(name)
            _, tokens[name] = catalog.tokens.make(name, "browser")
        catalog.shares.share(["lab"], "ada", Role.OWNER)
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with run_app(app) as url:
            yield Workshop(url, lake, catalog, settings, tokens, app)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The gateway."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("workshop") / "lake"))
    with run_workshop(lake, Settings(failed_logins_per_minute=0)) as workshop:
        yield workshop
