"""What people see on a terminal that is narrower than it: nothing that they copy is broken."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from voxlake.cli.shown.output import answer, facts, table
from voxlake.documents.service.gateway import LoginLinkDocument

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.cli.shown.output import Shown

COLUMNS = 40
LINK = f"http://127.0.0.1:8080/login?once={'x' * COLUMNS}"
JOB = "01M8GT41VDXYBRH9BRW6G8TGR4"


class Terminal(io.StringIO):
    """A narrow terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Callable[[Shown], list[str]]:
    """Return a function that shows something, and returns the lines."""
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")

    def lines(shown: Shown) -> list[str]:
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        answer(LoginLinkDocument(login_link=LINK), shown, json=False)
        return terminal.getvalue().splitlines()

    return lines


def test_a_link_is_on_one_line(lines: Callable[[Shown], list[str]]) -> None:
    assert lines([facts([("open", LINK), ("nothing", None), ("token", "in a file")])]) == [
        f"open   {LINK}",
        "token  in a file",
    ]


def test_cells_are_on_one_line_and_sentences_are_not(
    lines: Callable[[Shown], list[str]],
) -> None:
    shown = lines([table(("job", "voxels#", "note~"), [(JOB, 12345678, "some words " * 4)])])
    header, first, second = map(str.split, shown)
    assert header == ["job", "voxels", "note"]
    assert first[:2] == [JOB, "12,345,678"]
    assert first[2:] + second == ["some", "words"] * 4
