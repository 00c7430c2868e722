"""What the reference of the site says of the command line, and of the client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from docs.reference_pages import commands
from tests.docs.pages import ROOT

import voxlake.client
from voxlake.cli import main

if TYPE_CHECKING:
    from pathlib import Path

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


COMPLETE = """
source completion.bash
complete -p voxlake
complete() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _voxlake; echo "${COMPREPLY[@]}"
}
complete voxlake lab
complete voxlake catalog ""
complete voxlake ingest --vox
"""


def test_a_shell_completes_commands_and_options(tmp_path: Path) -> None:
    """As `voxlake --install-completion` installs it, into a home of its own."""
    environment = {**os.environ, "HOME": str(tmp_path)}
    install = [sys.executable, "-m", "voxlake.cli", "--install-completion", "--shell", "bash"]
    subprocess.run(
        [*install, "--output", "completion.bash"], cwd=tmp_path, env=environment, check=True
    )
    assert "completion.bash" in (tmp_path / ".bashrc").read_text()
    ran = subprocess.run(
        ["bash", "-c", COMPLETE], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    how, commands, below, options = (line.split() for line in ran.stdout.splitlines())
    assert how[-1] == "voxlake"
    assert set(commands) == {"label", "labels"}
    assert set(below) == {"save", "rebuild"}
    assert options == ["--voxel-size"]
