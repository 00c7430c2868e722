"""Whom an issuer speaks of, and which groups stand for its own."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(1024), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("user", _ID, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.add_column("groups", sa.Column("claim", sa.String(1024)))
    op.create_index("ix_groups_claim", "groups", ["claim"], unique=True)
