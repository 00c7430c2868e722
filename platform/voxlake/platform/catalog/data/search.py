"""Search: places whose names, descriptions and key-values hold words that begin so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from voxlake.platform.access import Permission
from voxlake.platform.catalog.data.node_records import (
    EVERYTHING,
    NodeRecord,
    Page,
    count_nodes,
    list_nodes,
    path_at,
)
from voxlake.platform.catalog.rights.grants import is_allowed
from voxlake.platform.database import Database, now
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.nodes.tree import KINDS
from voxlake.platform.nodes.words import begins, has_word, words, words_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.access import Principal

FEW = 1000
"""Up to so many nodes that a word finds are fetched; of more, each node that may be seen is tried:
a list in the order of names is full soon then."""
MOST_WORDS = 16
"""Of a question."""


@dataclass(frozen=True, slots=True)
class Search:
    """Finds what is in a lake. Its methods may be called from any thread.

    A place is found if each word of the question begins a word of its name, of its description, or
    of a key or value of it; small and large letters are alike. Only what may be read is found.

    Raises
    ------
    InvalidInputError
        If the question holds no word, or too many.
    """

    database: Database

    def find(
        self, principal: Principal, question: str, page: Page = EVERYTHING
    ) -> list[NodeRecord]:
        """Return the places, sorted by their names from the collection down, or a page of them."""
        found: list[NodeRecord] = []
        starts = _starts_of(question)
        with self.database.read() as connection:
            few = _few(connection, starts)
        in_order = few is None and page.limit is not None
        with self.database.read(in_order=in_order) as connection:
            for depth in range(1, len(KINDS) + 1):
                which = _which(depth, principal, starts, few)
                found += list_nodes(connection, depth, *which, page=page)
        return sorted(found, key=lambda record: record.names)[: page.limit]

    def count(self, principal: Principal, question: str) -> int:
        """Return how many places there are."""
        starts = _starts_of(question)
        with self.database.read() as connection:
            few = _few(connection, starts)
            return sum(
                count_nodes(connection, depth, *_which(depth, principal, starts, few))
                for depth in range(1, len(KINDS) + 1)
            )


def _starts_of(question: str) -> list[str]:
    """Return what words have to begin with; what another begins with says nothing more."""
    asked = words_of(question)
    if not 1 <= len(asked) <= MOST_WORDS:
        raise InvalidInputError(
            f"{question!r} holds {len(asked)} words; ask for 1 to {MOST_WORDS}, of letters and "
            "digits"
        )
    return sorted(
        word for word in asked if not any(o != word and o.startswith(word) for o in asked)
    )


def _few(connection: Connection, starts: list[str]) -> set[int] | None:
    """Return the nodes that the rarest of the words finds; None if each finds many."""
    rarest: set[int] | None = None
    for start in starts:
        query = select(words.c.node).distinct().where(begins(start)).limit(FEW + 1)
        found = set(connection.execute(query).scalars())
        if len(found) <= FEW and (rarest is None or len(found) < len(rarest)):
            rarest = found
    return rarest


def finds_dataset(connection: Connection, question: str) -> tuple[list[ColumnElement[bool]], bool]:
    """Say of datasets, of what `list_records` looks through, that a question finds them.

    With whether those that one of its words finds are many: to go through all in order is quicker.
    """
    starts = _starts_of(question)
    few = _few(connection, starts)
    return _found(path_at(len(KINDS))[-1], starts, few), few is None


def _found(
    node: ColumnElement[int], starts: list[str], few: set[int] | None
) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = [] if few is None else [node.in_(sorted(few))]
    return which + [has_word(node, each) for each in starts]


def _which(
    depth: int, principal: Principal, starts: list[str], few: set[int] | None
) -> list[ColumnElement[bool]]:
    path = path_at(depth)
    # Words first: to look who may read costs more.
    allowed = is_allowed(principal, Permission.READ, now(), path)
    return [*_found(path[-1], starts, few), allowed]
