"""Jobs are leased to their runners; stages tell how far they are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns, and the rule that one job at a time runs on a dataset."""
    _lease_jobs()
    _count_stages()


def _lease_jobs() -> None:
    for column in (
        sa.Column("machine", sa.Text()),
        sa.Column("fence", _BIG, nullable=False, server_default="0"),
        sa.Column("lease_until", _MOMENT),
        sa.Column("queued_at", _MOMENT),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("losses", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("jobs", column)
    # Runners of before had no lease: whatever they left behind has to be gone on with by hand.
    op.execute("UPDATE jobs SET state = 'interrupted' WHERE state = 'running'")
    op.create_index(
        "uq_jobs_running_dataset",
        "jobs",
        ["dataset"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )


def _count_stages() -> None:
    for name in ("voxels", "done", "failed", "voxels_done", "bytes_done"):
        op.add_column("stages", sa.Column(name, _BIG, nullable=False, server_default="0"))
    op.add_column("stages", sa.Column("tasks_per_s", sa.Float(53)))
    op.execute(
        "UPDATE stages SET done = "
        "(SELECT count(*) FROM done_tasks WHERE done_tasks.stage = stages.id)"
    )
