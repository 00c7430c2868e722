"""Users, groups and grants; a dataset is public by a grant to everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_VIEWER = 0b1000001
"""The bits of read and read_volumetric_data."""


def upgrade() -> None:
    """Make the tables, and grants of what was public."""
    groups = _make_people()
    grants = _make_grants()
    make = sa.insert(groups).values(name="public", created_at=sa.func.current_timestamp())
    public = op.get_bind().execute(make.returning(groups.c.id)).scalar_one()
    datasets = sa.table("datasets", sa.column("node", _ID), sa.column("public", sa.Boolean))
    for node in op.get_bind().execute(sa.select(datasets.c.node).where(datasets.c.public)):
        grant = {"node": node[0], "group": public, "inherits": True, "role": "viewer"}
        op.get_bind().execute(sa.insert(grants).values(permissions=_VIEWER, **grant))
    op.drop_column("datasets", "public")


def _make_people() -> sa.Table:
    op.create_table(
        "users",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("disabled_at", _MOMENT),
        sqlite_autoincrement=True,
    )
    groups = op.create_table(
        "groups",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("user", _ID, sa.ForeignKey("users.id"), unique=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "memberships",
        sa.Column("group", _ID, sa.ForeignKey("groups.id"), primary_key=True),
        sa.Column("user", _ID, sa.ForeignKey("users.id"), primary_key=True, index=True),
        sa.Column("role", sa.String(16), nullable=False),
    )
    return groups


def _make_grants() -> sa.Table:
    return op.create_table(
        "grants",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), nullable=False),
        sa.Column("group", _ID, sa.ForeignKey("groups.id"), nullable=False, index=True),
        sa.Column("inherits", sa.Boolean(), nullable=False),
        sa.Column("role", sa.String(16)),
        sa.Column("permissions", sa.Integer(), nullable=False),
        sa.Column("starts_at", _MOMENT),
        sa.Column("ends_at", _MOMENT),
        sa.UniqueConstraint("node", "group", "inherits", name="uq_grants_node_group_inherits"),
        sqlite_autoincrement=True,
    )
