"""The first tables: the lake, its datasets, the job ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_datasets()
    _make_jobs()
    _make_tasks()


def _make_datasets() -> None:
    op.create_table(
        "lake",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("url", sa.Text(), nullable=False),
    )
    op.create_table(
        "datasets",
        sa.Column("collection", sa.String(255), nullable=False),
        sa.Column("experiment", sa.String(255), nullable=False),
        sa.Column("dataset", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("of", sa.String(255)),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("collection", "experiment", "dataset", name="pk_datasets"),
        sa.ForeignKeyConstraint(
            ["collection", "experiment", "of"],
            ["datasets.collection", "datasets.experiment", "datasets.dataset"],
            name="fk_datasets_of",
        ),
    )


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("host", sa.Text()),
        sa.Column("pid", sa.Integer()),
        sa.Column("pid_started", sa.Float(53)),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "stages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("job", sa.String(26), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("tasks", _BIG, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.UniqueConstraint("job", "name", name="uq_stages_job_name"),
    )


def _make_tasks() -> None:
    op.create_table(
        "done_tasks",
        sa.Column("stage", sa.Integer(), sa.ForeignKey("stages.id"), nullable=False),
        sa.Column("task", _BIG, nullable=False),
        sa.Column("result", sa.Text()),
        sa.PrimaryKeyConstraint("stage", "task", name="pk_done_tasks"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "failed_tasks",
        sa.Column("stage", sa.Integer(), sa.ForeignKey("stages.id"), nullable=False),
        sa.Column("task", _BIG, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stage", "task", name="pk_failed_tasks"),
        sqlite_with_rowid=False,
    )
