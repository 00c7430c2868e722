"""Links that let whoever holds them read one dataset."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "links",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("serial", sa.String(32), nullable=False, unique=True),
        sa.Column("user", _ID, sa.ForeignKey("users.id")),
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), nullable=False, index=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("finest_level", sa.Integer(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT),
        sqlite_autoincrement=True,
    )
