"""What people say of a place: its description, and values by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.places import node_of, text_of
from voxlake.platform.catalog.tables import audit, keyvalues
from voxlake.platform.errors import InvalidInputError, LimitExceededError, NotFoundError
from voxlake.platform.nodes.tree import nodes
from voxlake.platform.nodes.words import DESCRIPTION, VALUE, drop_words, set_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

MOST_KEYS = 1000
"""Of one place."""
LONGEST_KEY = 255
"""Characters."""
LONGEST_VALUE = 65_536
"""Characters of a value, and of a description."""


@dataclass(frozen=True, slots=True)
class Metadata(Writer):
    """What people say of the places of a lake. Its methods may be called from any thread.

    A place is given by its names, from the collection down; every method raises NotFoundError if
    there is none.
    """

    def describe(self, place: Sequence[str], description: str) -> None:
        """Say what it is, in the place of what was said.

        Raises
        ------
        InvalidInputError
            If the text holds what no database keeps, or is too long.
        """
        with self.database.write() as connection:
            node = node_of(connection, place)
            describe(connection, node, description)
            self.note(connection, "describe place", text_of(place), node=node)

    def list_keys(self, place: Sequence[str]) -> list[str]:
        """Return the keys that have a value, sorted."""
        return sorted(self.list_values(place))

    def list_values(self, place: Sequence[str]) -> dict[str, str]:
        """Return the values by key."""
        with self.database.read() as connection:
            return _values_at(connection, node_of(connection, place))

    def values_at(self, node: int) -> dict[str, str]:
        """Return the values of a node by key, as `list_values`: of one whose id is known."""
        with self.database.read() as connection:
            return _values_at(connection, node)

    def get_value(self, place: Sequence[str], key: str) -> str:
        """Return the value of a key; raise NotFoundError if there is none."""
        with self.database.read() as connection:
            node = node_of(connection, place)
            mine = keyvalues.c.node == node, keyvalues.c.key == check_text(key, "key", LONGEST_KEY)
            query = select(keyvalues.c.value).where(*mine)
            value: str | None = connection.execute(query).scalar()
        if value is None:
            raise _no_value(place, key)
        return value

    def put_value(self, place: Sequence[str], key: str, value: str) -> None:
        """Give a key a value, in the place of one that it had.

        Raises
        ------
        InvalidInputError
            If key or value hold what no database keeps, or the key is empty.
        LimitExceededError
            If they are too long, or the place has too many keys.
        """
        check_text(key, "key", LONGEST_KEY)
        check_text(value, f"value of {key!r}", LONGEST_VALUE)
        if not key:
            raise InvalidInputError("a key is at least one character; give one")
        with self.database.write() as connection:
            node = node_of(connection, place)
            mine = keyvalues.c.node == node, keyvalues.c.key == key
            change = update(keyvalues).where(*mine).values(value=value)
            if connection.execute(change).rowcount == 0:
                _require_room(connection, node, place)
                connection.execute(insert(keyvalues).values(node=node, key=key, value=value))
            set_words(connection, node, VALUE + key, f"{key} {value}")
            self.note(connection, "put value", text_of(place), node=node, detail=key)

    def drop_value(self, place: Sequence[str], key: str) -> None:
        """Take a key and its value away; raise NotFoundError if there is none."""
        check_text(key, "key", LONGEST_KEY)
        with self.database.write() as connection:
            node = node_of(connection, place)
            mine = keyvalues.c.node == node, keyvalues.c.key == key
            if connection.execute(delete(keyvalues).where(*mine)).rowcount == 0:
                raise _no_value(place, key)
            drop_words(connection, node, VALUE + key)
            self.note(connection, "drop value", text_of(place), node=node, detail=key)

    def creator_of(self, place: Sequence[str]) -> str | None:
        """Return who made it, as the audit has it; None of what came with a dataset in it."""
        with self.database.read() as connection:
            return _creator_at(connection, node_of(connection, place))

    def creator_at(self, node: int) -> str | None:
        """Return who made a node, as `creator_of`: one whose id is known."""
        with self.database.read() as connection:
            return _creator_at(connection, node)


def describe(connection: Connection, node: int, description: str) -> None:
    """Say what a node is; see `Metadata.describe`."""
    check_text(description, "description", LONGEST_VALUE)
    change = update(nodes).where(nodes.c.id == node)
    connection.execute(change.values(description=description))
    set_words(connection, node, DESCRIPTION, description)


def drop_metadata(connection: Connection, node: int) -> None:
    """Forget what was said of a node that goes."""
    connection.execute(delete(keyvalues).where(keyvalues.c.node == node))


def check_text(text: str, what: str, longest: int) -> str:
    r"""Return a text that every database keeps as it is, and that is not too long.

    Raises
    ------
    InvalidInputError
        If it holds NUL or half of a surrogate pair.
    LimitExceededError
        If it has more characters than `longest`.

    Examples
    --------
    >>> check_text("Grüße", "description", 5)
    'Grüße'
    """
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidInputError(
            f"the {what} holds NUL or half of a surrogate pair, which is no text; leave it out"
        )
    if len(text) > longest:
        raise LimitExceededError(
            f"the {what} has {len(text)} characters; at most {longest} are kept"
        )
    return text


def _require_room(connection: Connection, node: int, place: Sequence[str]) -> None:
    count = select(func.count()).where(keyvalues.c.node == node)
    if connection.execute(count).scalar_one() >= MOST_KEYS:
        raise LimitExceededError(
            f"{text_of(place)} has {MOST_KEYS} keys, as many as a place may; drop one first"
        )


def _values_at(connection: Connection, node: int) -> dict[str, str]:
    rows = connection.execute(select(keyvalues).where(keyvalues.c.node == node)).all()
    return {row.key: row.value for row in sorted(rows, key=lambda row: row.key)}


def _creator_at(connection: Connection, node: int) -> str | None:
    made = audit.c.node == node, audit.c.action.startswith("add ")
    return connection.execute(
        select(audit.c.by).where(*made).order_by(audit.c.id).limit(1)
    ).scalar()


def _no_value(place: Sequence[str], key: str) -> NotFoundError:
    where = text_of(place)
    return NotFoundError(f"{where} has no key {key!r}; list what it has: voxlake meta ls {where}")
