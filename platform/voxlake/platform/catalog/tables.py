"""The catalog's tables. A change here needs a migration; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from voxlake.platform.database import Moment

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
    Column("collection", String(255), nullable=False),
    Column("experiment", String(255), nullable=False),
    Column("dataset", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("of", String(255)),
    Column("url", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("collection", "experiment", "dataset", name="pk_datasets"),
    ForeignKeyConstraint(
        ["collection", "experiment", "of"],
        ["datasets.collection", "datasets.experiment", "datasets.dataset"],
        name="fk_datasets_of",
    ),
)
