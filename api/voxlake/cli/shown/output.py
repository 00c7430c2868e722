"""What a command prints: one JSON document, or tables for people. Notes go to stderr."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from voxlake.documents.document import Document

type Shown = Iterable[RenderableType]
"""What people see of an answer, one part below the other."""

_UNBOUND = 240
"""Columns of output that is no terminal's: nothing is cut off on its way into a file."""

_SENTENCE = 24
"""Columns that a column of sentences has at least."""


def answer(document: Document, shown: Shown, *, json: bool) -> None:
    """Print `document` as JSON, or what is `shown` to people."""
    if json:
        sys.stdout.write(document.model_dump_json(indent=2) + "\n")
        return
    console = console_of(sys.stdout)
    for part in shown:
        if isinstance(part, Table):
            # What does not fit is wrapped by the terminal, so that it can be copied.
            console.width = max(console.width, _width(part))
        console.print(part, soft_wrap=isinstance(part, Text))


def note(text: str) -> None:
    """Tell people something on stderr."""
    console_of(sys.stderr).print(Text(text), soft_wrap=True)


def console_of(stream: TextIO) -> Console:
    """Return the rich console of `stream`, which honours ``NO_COLOR``."""
    return Console(
        file=stream, highlight=False, width=None if stream.isatty() else _UNBOUND, emoji=False
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; a column whose title ends in ``#`` holds numbers, in ``~`` sentences.

    Only sentences are broken into lines where a terminal is too narrow.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns:
        made.add_column(
            title.rstrip("#~"),
            justify="right" if title.endswith("#") else "left",
            overflow="fold",
            no_wrap=not title.endswith("~"),
        )
    for row in rows:
        made.add_row(*(Text(_text(cell)) for cell in row))
    return made


def _width(table: Table) -> int:
    """Return the columns of a terminal that a table needs at least."""
    widths = (
        max(cell_len(str(cell)) for cell in (column.header, *column.cells))
        if column.no_wrap
        else _SENTENCE
        for column in table.columns
    )
    return sum(widths) + 2 * (len(table.columns) - 1)


def facts(pairs: Iterable[tuple[str, object]]) -> Text:
    """Return named facts, one a line, without those of which there is nothing to say."""
    named = [(name, text) for name, value in pairs if (text := _text(value))]
    width = max((cell_len(name) for name, _ in named), default=0)
    lines = (Text.assemble((name.ljust(width), "bold"), "  ", text) for name, text in named)
    return Text("\n").join(lines)


def size(count: float) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> size(999), size(15_625_000)
    ('999 B', '15.6 MB')
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


def rate(voxels: int, itemsize: int, seconds: float) -> str:
    """Return how fast voxels of `itemsize` bytes went, for people.

    Examples
    --------
    >>> rate(2_000_000, 8, 4.0)
    '4.0 MB/s, 0.50 Mvoxels/s'
    """
    each = voxels / seconds if seconds > 0 else 0.0
    return f"{size(each * itemsize)}/s, {each / 1e6:.2f} Mvoxels/s"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        separator = " x " if all(isinstance(part, int) for part in value) else ", "
        return separator.join(map(_part, value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S %Z}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _part(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
