"""The words that nodes are found by: each text of a node is kept as the words in it.

A search looks for beginnings of words, which one index answers on every database, however many
nodes there are.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, Index, String, Table, delete, func, insert, select

from voxlake.platform.nodes.tree import ID, metadata, nodes

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

LONGEST = 64
"""Characters of a word that count."""
NAME, DESCRIPTION, VALUE = "name", "description", "value:"
"""Texts of a node that are searched; that of a key-value ends in its key."""

_LAST = "\U0010ffff"
"""Comes after every character that text holds."""
_WORD = re.compile(r"[^\W_]+")
_Word = String(LONGEST).with_variant(String(LONGEST, collation="C"), "postgresql")
"""Compared by code points on every database."""

words = Table(
    "words",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True),
    Column("text", String(300), primary_key=True),
    Column("word", _Word, primary_key=True),
)
Index("ix_words_word_node", words.c.word, words.c.node)


def words_of(text: str) -> set[str]:
    """Return the words in a text: runs of letters and digits, in the case that all are kept in.

    Examples
    --------
    >>> sorted(words_of("Fib25_EM: Straße"))
    ['em', 'fib25', 'strasse']
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return {word[:LONGEST] for word in _WORD.findall(folded)}


def set_words(connection: Connection, node: int, text: str, said: str) -> None:
    """Let a node be found by what a text of it says, in the place of what that said before."""
    drop_words(connection, node, text)
    rows = [{"node": node, "text": text, "word": word} for word in sorted(words_of(said))]
    if rows:
        connection.execute(insert(words), rows)


def drop_words(connection: Connection, node: int, text: str | None = None) -> None:
    """Let a node be found no more by one of its texts, or by any."""
    which = [words.c.node == node] + ([words.c.text == text] if text is not None else [])
    connection.execute(delete(words).where(*which))


def begins(start: str) -> ColumnElement[bool]:
    """Say of a row of `words` that its word begins so: the index of words answers that."""
    return words.c.word.between(start, start + _LAST)


def has_word(node: ColumnElement[int], start: str) -> ColumnElement[bool]:
    """Say of a node that one of its words begins so: the words of the node answer that."""
    mine = select(words.c.node).where(
        words.c.node == node, func.substr(words.c.word, 1, len(start)) == start
    )
    # No EXISTS, which PostgreSQL makes a join, and guesses wrongly how many rows that has.
    return mine.limit(1).scalar_subquery().is_not(None)
