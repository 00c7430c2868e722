"""States of the viewer that people share."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "viewer_states",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("serial", sa.String(32), nullable=False, unique=True),
        sa.Column("user", _ID, sa.ForeignKey("users.id"), index=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("for_users", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False, index=True),
        sqlite_autoincrement=True,
    )
