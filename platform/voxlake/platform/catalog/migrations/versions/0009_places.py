"""Descriptions, key-values, sources and frames of places, and the words that they are found by."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and let what has a name be found by it."""
    op.add_column("nodes", sa.Column("description", sa.Text(), nullable=False, server_default=""))
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE nodes ALTER COLUMN name TYPE varchar(255) COLLATE "C"')
    op.create_table(
        "keyvalues",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_table(
        "sources",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True),
        sa.Column("other", _ID, sa.ForeignKey("nodes.id"), primary_key=True, index=True),
        sa.Column("is_source", sa.Boolean(), nullable=False),
    )
    _make_frames()
    _make_words()


def _make_frames() -> None:
    op.create_table(
        "frames",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("description", sa.Text(), nullable=False),
        *(sa.Column(f"{axis}_start", _ID, nullable=False) for axis in "zyx"),
        *(sa.Column(f"{axis}_stop", _ID, nullable=False) for axis in "zyx"),
        *(sa.Column(f"{axis}_size", sa.Float(53), nullable=False) for axis in "zyx"),
        sa.Column("unit", sa.String(16), nullable=False),
        sa.Column("group", _ID, sa.ForeignKey("groups.id")),
        sa.Column("created_at", _MOMENT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "experiment_frames",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
        sa.Column("frame", _ID, sa.ForeignKey("frames.id"), nullable=False, index=True),
    )


def _make_words() -> None:
    word = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    table = op.create_table(
        "words",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True),
        sa.Column("text", sa.String(300), primary_key=True),
        sa.Column("word", word, primary_key=True),
    )
    op.create_index("ix_words_word_node", "words", ["word", "node"])
    nodes = sa.table("nodes", sa.column("id", _ID), sa.column("name", sa.String))
    removed = sa.column("removed_at", _MOMENT)
    found = op.get_bind().execute(sa.select(nodes).where(removed.is_(None))).all()
    rows = [
        {"node": row.id, "text": "name", "word": each}
        for row in found
        for each in {each[:64] for each in re.findall("[a-z0-9]+", row.name.lower())}
    ]
    if rows:
        op.get_bind().execute(sa.insert(table), rows)
