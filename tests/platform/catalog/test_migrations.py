"""A catalog of any released schema, with rows in every table, becomes one of this version.

Rows are put into all tables as they were after each migration, so that the next ones meet what all
before them could hold; a copy is kept of each schema, and opened.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Column,
    MetaData,
    Table,
    insert,
    make_url,
    select,
)
from tests.servers.postgres import create_database

from voxlake.platform.access import Permission, Principal
from voxlake.platform.catalog import DatasetRecord, DatasetState, open_catalog
from voxlake.platform.catalog import tables as catalog_tables
from voxlake.platform.catalog.migrate import REVISIONS
from voxlake.platform.database import Database, open_database
from voxlake.platform.jobs import tables as job_tables
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.tree import nodes
from voxlake.platform.nodes.words import words
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

NOON = datetime(2026, 3, 4, 12, 30, 15, 123456, tzinfo=UTC)
WORDS: dict[tuple[str, str], object] = {
    ("datasets", "kind"): "image",
    ("datasets", "of"): None,
    ("datasets", "state"): "ready",
    ("grants", "role"): "viewer",
    ("jobs", "kind"): "ingest",
    ("jobs", "state"): "done",
    ("jobs", "spec"): "{}",
    ("links", "box"): "",
    ("memberships", "role"): "member",
    ("nodes", "removed_at"): None,
    ("plans", "method"): "isotropic",
    ("uploads", "state"): "complete",
}
"""What means something: all else is made of the names of columns."""
TABLES = {
    **nodes.metadata.tables,
    **catalog_tables.metadata.tables,
    **job_tables.metadata.tables,
    **words.metadata.tables,
}
OURS = {"alembic_version", "lake"}
"""Tables that hold one row, which opening a catalog writes."""


@dataclass
class History:
    """A catalog that lives through all migrations, in one kind of database."""

    kind: str
    place: str
    """A folder; or the address of the server."""
    url: str = ""
    copies: dict[str, str] = field(default_factory=dict)
    """The address of what it was after each migration."""
    rows: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    """The table and the values of each row that it had then."""

    def live(self) -> None:
        """Begin with nothing, and take one migration after the other."""
        self.url = self._new("history")
        rows: list[tuple[str, dict[str, Any]]] = []
        for number, revision in enumerate(REVISIONS, 1):
            database = open_database(self.url, Settings())
            _upgrade(database, revision)
            rows += _filled(database, number)
            database.close()
            self.rows[revision], self.copies[revision] = list(rows), self._copy(revision)

    def _new(self, name: str) -> str:
        if self.kind == "postgres":
            return create_database(self.place)
        return f"sqlite:///{self.place}/{name}.sqlite"

    def _copy(self, name: str) -> str:
        if self.kind == "postgres":
            return create_database(self.place, self.url)
        before, after = (make_url(url).database or "" for url in (self.url, self._new(name)))
        shutil.copy(before, after)
        return f"sqlite:///{after}"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    place = str(tmp_path_factory.mktemp("history"))
    if request.param == "postgres":
        place = request.getfixturevalue("postgres_server")
    lived = History(request.param, place)
    lived.live()
    return lived


def _upgrade(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "voxlake.platform.catalog:migrations")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _tables(database: Database) -> list[Table]:
    """Return the tables, each after those that it points to."""
    found = MetaData()
    found.reflect(database.engine)
    return [table for table in found.sorted_tables if table.name not in OURS]


def _filled(database: Database, number: int) -> list[tuple[str, dict[str, Any]]]:
    """Put a row into every table; return the rows, with their tables."""
    rows: list[tuple[str, dict[str, Any]]] = []
    newest: dict[str, dict[str, Any]] = defaultdict(dict)
    with database.write() as connection:
        for table in _tables(database):
            for given in _given(table, number):
                row = {c.name: _value(c, number, newest) for c in table.columns} | given
                connection.execute(insert(table).values(row))
                newest[table.name] = row
                rows.append((table.name, row))
    return rows


def _given(table: Table, number: int) -> list[dict[str, Any]]:
    """Return what is fixed of the rows of a table: the names of datasets, and the tree of them."""
    names = {"collection": f"c{number}", "experiment": "e", "dataset": "d"}
    if table.name == "nodes":
        ids = [1000 * number + depth for depth in range(3)]
        nodes = zip(ids, [1, *ids], names, names.values(), strict=False)
        return [dict(zip(("id", "parent", "kind", "name"), node, strict=True)) for node in nodes]
    if table.name == "jobs" and "dataset" in table.columns:
        return [{"dataset": "/".join(names.values())}]
    return [{key: name for key, name in names.items() if key in table.columns}]


def _value(column: Column[Any], number: int, newest: dict[str, dict[str, Any]]) -> object:
    """Return a value that no other row of the column has, where it may have many."""
    table = column.table.name
    if (table, column.name) in WORDS:
        return WORDS[table, column.name]
    for key in column.foreign_keys:
        return newest[key.column.table.name].get(key.column.name)
    if column.name == "node":  # of the usage, which outlives nodes
        return newest["nodes"]["id"]
    plain: dict[type, object] = {bool: True, float: number / 2, datetime: NOON}
    plain[int] = 1000 * number if column.primary_key else number
    length = getattr(column.type, "length", None) or 64
    return plain.get(column.type.python_type, f"{number} {table} {column.name}"[:length])


@pytest.mark.parametrize("revision", REVISIONS)
def test_nothing_is_lost(history: History, revision: str, lake: StoreURL) -> None:
    settings = Settings(database_url=history.copies[revision])
    with open_catalog(lake, settings) as catalog:
        stored = _stored(catalog.database)
    for name, row in history.rows[revision]:
        kept = {key: value for key, value in row.items() if key in TABLES[name].columns}
        found = [each for each in stored[name] if each.items() >= kept.items()]
        assert len(found) == 1, (name, row)
    _check_answers(history, revision, lake)


def _stored(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.read() as connection:
        return {
            name: [row._asdict() for row in connection.execute(select(table))]
            for name, table in TABLES.items()
        }


def _check_answers(history: History, revision: str, lake: StoreURL) -> None:
    """Check that the catalog finds what was put there, and takes more."""
    count = REVISIONS.index(revision) + 1
    names = sorted(DatasetName(f"c{number}", "e", "d") for number in range(1, count + 1))
    with open_catalog(lake, Settings(database_url=history.copies[revision])) as catalog:
        assert [record.name for record in catalog.list_datasets()] == names
        assert sorted(job.dataset for job in catalog.ledger.list_jobs()) == names
        public = catalog.list_allowed(Principal("nobody"), Permission.READ)
        # Was a column of datasets before there were grants.
        assert {DatasetName("c1", "e", "d")} <= {record.name for record in public}
        new = DatasetName("new", "e", "d")
        catalog.add_dataset(
            DatasetRecord(new, "image", None, "new", DatasetState.READY, False, NOON)
        )
        catalog.metadata.put_value(new.parts, "k", "v")
        job = catalog.ledger.create_job("fsck", new, {})
        assert catalog.ledger.get_job(job.id).dataset == new
        assert catalog.get_dataset(new).created_at == NOON
