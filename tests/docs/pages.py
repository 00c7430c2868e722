"""Pages of the documentation: the blocks of code in them, and the links."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_FOUND = (ROOT.glob(pattern) for pattern in ("docs/**/*.md", "deploy/**/*.md"))
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *chain.from_iterable(_FOUND)])


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    language: str
    line: int
    """Number of its first line of code, from 1."""
    code: str


def blocks_of(text: str) -> list[Block]:
    r"""Return the fenced blocks of a page.

    >>> blocks_of("# Title\n\n```python\nx = 1\n```\n")
    [Block(language='python', line=4, code='x = 1\n')]
    """
    fences = re.finditer(r"^```(\w+)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(found[1], text.count("\n", 0, found.start(2)) + 1, found[2]) for found in fences]


def program_of(text: str, first_line: str) -> str:
    r"""Return the Python of a page as one program, each line where it is in the page.

    >>> program_of("# Title\n\n```python\nx = 1\n```\n", "y = 2")
    'y = 2\n\n\nx = 1\n'
    """
    program = f"{first_line}\n"
    for block in blocks_of(text):
        if block.language == "python":
            program += "\n" * (block.line - 1 - program.count("\n")) + block.code
    return program


def entry_points_of(text: str) -> dict[str, dict[str, str]]:
    """Return the entry points, by group, that a page tells its reader to register."""
    found: dict[str, dict[str, str]] = {}
    for block in blocks_of(text):
        if block.language == "toml":
            project: dict[str, Any] = tomllib.loads(block.code).get("project", {})
            found.update(project.get("entry-points", {}))
    return found


def links_of(text: str) -> list[str]:
    """Return the links of a page to files, without what comes after ``#``."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link.partition("#")[0] for link in targets if not re.match(r"#|\w+:", link)]
