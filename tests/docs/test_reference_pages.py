"""What the reference of the site says of the command line, and of the client."""

from __future__ import annotations

import re

import pytest
from docs.reference_pages import commands
from tests.docs.pages import ROOT

import voxlake.client
from voxlake.cli import main
from voxlake.cli.manual.examples import EXAMPLES

PAGES = dict(re.findall(r"^### voxlake (.*)\n((?:(?!^##).*\n)*)", commands(), re.MULTILINE))
OPTIONS = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def _options(text: str) -> set[str]:
    return set(OPTIONS.findall(text)) - {"--help", "--version"}


@pytest.mark.parametrize(
    "command", ["demo", "catalog rebuild", "jobs show", "token make", "verify", "usage limit"]
)
def test_a_page_has_the_options_that_help_shows(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert _options(PAGES[command]) == _options(shown)
    assert "--json" in PAGES[command]


def test_commands_below_commands_have_pages() -> None:
    assert {"ingest", "catalog", "catalog save", "jobs resume"} <= set(PAGES)
    assert all(page.strip() for page in PAGES.values())


def test_the_page_of_the_client_has_all_of_it() -> None:
    page = (ROOT / "docs" / "reference" / "python.md").read_text()
    named = re.findall(
        r"^\.\. auto(?:class|function):: voxlake\.client\.(\w+)$", page, re.MULTILINE
    )
    assert sorted(named) == sorted(voxlake.client.__all__)


def test_the_page_of_the_client_has_what_classes_inherit() -> None:
    """Of the client itself; of documents it would be all of pydantic."""
    page = (ROOT / "docs" / "reference" / "python.md").read_text()
    inherited = set(re.findall(r"(\w+)\n(?:   :.*\n)*   :inherited-members:\n", page))
    heirs = {
        name
        for name in voxlake.client.__all__
        for base in getattr(getattr(voxlake.client, name), "__mro__", ())[1:]
        if base.__module__.startswith("voxlake.client.")
    }
    assert inherited == heirs == {"Gateway"}


def test_a_page_ends_with_examples() -> None:
    assert all(
        page.endswith("```console\n" + "\n".join(EXAMPLES[name]) + "\n```\n")
        for name, page in ((name, f"{page.rstrip()}\n") for name, page in PAGES.items())
    )
