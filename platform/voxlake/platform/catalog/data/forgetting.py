"""A node that goes for good: its name is free, and what was said and granted of it is forgotten.

What the audit and the usage have of it stays, with its jobs: who did what, and what it took.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, or_

from voxlake.platform.catalog.data.metadata import drop_metadata
from voxlake.platform.catalog.rights.grants import drop_grants
from voxlake.platform.catalog.tables import (
    experiment_frames,
    first_shown,
    links,
    plans,
    sources,
    stored,
    usage_limits,
)
from voxlake.platform.catalog.usage import subject_of
from voxlake.platform.nodes.changes import remove_node

if TYPE_CHECKING:
    from sqlalchemy import Connection


def forget_node(connection: Connection, node: int) -> None:
    """Give the name of a node free for good, and forget what was said and granted of it."""
    drop_grants(connection, node)
    drop_metadata(connection, node)
    for table in (experiment_frames, plans, first_shown, links, stored):
        connection.execute(delete(table).where(table.c.node == node))
    about = or_(sources.c.node == node, sources.c.other == node)
    connection.execute(delete(sources).where(about))
    limits = usage_limits.c.subject == subject_of(node)
    connection.execute(delete(usage_limits).where(limits))
    remove_node(connection, node)
