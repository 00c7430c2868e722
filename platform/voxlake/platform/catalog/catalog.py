"""Open a lake's catalog, and ask and change what it knows of datasets."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import platformdirs
from sqlalchemy import ColumnElement, Row, and_, delete, insert, select, update
from sqlalchemy.engine import URL

from voxlake.platform.catalog.migrate import address_of, migrate
from voxlake.platform.catalog.record import DatasetRecord, DatasetState
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import Database, open_database
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.ledger import Ledger
from voxlake.platform.names import DatasetName
from voxlake.platform.store import check_links

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL

FILE = "catalog.sqlite"
"""Name of the embedded database."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The open catalog of one lake. Its methods may be called from any thread."""

    database: Database
    ledger: Ledger
    """The job ledger, in the same database."""

    def add_dataset(self, record: DatasetRecord) -> None:
        """Add a dataset.

        Raises
        ------
        ConflictError
            If there is one of that name.
        NotFoundError
            If labels name an image that the catalog does not have.
        """
        with self.database.write() as connection:
            if record.of is not None:
                image = _find(connection, record.name.sibling(record.of))
                if image.kind != "image":
                    raise ConflictError(
                        f"labels {record.name} cannot belong to {image.name}, which is labels "
                        "itself; name an image"
                    )
            if _select(connection, record.name) is not None:
                raise ConflictError(
                    f"dataset {record.name} exists already; choose another name or remove it first"
                )
            connection.execute(insert(datasets).values(_row_of(record)))

    def get_dataset(self, name: DatasetName) -> DatasetRecord:
        """Return the dataset; raise NotFoundError if there is none of that name."""
        with self.database.read() as connection:
            return _find(connection, name)

    def list_datasets(
        self, collection: str | None = None, experiment: str | None = None
    ) -> list[DatasetRecord]:
        """Return all datasets, or those of a collection or experiment, sorted by name."""
        wanted = {datasets.c.collection: collection, datasets.c.experiment: experiment}
        given = [column == name for column, name in wanted.items() if name is not None]
        query = select(datasets).where(*given)
        with self.database.read() as connection:
            records = [_record_of(row) for row in connection.execute(query)]
        # Sorted here: databases differ in how they compare text.
        return sorted(records, key=lambda record: record.name)

    def set_dataset_state(self, name: DatasetName, state: DatasetState) -> None:
        """Say how far the dataset is; raise NotFoundError if there is none of that name."""
        change = update(datasets).where(_is(name)).values(state=state.value)
        with self.database.write() as connection:
            if connection.execute(change).rowcount == 0:
                raise _absent(name)

    def remove_dataset(self, name: DatasetName) -> None:
        """Forget the dataset; its voxels stay on the store.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        ConflictError
            If labels still belong to it.
        """
        belongs = and_(_is_near(name), datasets.c.of == name.dataset)
        with self.database.write() as connection:
            labels = connection.execute(select(datasets.c.dataset).where(belongs)).scalars().first()
            if labels is not None:
                raise ConflictError(f"labels {labels!r} belong to image {name}; remove them first")
            if connection.execute(delete(datasets).where(_is(name))).rowcount == 0:
                raise _absent(name)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_catalog(lake: StoreURL, settings: Settings) -> Catalog:
    """Open the catalog of `lake`, making or upgrading its tables where needed.

    It is the database that ``VOXLAKE_DATABASE_URL`` names; else the SQLite file
    ``<lake>/.voxlake/catalog.sqlite`` of a local lake; else a SQLite file of this user on this
    machine.

    Raises
    ------
    StoreError
        If the database cannot be reached, is full, or refuses to be written.
    ConflictError
        If the database is the catalog of another lake.
    UnsupportedError
        If a newer voxlake made it.
    CorruptDataError
        If the file is not a database.
    """
    url = settings.database_url or _embedded(lake)
    database = open_database(url, settings)
    try:
        migrate(database, lake, owned=not settings.database_url)
    except BaseException:
        database.close()
        raise
    return Catalog(database, Ledger(database))


def _embedded(lake: StoreURL) -> URL:
    if lake.is_local:
        folder = lake.path / ".voxlake"
        check_links("open", lake / ".voxlake" / FILE)
    else:
        digest = hashlib.sha256(address_of(lake).encode()).hexdigest()[:16]
        folder = platformdirs.user_data_path("voxlake") / "lakes" / f"{lake.name}-{digest}"
    return URL.create("sqlite", database=str(folder / FILE))


def _is(name: DatasetName) -> ColumnElement[bool]:
    return and_(_is_near(name), datasets.c.dataset == name.dataset)


def _is_near(name: DatasetName) -> ColumnElement[bool]:
    """Say that a dataset is of the same experiment."""
    return and_(datasets.c.collection == name.collection, datasets.c.experiment == name.experiment)


def _select(connection: Connection, name: DatasetName) -> DatasetRecord | None:
    row = connection.execute(select(datasets).where(_is(name))).one_or_none()
    return None if row is None else _record_of(row)


def _find(connection: Connection, name: DatasetName) -> DatasetRecord:
    found = _select(connection, name)
    if found is None:
        raise _absent(name)
    return found


def _absent(name: DatasetName) -> NotFoundError:
    return NotFoundError(f"there is no dataset {name}; list what there is with 'voxlake ls'")


def _record_of(row: Row[tuple[Any, ...]]) -> DatasetRecord:
    columns = row._asdict()
    name = DatasetName(**{part.name: columns.pop(part.name) for part in fields(DatasetName)})
    return DatasetRecord(name, **columns | {"state": DatasetState(row.state)})


def _row_of(record: DatasetRecord) -> dict[str, object]:
    columns = asdict(record)
    return {**columns.pop("name"), **columns, "state": record.state.value}
