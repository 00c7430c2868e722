"""How what a client has is shown in notebooks: HTML that holds no text of others unescaped.

A notebook asks each object for ``_repr_html_``, and shows its ``repr`` where that answers None:
so it does whenever something cannot be had, or not soon.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from html import escape
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SOON_S = 4.0
"""Seconds that a notebook waits for what is shown of an object, at most."""
MOST_ROWS = 50
MOST_LETTERS = 200
"""Of a cell of a table."""


def soon[T](ask: Callable[[], T], seconds: float = SOON_S) -> T | None:
    """Return what `ask` returns; None if it fails, or takes longer than so many seconds."""
    answers: list[T] = []

    def run() -> None:
        try:
            answers.append(ask())
        except Exception:  # noqa: BLE001  (whoever asks for it otherwise is told)
            return

    # No process waits for it at its end.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None


def text_html(value: object) -> str:
    """Return a value as text of a page, shortened.

    Examples
    --------
    >>> text_html('"><svg onload=alert(1)>'), text_html((16, 20)), text_html(None)
    ('&quot;&gt;&lt;svg onload=alert(1)&gt;', '16 x 20', '')
    """
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case tuple() | list():
            text = " x ".join(
                f"{each:g}" if isinstance(each, float) else f"{each}" for each in value
            )
        case datetime():
            text = f"{value:%Y-%m-%d %H:%M}"
        case _:
            text = str(value)
    return escape(text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…")


def table_html(columns: Sequence[str], rows: Sequence[Iterable[object]]) -> str:
    """Return a table; of many rows the first, and how many more there are."""
    head = "".join(f"<th>{text_html(column)}</th>" for column in columns)
    lines = (
        f"<tr>{''.join(f'<td>{text_html(cell)}</td>' for cell in row)}</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = len(rows) - MOST_ROWS
    rest = f"<p>and {more} more</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{rest}"


def link_html(address: str, words: str) -> str:
    """Return a link to an address of the web, which is known to be one.

    Examples
    --------
    >>> link_html("https://h/?a=1&b=2", "look")
    '<a href="https://h/?a=1&amp;b=2" rel="noopener">look</a>'
    """
    return f'<a href="{escape(address)}" rel="noopener">{escape(words)}</a>'


def picture_html(png: bytes, what: str) -> str:
    """Return a PNG file as a picture in the page itself."""
    source = b64encode(png).decode()
    return (
        f'<img src="data:image/png;base64,{source}" alt="{text_html(what)}" '
        'style="image-rendering:pixelated;margin:0.5em 0">'
    )


class Listed[T](tuple[T, ...]):
    """What was listed: a tuple, which notebooks show as a table."""

    columns: tuple[str, ...] = ()
    """Attributes of its items that are shown."""

    @classmethod
    def of(cls, items: Iterable[T], *columns: str) -> Listed[T]:
        """Return items, of which these attributes are shown."""
        listed = cls(items)
        listed.columns = columns
        return listed

    def _repr_html_(self) -> str:
        if not self:
            return "<p>nothing is here, or nothing that you may read</p>"
        rows = [[getattr(item, column) for column in self.columns] for item in self]
        return table_html(self.columns, rows)
