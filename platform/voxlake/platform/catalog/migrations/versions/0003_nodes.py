"""Names are a tree of nodes; datasets and jobs point into it."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_datasets = sa.table(
    "datasets",
    sa.column("collection", sa.String),
    sa.column("experiment", sa.String),
    sa.column("dataset", sa.String),
    sa.column("of", sa.String),
    sa.column("kind", sa.String),
    sa.column("url", sa.Text),
    sa.column("state", sa.String),
    sa.column("public", sa.Boolean),
    sa.column("created_at", _MOMENT),
)
_jobs = sa.table(
    "jobs", sa.column("id", sa.String), sa.column("dataset", sa.Text), sa.column("node", _ID)
)

type _Path = tuple[str, ...]
type _Row = sa.Row[tuple[Any, ...]]


def upgrade() -> None:
    """Make the tree, and let datasets and jobs point into it."""
    connection = op.get_bind()
    datasets = connection.execute(sa.select(_datasets)).all()
    rows = connection.execute(sa.select(_jobs.c.id, _jobs.c.dataset))
    jobs = {row.id: tuple(row.dataset.split("/")) for row in rows}
    nodes = _make_nodes([*map(_path_of, datasets), *jobs.values()])
    _make_datasets(datasets, nodes)
    _point_jobs(jobs, nodes)


def _make_nodes(paths: Iterable[_Path]) -> dict[_Path, int]:
    table = op.create_table(
        "nodes",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("parent", _ID, sa.ForeignKey("nodes.id")),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("removed_at", _MOMENT),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_nodes_parent_name",
        "nodes",
        ["parent", "name"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    nodes: dict[_Path, int] = {}
    for path in sorted({path[:end] for path in [*paths, ()] for end in range(4)}, key=len):
        new = sa.insert(table).values(
            parent=nodes[path[:-1]] if path else None,
            kind=("lake", "collection", "experiment", "dataset")[len(path)],
            name=path[-1] if path else "",
            created_at=sa.func.current_timestamp(),
        )
        nodes[path] = op.get_bind().execute(new.returning(table.c.id)).scalar_one()
    return nodes


def _make_datasets(rows: Sequence[_Row], nodes: dict[_Path, int]) -> None:
    op.drop_table("datasets")
    table = op.create_table(
        "datasets",
        sa.Column("node", _ID, sa.ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("of", _ID, sa.ForeignKey("datasets.node")),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    kept = ("kind", "url", "state", "public", "created_at")
    for row in sorted(rows, key=lambda row: row.of is not None):  # images before their labels
        new = {name: getattr(row, name) for name in kept} | {"node": nodes[_path_of(row)]}
        if row.of is not None:
            new["of"] = nodes[row.collection, row.experiment, row.of]
        op.get_bind().execute(sa.insert(table).values(new))


def _path_of(row: _Row) -> _Path:
    return row.collection, row.experiment, row.dataset


def _point_jobs(jobs: dict[str, _Path], nodes: dict[_Path, int]) -> None:
    op.drop_index("uq_jobs_running_dataset", "jobs")
    # In words: Alembic adds no column that refers to another table to one of SQLite.
    kind = _ID.compile(op.get_bind().dialect)
    op.execute(f"ALTER TABLE jobs ADD COLUMN node {kind} REFERENCES nodes (id)")
    for job, path in jobs.items():
        op.get_bind().execute(sa.update(_jobs).where(_jobs.c.id == job).values(node=nodes[path]))
    op.create_index(
        "uq_jobs_running_node",
        "jobs",
        ["node"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.drop_column("jobs", "dataset")
