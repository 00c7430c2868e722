"""What clients of boss-ingest upload."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "uploads",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("serial", sa.String(32), nullable=False, unique=True),
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), nullable=False, index=True),
        sa.Column("user", _ID, sa.ForeignKey("users.id"), index=True),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("z_start", _ID, nullable=False),
        sa.Column("y_start", _ID, nullable=False),
        sa.Column("x_start", _ID, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sqlite_autoincrement=True,
    )
