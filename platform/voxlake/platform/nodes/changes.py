"""Nodes are made, get other names, and go: what finds them by their names goes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from voxlake.platform.database import now
from voxlake.platform.nodes.tree import KINDS, ROOT, find_below, nodes
from voxlake.platform.nodes.words import NAME, drop_words, set_words

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def make_node(connection: Connection, *names: str) -> int:
    """Return the id of the node of a path, which is made, with those above it, where absent."""
    node = ROOT
    for kind, name in zip(KINDS, names, strict=False):
        found = find_below(connection, node, name)
        if found is None:
            # Others that make the same wait here, and find it then.
            connection.execute(select(nodes.c.id).where(nodes.c.id == node).with_for_update())
            found = find_below(connection, node, name) or add_node(connection, node, kind, name)
        node = found
    return node


def move_node(connection: Connection, node: int, parent: int, name: str) -> None:
    """Give a node another name, below the same or another; raise ConflictError if one has it."""
    change = update(nodes).where(nodes.c.id == node).values(parent=parent, name=name)
    connection.execute(change)
    set_words(connection, node, NAME, name)


def hide_node(connection: Connection, node: int, moment: datetime, purge_at: datetime) -> None:
    """Give the name of a node free, which can be brought back until it is purged."""
    hidden = {"removed_at": moment, "purge_at": purge_at}
    connection.execute(update(nodes).where(nodes.c.id == node).values(hidden))


def show_node(connection: Connection, node: int, parent: int, name: str) -> None:
    """Bring a hidden node back under a name that is free; raise ConflictError if one has it."""
    back = {"removed_at": None, "purge_at": None, "parent": parent, "name": name}
    connection.execute(update(nodes).where(nodes.c.id == node).values(back))
    set_words(connection, node, NAME, name)


def remove_node(connection: Connection, node: int) -> None:
    """Give the name of a node free, for good; what was recorded of it stays."""
    moment = func.coalesce(nodes.c.removed_at, now())
    gone = update(nodes).where(nodes.c.id == node).values(removed_at=moment, purge_at=None)
    connection.execute(gone)
    drop_words(connection, node)


def add_node(
    connection: Connection, parent: int, kind: str, name: str, node: int | None = None
) -> int:
    """Make a node below another, where there is none of the name; return its id.

    `node` is the id that it gets; None: the next that no other ever had.
    """
    new = insert(nodes).values(parent=parent, kind=kind, name=name, created_at=now())
    new = new if node is None else new.values(id=node)
    made: int = connection.execute(new.returning(nodes.c.id)).scalar_one()
    set_words(connection, made, NAME, name)
    return made
