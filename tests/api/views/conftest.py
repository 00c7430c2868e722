"""A real browser, and the built viewer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.api.views.viewer.drawn import watched

from voxlake.api.views.viewer_folder import viewer_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[3] / "api" / "viewer"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="session")
def viewer() -> Path:
    """The built viewer, built now if it is not, or is older than what it is built from."""
    if not is_built():
        npm = shutil.which("npm")
        if npm is None:
            pytest.fail("the viewer is not built and there is no npm to build it; install Node 20")
        installed = (PROJECT / "node_modules").is_dir()
        for arguments in ([] if installed else [["ci", "--ignore-scripts"]]) + [["run", "build"]]:
            subprocess.run([npm, *arguments], cwd=PROJECT, check=True, timeout=280)
    built = viewer_folder()
    assert built is not None
    return built


def is_built() -> bool:
    """Return whether the viewer is built, by what is here now."""
    built = viewer_folder()
    sources = [PROJECT / "package-lock.json", PROJECT / "vite.config.js", *PROJECT.glob("src/*")]
    newest = max(each.stat().st_mtime for each in sources)
    return built is not None and (built / "index.html").stat().st_mtime >= newest


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser, with WebGL in software."""
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        pytest.fail("there is no Chromium; install it with tests/browser/install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page, which knows nothing of others' cookies."""
    with browser.new_page(viewport={"width": 900, "height": 700}) as page:
        yield watched(page)
