"""Which groups an issuer said that somebody had, and when it did so last."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("identities", sa.Column("claimed", sa.Text, nullable=False, server_default=""))
    op.add_column("identities", sa.Column("claimed_at", sa.DateTime(timezone=True)))
