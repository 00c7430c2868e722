"""Pages of the reference that follow from the code: the commands, and the routes of a gateway."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from voxlake.api.app import create_app
from voxlake.cli.app import COMMANDS, command_line
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent / "reference"
_COMMANDS = """# Commands

`voxlake COMMAND --help` shows the same; `voxlake --install-completion` lets a shell complete them.

"""
_ROUTES = """# Routes of a gateway

`/openapi.json` of a gateway has every parameter and answer of them, and `/docs` shows it. Those of
bossDB's API have [a page of their own](bossdb-routes.md).

| route | | |
|---|---|---|
"""


def write() -> None:
    """Write the pages, where they are not as they should be already."""
    for name, text in (("commands", commands()), ("routes", routes())):
        page = FOLDER / f"{name}.md"
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def commands() -> str:
    """Return the page of all commands: of each, what its ``--help`` shows."""
    names = [place.partition(":")[2].rstrip("_").replace("_", "-") for place in COMMANDS]
    app = command_line(names)
    pages = [
        app[name].generate_docs(heading_level=2, usage_name=f"voxlake {name}") for name in names
    ]
    return _COMMANDS + "\n".join(pages)


def routes() -> str:
    """Return the page of all routes but bossDB's."""
    with TemporaryDirectory() as folder:
        lake = StoreURL.parse(folder)
        with open_catalog(lake, Settings()) as catalog:
            paths = create_app(Settings(), lake, catalog, None).openapi()["paths"]
    return _ROUTES + "".join(_rows(paths))


def _rows(paths: dict[str, dict[str, Any]]) -> Iterator[str]:
    for path, methods in sorted(paths.items()):
        if not path.startswith(("/v1/", "/latest/")):
            for method, about in methods.items():
                yield f"| `{path}` | {method.upper()} | {about.get('summary', '')} |\n"
