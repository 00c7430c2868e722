"""The catalog's tables. A change here needs a migration; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, MetaData, String, Table, Text

from voxlake.platform.database import Moment
from voxlake.platform.nodes import ID, nodes

metadata = MetaData()

lake = Table(
    "lake",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
)
"""One row: the lake that this database is the catalog of."""

datasets = Table(
    "datasets",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("of", ID, ForeignKey("datasets.node")),
    Column("url", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""The datasets that there are; one that was removed has a node alone."""
