"""Titles of links and of views that are shared."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what there is has none."""
    for table in ("links", "viewer_states"):
        op.add_column(table, sa.Column("title", sa.Text, nullable=False, server_default=""))
