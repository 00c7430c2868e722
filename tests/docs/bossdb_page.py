"""The page of bossDB's routes, as the gateway has them: ``python -m tests.docs.bossdb_page`` writes
it.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fastapi.routing import APIRoute
from tests.api.guards.test_datasets import every_route
from tests.docs.pages import ROOT

from voxlake.api.app import create_app
from voxlake.api.http.layers.boss_paths import ROOT as BOSS
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "reference" / "bossdb-routes.md"

_HEAD = f"""# Routes of bossDB's API

All that a gateway answers below `{BOSS}`, and below `/latest` alike. A slash at the end, or two for
one, make no difference. [Come from bossDB](../how-to/come-from-bossdb.md) tells what is as it was,
and what is not; `/openapi.json` of a gateway has every parameter and answer. This page follows from
the routes: `python -m tests.docs.bossdb_page` writes it.

| below `{BOSS}` | | |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    routes = sorted(_routes(), key=lambda route: route.path)
    return _HEAD + "".join(map(_row, routes))


def _routes() -> Iterator[APIRoute]:
    with TemporaryDirectory() as folder:
        lake = StoreURL.parse(folder)
        with open_catalog(lake, Settings()) as catalog:
            app = create_app(Settings(), lake, catalog, None)
        for route in every_route(app.routes):
            if isinstance(route, APIRoute) and route.path.startswith(f"{BOSS}/"):
                yield route


def _row(route: APIRoute) -> str:
    methods = ", ".join(sorted(route.methods or ()))
    return f"| `{route.path.removeprefix(BOSS)}` | {methods} | {route.summary} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
