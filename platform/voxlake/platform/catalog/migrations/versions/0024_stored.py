"""How much is stored of each dataset, as it was measured last."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "stored",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
        sa.Column("objects", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("measured_at", _MOMENT, nullable=False),
    )
