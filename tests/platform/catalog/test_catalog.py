"""The catalog, on SQLite and on PostgreSQL: the same answers, clear refusals."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from tests.servers.processes import free_ports
from tests.servers.refusing import refusing_postgres

from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState, open_catalog
from voxlake.platform.catalog import tables as catalog_tables
from voxlake.platform.catalog.migrate import REVISIONS
from voxlake.platform.database import Database, open_database
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    InvalidInputError,
    NotFoundError,
    StoreError,
    StoreFullError,
    StoreLinkError,
    StoreReadOnlyError,
    StoreUnavailableError,
    UnsupportedError,
)
from voxlake.platform.jobs import tables as job_tables
from voxlake.platform.jobs.record import JobState, StageRecord
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.tree import nodes
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 4, 12, 30, 15, 123456, tzinfo=UTC)


def image(name: str) -> DatasetRecord:
    parsed = DatasetName.parse(name)
    return DatasetRecord(
        parsed, "image", None, f"{name}.ome.zarr", DatasetState.INGESTING, public=False,
        created_at=NOON,
    )  # fmt: skip


def labels(name: str, of: str | None) -> DatasetRecord:
    return replace(image(name), kind="labels", of=of)


def test_what_is_added_is_found(catalog: Catalog) -> None:
    records = [image("c/e/em"), labels("c/e/seg", "em"), labels("c/e/alone", None)]
    for record in records:
        catalog.add_dataset(record)
    for record in records:
        assert catalog.get_dataset(record.name) == record
    assert catalog.list_datasets() == sorted(records, key=lambda record: record.name)


def test_lists_by_collection_and_experiment_in_order(catalog: Catalog) -> None:
    names = ["b/e/x", "B/e/x", "a/f/x", "a/e/y", "a/e/Z", "a-1/e/x"]
    for name in names:
        catalog.add_dataset(image(name))
    assert [str(one.name) for one in catalog.list_datasets()] == [
        str(name) for name in sorted(map(DatasetName.parse, names))
    ]
    assert [str(one.name) for one in catalog.list_datasets("a")] == ["a/e/Z", "a/e/y", "a/f/x"]
    assert [str(one.name) for one in catalog.list_datasets("a", "e")] == ["a/e/Z", "a/e/y"]
    assert catalog.list_datasets("none") == []


def test_a_name_is_taken_once_and_free_when_removed(catalog: Catalog) -> None:
    catalog.add_dataset(image("c/e/em"))
    with pytest.raises(ConflictError, match="exists already"):
        catalog.add_dataset(image("c/e/em"))
    catalog.add_dataset(image("c/e/EM"))
    catalog.remove_dataset(DatasetName.parse("c/e/em"))
    catalog.add_dataset(image("c/e/em"))


def test_states_change(catalog: Catalog) -> None:
    catalog.add_dataset(image("c/e/em"))
    for state in DatasetState:
        catalog.set_dataset_state(DatasetName.parse("c/e/em"), state)
        assert catalog.get_dataset(DatasetName.parse("c/e/em")).state is state


def test_what_is_not_there(catalog: Catalog) -> None:
    name = DatasetName.parse("c/e/no")
    with pytest.raises(NotFoundError, match="c/e/no"):
        catalog.get_dataset(name)
    with pytest.raises(NotFoundError, match="c/e/no"):
        catalog.set_dataset_state(name, DatasetState.READY)
    with pytest.raises(NotFoundError, match="c/e/no"):
        catalog.remove_dataset(name)
    with pytest.raises(NotFoundError, match="c/e/em"):
        catalog.add_dataset(labels("c/e/seg", "em"))
    assert catalog.list_datasets() == []


def test_labels_hold_on_to_their_image(catalog: Catalog) -> None:
    catalog.add_dataset(image("c/e/em"))
    catalog.add_dataset(labels("c/e/seg", "em"))
    with pytest.raises(ConflictError, match="seg"):
        catalog.remove_dataset(DatasetName.parse("c/e/em"))
    with pytest.raises(ConflictError, match="labels itself"):
        catalog.add_dataset(labels("c/e/more", "seg"))
    catalog.remove_dataset(DatasetName.parse("c/e/seg"))
    catalog.remove_dataset(DatasetName.parse("c/e/em"))


def test_two_datasets_never_lie_in_one_place(catalog: Catalog) -> None:
    catalog.add_dataset(image("c/e/em"))
    with pytest.raises(ConflictError, match="where c/e/em is"):
        catalog.add_dataset(replace(image("c/e/other"), url="c/e/em.ome.zarr"))


@pytest.mark.parametrize("to", ["c/e/raw", "c/f/em", "d/e/raw"])
def test_labels_and_jobs_go_with_an_image_that_is_renamed(catalog: Catalog, to: str) -> None:
    em, new = DatasetName.parse("c/e/em"), DatasetName.parse(to)
    records = [image("c/e/em"), labels("c/e/seg", "em"), labels("c/e/alone", None)]
    for record in records:
        catalog.add_dataset(record)
    for name in (em, em.sibling("seg")):
        job = catalog.ledger.create_job("ingest", name, {"of": None})
        catalog.ledger.set_state(catalog.ledger.claim(job.id), JobState.DONE)
    catalog.move_dataset(em, new)
    moved = [
        replace(records[0], name=new),
        replace(records[1], name=new.sibling("seg"), of=new.dataset),
        records[2],
    ]
    assert catalog.list_datasets() == sorted(moved, key=lambda record: record.name)
    assert catalog.labels_of(new) == [moved[1]]
    for old, name in ((em, new), (em.sibling("seg"), new.sibling("seg"))):
        assert len(catalog.ledger.jobs_of(name)) == 1
        assert old == name or catalog.ledger.jobs_of(old) == []
    catalog.move_dataset(new, em)
    assert catalog.list_datasets() == sorted(records, key=lambda record: record.name)


def test_a_name_that_is_taken_is_not_given_again(catalog: Catalog) -> None:
    records = [image("c/e/em"), labels("c/e/seg", "em"), image("c/e/raw"), image("d/e/seg")]
    for record in records:
        catalog.add_dataset(record)
    em = DatasetName.parse("c/e/em")
    for to, taken in (("c/e/raw", "c/e/raw"), ("c/e/em", "c/e/em"), ("d/e/em", "d/e/seg")):
        with pytest.raises(ConflictError, match=f"{taken} exists already"):
            catalog.move_dataset(em, DatasetName.parse(to))
    with pytest.raises(ConflictError, match="stay in its experiment"):
        catalog.move_dataset(em.sibling("seg"), DatasetName.parse("d/e/cells"))
    with pytest.raises(NotFoundError, match="c/e/none"):
        catalog.move_dataset(em.sibling("none"), DatasetName.parse("d/e/none"))
    assert catalog.list_datasets() == sorted(records, key=lambda record: record.name)
    catalog.move_dataset(em.sibling("seg"), em.sibling("cells"))
    assert catalog.get_dataset(em.sibling("cells")).url == records[1].url


@pytest.mark.parametrize(
    ("on", "of"), [("em", None), ("seg", "em"), ("coming", "em")], ids=["on", "labels", "to come"]
)
def test_nothing_is_renamed_that_a_job_knows_by_its_name(
    catalog: Catalog, on: str, of: str | None
) -> None:
    em = DatasetName.parse("c/e/em")
    for record in (image("c/e/em"), labels("c/e/seg", "em")):
        catalog.add_dataset(record)
    catalog.ledger.create_job("ingest", em.sibling("other"), {"of": None})
    job = catalog.ledger.create_job("ingest", em.sibling(on), {"of": of}).id
    with pytest.raises(ConflictError, match=f"resume {job}.*cancel {job}"):
        catalog.move_dataset(em, DatasetName.parse("d/e/raw"))
    assert {record.name.collection for record in catalog.list_datasets()} == {"c"}
    catalog.ledger.cancel(job)
    catalog.move_dataset(em, DatasetName.parse("d/e/raw"))


def test_what_jobs_did_to_a_dataset_is_not_of_the_next_of_its_name(catalog: Catalog) -> None:
    catalog.add_dataset(image("c/e/em"))
    em, ledger = DatasetName.parse("c/e/em"), catalog.ledger
    for name, state in ((em, JobState.DONE), (em, JobState.FAILED), (em.sibling("o"), "done")):
        claim = ledger.claim(ledger.create_job("ingest", name, {}).id)
        ledger.begin_stage(claim, StageRecord("ingest", 2, "plan"))
        ledger.record_failure(claim, "ingest", 0, "no")
        ledger.record_done(claim, "ingest", {1: {}})
        ledger.set_state(claim, JobState(state))
    remover = ledger.claim(ledger.create_job("remove", em, {}).id)
    catalog.remove_dataset(em)
    catalog.add_dataset(image("c/e/em"))
    assert ledger.jobs_of(em) == []
    assert [(str(job.dataset), job.kind, job.state) for job in ledger.list_jobs()] == [
        ("c/e/em", "remove", JobState.RUNNING),
        ("c/e/o", "ingest", JobState.DONE),
        ("c/e/em", "ingest", JobState.CANCELLED),
        ("c/e/em", "ingest", JobState.DONE),
    ]
    ledger.set_state(remover, JobState.DONE)
    for job in ledger.list_jobs()[1:]:
        kept = job.dataset != em
        assert ledger.count_done(job.id, "ingest") == len(ledger.failures(job.id)) == kept
    with pytest.raises(ConflictError, match="cancelled"):
        ledger.claim(ledger.list_jobs()[2].id)


def test_what_is_said_of_a_dataset_hangs_on_its_node(catalog: Catalog) -> None:
    em = DatasetName.parse("c/e/em")
    catalog.add_dataset(image("c/e/em"))
    catalog.add_dataset(labels("c/e/seg", "em"))
    before = _nodes(catalog)
    catalog.move_dataset(em, em.sibling("raw"))
    changed = {number: row for number, row in _nodes(catalog).items() if before[number] != row}
    assert changed == {catalog.get_dataset(em.sibling("raw")).node: ("dataset", "raw", False)}
    catalog.remove_dataset(em.sibling("seg"))
    catalog.add_dataset(labels("c/e/seg", "raw"))
    now = catalog.get_dataset(em.sibling("seg")).node
    assert now is not None
    assert now > max(before)


def _nodes(catalog: Catalog) -> dict[int, tuple[str, str, bool]]:
    with catalog.database.read() as connection:
        rows = connection.execute(select(nodes)).all()
    return {row.id: (row.kind, row.name, row.removed_at is not None) for row in rows}


def test_a_name_that_a_job_is_to_fill_is_not_given_to_another(catalog: Catalog) -> None:
    em = DatasetName.parse("c/e/em")
    catalog.add_dataset(image("c/e/em"))
    job = catalog.ledger.create_job("ingest", em.sibling("raw"), {"of": None}).id
    with pytest.raises(ConflictError, match=f"is to make c/e/raw.*cancel {job}"):
        catalog.move_dataset(em, em.sibling("raw"))
    catalog.ledger.cancel(job)
    catalog.move_dataset(em, em.sibling("raw"))
    assert catalog.ledger.jobs_of(em.sibling("raw")) == []


def test_many_make_the_same_names_at_once(catalog: Catalog) -> None:
    names = [DatasetName("new", "e", f"d{number % 3}") for number in range(12)]
    with ThreadPoolExecutor(12) as threads:
        jobs = list(threads.map(lambda name: catalog.ledger.create_job("x", name, {}), names))
    assert [job.dataset for job in jobs] == names
    assert sorted(name for _, name, _ in _nodes(catalog).values()) == [
        "", "d0", "d1", "d2", "e", "new",
    ]  # fmt: skip


def test_it_is_said_who_may_read(catalog: Catalog) -> None:
    catalog.add_dataset(image("c/e/em"))
    em = DatasetName.parse("c/e/em")
    for public in (True, False, False):
        catalog.set_public(em, public=public)
        assert catalog.get_dataset(em).public is public
    with pytest.raises(NotFoundError, match="c/e/no"):
        catalog.set_public(em.sibling("no"), public=True)


def test_a_record_makes_sense_or_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="only labels"):
        replace(image("c/e/em"), of="other")
    with pytest.raises(InvalidInputError, match="time zone"):
        replace(image("c/e/em"), created_at=NOON.replace(tzinfo=None))


def test_moments_are_kept_to_the_microsecond_in_any_zone(catalog: Catalog) -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-7)))
    catalog.add_dataset(replace(image("c/e/em"), created_at=there))
    found = catalog.get_dataset(DatasetName.parse("c/e/em")).created_at
    assert (found, found.tzinfo) == (NOON, UTC)


def test_it_outlives_the_process_and_opens_again(lake: StoreURL, any_database: Settings) -> None:
    with open_catalog(lake, any_database) as first:
        first.add_dataset(image("c/e/em"))
    with open_catalog(lake, any_database) as second:
        assert second.list_datasets() == [image("c/e/em")]


def test_migrations_make_the_tables_that_the_code_uses(catalog: Catalog) -> None:
    with catalog.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        metadata = [nodes.metadata, catalog_tables.metadata, job_tables.metadata]
        assert compare_metadata(context, metadata) == []  # type: ignore[arg-type]  # takes many
        assert context.get_current_revision() == REVISIONS[-1]


OLD_DATASETS = [
    ("c", "e", "seg", "labels", "em", "c/e/em.ome.zarr/labels/seg", "failed", False),
    ("c", "e", "em", "image", None, "c/e/em.ome.zarr", "ready", True),
    ("c", "f", "em", "image", None, "c/e/em-1.ome.zarr", "ingesting", False),
]
OLD_JOBS = [("A", "c/e/em", "done"), ("B", "c/e/seg", "running"), ("C", "d/e/new", "queued")]


def test_datasets_and_jobs_of_before_there_were_nodes(
    lake: StoreURL, new_database: Settings
) -> None:
    given = new_database.database_url
    url = given.get_secret_value() if given else f"sqlite:///{lake.path}/old.sqlite"
    settings = Settings(database_url=url)
    _make_old(open_database(url, settings))
    with open_catalog(lake, settings) as catalog:
        found = [
            (*record.name.parts, record.kind, record.of, record.url, record.state, record.public)
            for record in catalog.list_datasets()
        ]
        assert found == sorted(OLD_DATASETS, key=lambda row: row[:3])
        assert {record.created_at for record in catalog.list_datasets()} == {NOON}
        jobs = catalog.ledger.list_jobs()
        assert sorted((job.id, str(job.dataset), job.state) for job in jobs) == OLD_JOBS
        assert [job.id for job in catalog.ledger.jobs_of(DatasetName("c", "e", "em"))] == ["A"]
        catalog.add_dataset(replace(image("d/e/new"), url="elsewhere"))
        assert [job.id for job in catalog.ledger.jobs_of(DatasetName("d", "e", "new"))] == ["C"]


def _make_old(database: Database) -> None:
    """Make a catalog as it was at revision 0002."""
    config = Config()
    config.set_main_option("script_location", "voxlake.platform.catalog:migrations")
    moment = NOON if not database.is_sqlite else f"{NOON:%Y-%m-%d %H:%M:%S.%f}"
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        columns = "collection, experiment, dataset, kind, of, url, state, public, created_at"
        for row in sorted(OLD_DATASETS, key=lambda row: row[4] is not None):
            values = dict(zip("abcdefghi", (*row, moment), strict=True))
            marks = ", ".join(f":{letter}" for letter in values)
            connection.execute(text(f"INSERT INTO datasets ({columns}) VALUES ({marks})"), values)
        columns = "id, kind, dataset, state, spec, message, created_at, updated_at"
        for job, name, state in OLD_JOBS:
            values = {"job": job, "name": name, "state": state, "moment": moment}
            marks = ":job, 'ingest', :name, :state, '{}', '', :moment, :moment"
            connection.execute(text(f"INSERT INTO jobs ({columns}) VALUES ({marks})"), values)
    database.close()


def test_the_known_revisions_are_those_shipped() -> None:
    config = Config()
    config.set_main_option("script_location", "voxlake.platform.catalog:migrations")
    shipped = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(shipped)) == REVISIONS


OPEN = """
import sys
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
print("ready", flush=True)
sys.stdin.readline()
with open_catalog(StoreURL.parse(sys.argv[1]), Settings()) as catalog:
    catalog.list_datasets()
