"""What new datasets of an experiment are made by, and how one is first shown."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "plans",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
        sa.Column("levels", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("time_step", sa.Integer()),
        sa.Column("time_unit", sa.String(16), nullable=False),
    )
    op.create_table(
        "first_shown",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("time", sa.Integer(), nullable=False),
    )
