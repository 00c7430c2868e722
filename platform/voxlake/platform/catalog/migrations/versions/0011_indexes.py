"""Indexes of what is looked for in large catalogs: labels of an image, jobs of a dataset."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    for table, column in (("datasets", "of"), ("datasets", "url"), ("jobs", "node")):
        op.create_index(f"ix_{table}_{column}", table, [column])
