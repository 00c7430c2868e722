"""Tasks of a job that clients share, each for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "task_leases",
        sa.Column("stage", sa.Integer, sa.ForeignKey("stages.id"), nullable=False),
        sa.Column("task", _BIG, nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("stage", "task", name="pk_task_leases"),
        sqlite_with_rowid=False,
    )
