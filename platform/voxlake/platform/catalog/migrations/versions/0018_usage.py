"""What was used of the lake, by whom, and how much may be."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _counted() -> list[sa.Column[int]]:
    names = ("requests", "egress", "ingress", "compute")
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "usage",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("account", sa.String(255), primary_key=True),
        sa.Column("node", _ID, primary_key=True, autoincrement=False),
        sa.Column("api", sa.String(64), primary_key=True),
        *_counted(),
    )
    op.create_table(
        "usage_months",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        *_counted(),
    )
    op.create_table(
        "usage_limits",
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("metric", sa.String(16), primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
