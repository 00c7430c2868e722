"""Pages of the reference that follow from the code: the commands, and the routes of a gateway."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from voxlake.api.app import create_app
from voxlake.cli.app import COMMANDS, command_line
from voxlake.cli.manual.examples import EXAMPLES
from voxlake.cli.manual.exit_codes import MEANINGS
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cyclopts import App

FOLDER = Path(__file__).parent / "reference"
SUBJECTS = {
    "lake": "Lakes and datasets",
    "jobs": "Jobs",
    "labels": "Labels",
    "places": "Collections, experiments, frames and metadata",
    "people": "People and rights",
}
"""What the rooms of `voxlake.cli.commands` are called on the page, in its order."""
_COMMANDS = """# Commands

`voxlake COMMAND --help` shows the same; `voxlake --help` lists all commands. What stands in
`[env: ...]` may be said by that variable of the environment in the place of the option; all other
[settings](settings.md) are variables, too. Examples are of a lake that `VOXLAKE_LAKE` names.

`voxlake --install-completion` lets the shell that it is called from (bash, zsh or fish) complete
commands and options; `--shell zsh` names another.

| exit code | means |
|---|---|
"""
_ROUTES = """# Routes of a gateway

`/openapi.json` of a gateway has every parameter and answer of them, and `/docs` shows it. Those of
bossDB's API have [a page of their own](bossdb-routes.md).
"""
_TAGS = {"graphene": "CAVE (graphene)", "console": "Pages of the console"}


def write() -> None:
    """Write the pages, where they are not as they should be already."""
    for name, text in (("commands", commands()), ("routes", routes())):
        page = FOLDER / f"{name}.md"
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def commands() -> str:
    """Return the page of all commands, by subject: of each, what its ``--help`` shows."""
    subjects: dict[str, list[str]] = {subject: [] for subject in SUBJECTS}
    for place in COMMANDS:
        room, _, name = place.partition(":")
        subjects[room.partition(".")[0]].append(name.rstrip("_").replace("_", "-"))
    app = command_line([name for names in subjects.values() for name in names])
    page = _COMMANDS + "".join(f"| {code} | {what} |\n" for code, what in MEANINGS.items())
    for subject, names in subjects.items():
        page += f"\n## {SUBJECTS[subject]}\n"
        for name in names:
            page += "".join(_pages(app[name], f"voxlake {name}", app))
    return page


def _pages(app: App, name: str, above: App) -> Iterator[str]:
    # A command that stands by itself does not know how options are spelled below its parents.
    app.default_parameter = above.default_parameter
    words = [word for word in app if not word.startswith("-")]
    _, _, text = app.generate_docs(recursive=False, usage_name=name).partition("\n")
    about = text.partition("\n## ")[0] if words else text  # what is below has pages of its own
    shown = "\n".join(EXAMPLES.get(name.partition(" ")[2], ()))
    yield f"\n### {name}\n\n{about.strip()}\n\n```console\n{shown}\n```\n"
    for word in words:
        yield from _pages(app[word], f"{name} {word}", app)


def routes() -> str:
    """Return the page of all routes but bossDB's, by subject."""
    with TemporaryDirectory() as folder:
        lake = StoreURL.parse(folder)
        with open_catalog(lake, Settings()) as catalog:
            paths = create_app(Settings(), lake, catalog, None).openapi()["paths"]
    found = sorted(_routes(paths), key=lambda route: (route[0] == "console", route))
    page = _ROUTES
    for tag, group in groupby(found, key=lambda route: route[0]):
        rows = "\n".join(f"- `{method} {path}`: {summary}" for _, path, method, summary in group)
        page += f"\n## {_TAGS.get(tag, tag.capitalize())}\n\n{rows}\n"
    return page


def _routes(paths: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    for path, methods in paths.items():
        for method, about in methods.items():
            (tag,) = about["tags"]
            if tag != "bossDB":
                yield tag, path, method.upper(), about.get("summary", "")
