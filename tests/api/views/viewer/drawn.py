"""What the viewer in a browser has drawn, and if it has not, what it waits for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from playwright.sync_api import TimeoutError as NotInTimeError

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

LONGEST_MS = 120_000
"""How long a viewer may take to load and draw: a few seconds of a machine that is not busy."""

READY = """() => {
  const viewer = window.viewer;
  if (!viewer) return false;
  const layers = viewer.layerManager.managedLayers;
  return layers.length > 0
    && layers.every((layer) => layer.layer !== null && layer.isReady())
    && viewer.display.isReady();
}"""

MESSAGES = """() => Array.from(document.querySelectorAll(".neuroglancer-status-message"))
  .map((each) => each.textContent)"""

WAITED_FOR = """() => {
  const viewer = window.viewer;
  if (!viewer) return "the viewer's own code";
  return {
    layers: viewer.layerManager.managedLayers.map(({name, layer}, n, all) => ({
      name,
      ready: layer !== null && all[n].isReady(),
      sources: layer?.dataSources.map(({spec, loadState}) =>
        [spec.url, loadState === undefined ? "loading" : String(loadState.error ?? "loaded")]),
      drawn: layer?.renderLayers.map((each) => [each.constructor.name, each.isReady?.()]),
    })),
    panels: Array.from(viewer.display.panels).map((each) =>
      [each.constructor.name, each.visible, each.isReady()]),
    contextLost: viewer.display.gl.isContextLost(),
  };
}"""

_unanswered: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()


def watched(page: Page) -> Page:
    """Return a page that is patient, and whose unanswered requests and errors are noted."""
    page.set_default_timeout(LONGEST_MS)
    noted = _unanswered.setdefault(page, [])

    def ended(request: Request) -> None:
        if request.url in noted:
            noted.remove(request.url)

    def failed(request: Request) -> None:
        ended(request)
        noted.append(f"{request.url} failed: {request.failure}")

    page.on("request", lambda request: noted.append(request.url))
    page.on("requestfinished", ended)
    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: noted.append(f"error: {error}"))
    page.on("crash", lambda _: noted.append("the page crashed"))
    return page


def wait_until_drawn(page: Page) -> None:
    """Wait until all that is in sight is loaded and drawn; if it is not, say what is missing."""
    try:
        page.wait_for_function(READY, timeout=LONGEST_MS)
        page.wait_for_timeout(500)
        page.wait_for_function(READY, timeout=LONGEST_MS)
    except NotInTimeError as error:
        told = {
            "waits for": page.evaluate(WAITED_FOR),
            "messages": page.evaluate(MESSAGES),
            "unanswered": _unanswered.get(page, []),
        }
        raise AssertionError(f"not drawn in time: {json.dumps(told, indent=1)}") from error