"""


def test_many_open_a_new_catalog_at_once(
    lake: StoreURL, new_database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if new_database.database_url:
        monkeypatch.setenv("VOXLAKE_DATABASE_URL", new_database.database_url.get_secret_value())
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(lake)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(lambda opener: opener.communicate("go\n")[1], openers))
    assert ends == [""] * 3


def test_a_newer_catalog_is_refused(lake: StoreURL, any_database: Settings) -> None:
    with open_catalog(lake, any_database) as opened, opened.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnsupportedError, match=r"9999.*upgrade voxlake"):
        open_catalog(lake, any_database)


def test_the_catalog_of_another_lake_is_refused(
    lake: StoreURL, memory_store: StoreURL, catalog_url: str
) -> None:
    settings = Settings(database_url=catalog_url)
    open_catalog(lake, settings).close()
    with pytest.raises(ConflictError, match="is the catalog of lake"):
        open_catalog(memory_store, settings)
    open_catalog(lake, settings).close()


@pytest.mark.folder
def test_a_lake_moves_with_its_catalog(lake: StoreURL, tmp_path: Path) -> None:
    with open_catalog(lake, Settings()) as opened:
        opened.add_dataset(image("c/e/em"))
    lake.path.rename(tmp_path / "moved")
    with open_catalog(StoreURL.parse(str(tmp_path / "moved")), Settings()) as opened:
        assert opened.list_datasets() == [image("c/e/em")]


@pytest.mark.folder
def test_where_it_lies(lake: StoreURL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_catalog(lake, Settings()).close()
    assert [path.name for path in (lake.path / ".voxlake").iterdir()] == ["catalog.sqlite"]
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for endpoint in ("http://one:1", "http://two:2"):
        open_catalog(StoreURL("s3", "b", "lake", endpoint), Settings()).close()
    assert len(list((tmp_path / "data").rglob("catalog.sqlite"))) == 2


@pytest.mark.folder
def test_it_belongs_to_its_owner_alone(lake: StoreURL) -> None:
    folder = lake.path / ".voxlake"
    for mode in (None, 0o644, 0o666):
        if mode is not None:
            (folder / "catalog.sqlite").chmod(mode)
        with open_catalog(lake, Settings()) as catalog:
            catalog.add_dataset(image(f"lab/brain/d{mode}"))
            files = sorted(folder.iterdir())
            assert [file.name for file in files][:2] == ["catalog.sqlite", "catalog.sqlite-shm"]
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.folder
def test_a_catalog_behind_a_link_is_refused(lake: StoreURL, tmp_path: Path) -> None:
    open_catalog(lake, Settings()).close()
    file = lake.path / ".voxlake/catalog.sqlite"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreLinkError, match=r"catalog\.sqlite"):
        open_catalog(lake, Settings())


@pytest.mark.folder
def test_sqlite_is_set_up_for_readers_beside_a_writer(lake: StoreURL) -> None:
    with open_catalog(lake, Settings()) as opened, opened.database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    # https://sqlite.org/pragma.html: 2 is FULL, what is committed is on the disk.
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
    assert pragmas == expected


def test_readers_go_on_while_another_writes(catalog: Catalog) -> None:
    with catalog.database.write() as connection:
        connection.execute(text("DELETE FROM datasets"))
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(catalog.list_datasets).result(timeout=25) == []


def test_an_error_takes_back_the_whole_transaction(catalog: Catalog) -> None:
    with pytest.raises(StoreError):
        _change_then_fail(catalog)
    with catalog.database.read() as connection:
        assert connection.execute(text("SELECT url FROM lake")).scalar() != "x"


def _change_then_fail(catalog: Catalog) -> None:
    with catalog.database.write() as connection:
        connection.execute(text("UPDATE lake SET url = 'x'"))
        connection.execute(text("UPDATE nonsense SET url = 'x'"))


def test_a_read_only_lake_is_said(read_only_folder: Path) -> None:
    with pytest.raises(StoreReadOnlyError, match="permissions"):
        open_catalog(StoreURL.parse(str(read_only_folder)), Settings())


def test_a_full_disk_is_said(small_folder: Path) -> None:
    lake = StoreURL.parse(str(small_folder))
    long = replace(image("c/e/em"), url="x" * 4000)
    with open_catalog(lake, Settings()) as opened:
        with pytest.raises(StoreFullError, match="free some"):
            _fill(opened, long)
        assert opened.list_datasets()


def _fill(catalog: Catalog, record: DatasetRecord) -> None:
    for number in range(1000):
        name = record.name.sibling(f"em{number}")
        catalog.add_dataset(replace(record, name=name, url=f"{number}{record.url}"))


@pytest.mark.folder
def test_a_file_that_is_no_database_is_said(lake: StoreURL) -> None:
    (lake.path / ".voxlake").mkdir()
    (lake.path / ".voxlake" / "catalog.sqlite").write_bytes(b"not a database, " * 100)
    with pytest.raises(CorruptDataError, match="backup"):
        open_catalog(lake, Settings())


@pytest.mark.folder
def test_a_locked_database_is_said(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxlake.platform.database.connection._LOCK_WAIT_S", 0.1)
    with open_catalog(lake, Settings()) as opened:
        other = sqlite3.connect(lake.path / ".voxlake" / "catalog.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="another program"):
            opened.add_dataset(image("c/e/em"))
        other.close()


@pytest.mark.parametrize("url", ["mysql://u@h/d", "oracle://h"])
def test_other_databases_are_refused(lake: StoreURL, url: str) -> None:
    with pytest.raises(UnsupportedError, match="postgresql://"):
        open_catalog(lake, Settings(database_url=url))


@pytest.mark.parametrize("url", ["nonsense", "postgresql://h:port/d"])
def test_malformed_database_urls_are_refused(lake: StoreURL, url: str) -> None:
    with pytest.raises(InvalidInputError, match="malformed"):
        open_catalog(lake, Settings(database_url=url))


def test_an_unreachable_server_is_said_without_its_password(lake: StoreURL) -> None:
    url = f"postgresql://ada:hush@127.0.0.1:{free_ports(1)[0]}/lake"
    begin = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="reachable") as caught:
        open_catalog(lake, Settings(database_url=url))
    assert time.monotonic() - begin < 30
    assert "hush" not in str(caught.value)


def test_a_server_that_never_answers_is_given_up(lake: StoreURL) -> None:
    from tests.servers.faulty import silent_server

    with silent_server() as endpoint:
        url = endpoint.replace("http://", "postgresql://ada@") + "/lake"
        begin = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            open_catalog(lake, Settings(database_url=url, store_connect_timeout_s=2))
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    "message",
    [
        "the database system is in recovery mode",
        "the database system is shutting down",
        "the database system is not yet accepting connections",
        "sorry, too many clients already",
        "das Datenbanksystem startet",
    ],
)
def test_a_server_that_refuses_for_now_is_one_that_is_away(lake: StoreURL, message: str) -> None:
    with (
        refusing_postgres(message) as url,
        pytest.raises(StoreUnavailableError, match=message),
    ):
        open_catalog(lake, Settings(database_url=url))


@pytest.mark.parametrize(
    "message",
    [
        'password authentication failed for user "someone"',
        'no pg_hba.conf entry for host "127.0.0.1", user "someone", database "lake"',
        'role "someone" does not exist',
    ],
)
def test_a_server_that_refuses_who_asks_is_not_waited_for(lake: StoreURL, message: str) -> None:
    with (
        refusing_postgres(message) as url,
        pytest.raises(StoreError, match="check user, password") as caught,
    ):
        open_catalog(lake, Settings(database_url=url))
    assert not isinstance(caught.value, StoreUnavailableError)


def test_a_database_that_is_not_there_is_said(lake: StoreURL, postgres_url: str) -> None:
    head, _, query = postgres_url.partition("?")
    url = f"{head.rpartition('/')[0]}/nowhere?{query}"
    with pytest.raises(StoreError, match="VOXLAKE_DATABASE_URL"):
        open_catalog(lake, Settings(database_url=url))


def test_a_read_only_server_is_said(lake: StoreURL, catalog_url: str) -> None:
    settings = Settings(database_url=catalog_url)
    with open_catalog(lake, settings) as opened, opened.database.write() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar()
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    with open_catalog(lake, settings) as opened, pytest.raises(StoreReadOnlyError):
        opened.add_dataset(image("c/e/em"))
