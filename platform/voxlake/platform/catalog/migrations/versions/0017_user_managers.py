"""Who adds users, besides administrators."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    told = sa.Column("is_user_manager", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("users", told)
