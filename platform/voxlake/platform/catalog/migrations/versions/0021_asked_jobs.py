"""Who asked for a job over HTTP."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("jobs", sa.Column("user", _ID))
    op.add_column("jobs", sa.Column("by", sa.String(255), nullable=False, server_default=""))
