"""The ledger's tables. A change here needs a migration; a test holds the two together.

Only tasks that are done or have failed are rows, so a job of a million tasks costs one row to
begin.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from voxlake.platform.database import Moment
from voxlake.platform.nodes.tree import ID, nodes

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("spec", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("host", Text),
    Column("pid", Integer),
    Column("pid_started", Float(53)),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("machine", Text),
    Column("fence", ID, nullable=False),
    Column("lease_until", Moment),
    Column("queued_at", Moment),
    Column("cancel_asked", Boolean, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("traceparent", String(55)),
    # SQLite adds no reference to a table that may not be null; there is always one.
    Column("node", ID, ForeignKey(nodes.c.id), index=True),
    Column("user", ID),
    Column("by", String(255), nullable=False, server_default=""),
    Column("dashboard", Text),
)

Index(
    "uq_jobs_running_node",
    jobs.c.node,
    unique=True,
    sqlite_where=text("state = 'running'"),
)
"""The database itself sees to it that one job at a time runs on a dataset. On PostgreSQL, too: the
migration that makes it says so; said here, it would load PostgreSQL's dialect in every process."""

stages = Table(
    "stages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String(26), ForeignKey("jobs.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("tasks", ID, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("voxels", ID, nullable=False),
    Column("done", ID, nullable=False),
    Column("failed", ID, nullable=False),
    Column("voxels_done", ID, nullable=False),
    Column("bytes_done", ID, nullable=False),
    Column("tasks_per_s", Float(53)),
    UniqueConstraint("job", "name", name="uq_stages_job_name"),
)

done_tasks = Table(
    "done_tasks",
    metadata,
    Column("stage", Integer, ForeignKey("stages.id"), nullable=False),
    Column("task", ID, nullable=False),
    Column("result", Text),
    PrimaryKeyConstraint("stage", "task", name="pk_done_tasks"),
    sqlite_with_rowid=False,
)

task_leases = Table(
    "task_leases",
    metadata,
    Column("stage", Integer, ForeignKey("stages.id"), nullable=False),
    Column("task", ID, nullable=False),
    Column("holder", String(64), nullable=False),
    Column("until", Moment, nullable=False),
    PrimaryKeyConstraint("stage", "task", name="pk_task_leases"),
    sqlite_with_rowid=False,
)
"""Tasks that clients have taken and not done (see `voxlake.platform.jobs.sharing`)."""

failed_tasks = Table(
    "failed_tasks",
    metadata,
    Column("stage", Integer, ForeignKey("stages.id"), nullable=False),
    Column("task", ID, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("traceback", Text, nullable=False),
    PrimaryKeyConstraint("stage", "task", name="pk_failed_tasks"),
    sqlite_with_rowid=False,
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(64), nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("job", String(26)),
)
"""Workers that have been heard of, each for as long as it lives; `job` is the one it works on."""
