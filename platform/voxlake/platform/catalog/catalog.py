"""Open a lake's catalog, and ask and change what it knows of datasets."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import platformdirs
from sqlalchemy import ColumnElement, Row, and_, delete, insert, select, update
from sqlalchemy.engine import URL

from voxlake.platform.catalog.migrate import address_of, migrate
from voxlake.platform.catalog.read_only import check_revision, is_writable, read_only_url
from voxlake.platform.catalog.record import DatasetRecord, DatasetState
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import Database, open_database
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.histories import drop_history, move_history
from voxlake.platform.jobs.ledger import Ledger
from voxlake.platform.names import DatasetName
from voxlake.platform.store.local import check_links

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
            If there is one of that name, or another lies where it would.
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
            _require_free(connection, record.name)
            there = select(datasets).where(datasets.c.url == record.url)
            if other := connection.execute(there).first():
                raise ConflictError(
                    f"{record.name} would lie at {record.url}, where {_record_of(other).name} is; "
                    "choose another name"
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

    def labels_of(self, image: DatasetName) -> list[DatasetRecord]:
        """Return the labels that belong to an image, sorted by name."""
        near = self.list_datasets(image.collection, image.experiment)
        return [record for record in near if record.of == image.dataset]

    def set_dataset_state(self, name: DatasetName, state: DatasetState) -> None:
        """Say how far the dataset is; raise NotFoundError if there is none of that name."""
        self._change(name, state=state.value)

    def set_public(self, name: DatasetName, *, public: bool) -> None:
        """Say whether everybody may read it; raise NotFoundError if there is none."""
        self._change(name, public=public)

    def _change(self, name: DatasetName, **columns: object) -> None:
        change = update(datasets).where(_is(name)).values(columns)
        with self.database.write() as connection:
            if connection.execute(change).rowcount == 0:
                raise _absent(name)

    def move_dataset(self, name: DatasetName, to: DatasetName) -> None:
        """Give the dataset another name; its labels and its jobs go with it, its voxels stay.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        ConflictError
            If a new name is taken, if a job is unfinished, or if labels would leave the experiment
            of their image.
        """
        with self.database.write() as connection:
            record = _find(connection, name)
            if record.of is not None and to.sibling(name.dataset) != name:
                raise ConflictError(
                    f"labels {name} belong to image {record.of!r} and stay in its experiment; "
                    f"rename them there, or move the image, with which they go"
                )
            _require_free(connection, to)
            connection.execute(insert(datasets).values(_row_of(replace(record, name=to))))
            for labels in connection.execute(select(datasets).where(_belongs(name))).all():
                _move_labels(connection, _record_of(labels), to)
            connection.execute(delete(datasets).where(_is(name)))
            move_history(connection, name, to)

    def remove_dataset(self, name: DatasetName) -> None:
        """Forget the dataset and its jobs, but for one that runs; its voxels stay on the store.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        ConflictError
            If labels still belong to it.
        """
        with self.database.write() as connection:
            belonging = select(datasets.c.dataset).where(_belongs(name))
            labels = connection.execute(belonging).scalars().first()
            if labels is not None:
                raise ConflictError(f"labels {labels!r} belong to image {name}; remove them first")
            if connection.execute(delete(datasets).where(_is(name))).rowcount == 0:
                raise _absent(name)
            drop_history(connection, name)

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
    ``<lake>/.voxlake/catalog.sqlite`` of a local lake; else, and for a folder that has none and
    cannot be written, a SQLite file of this user on this machine. One in a folder that cannot be
    written is read as it is.

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
        if isinstance(url, URL) and url.query:
            check_revision(database)
        else:
            migrate(database, lake, owned=not settings.database_url)
    except BaseException:
        database.close()
        raise
    return Catalog(database, Ledger(database))


def _embedded(lake: StoreURL) -> URL:
    if lake.is_local:
        file = lake.path / ".voxlake" / FILE
        check_links("open", lake / ".voxlake" / FILE)
        if is_writable(file) or not file.parent.is_dir():
            return URL.create("sqlite", database=str(file))
        if file.exists():
            return read_only_url(file)
    digest = hashlib.sha256(address_of(lake).encode()).hexdigest()[:16]
    folder = platformdirs.user_data_path("voxlake") / "lakes" / f"{lake.name}-{digest}"
    return URL.create("sqlite", database=str(folder / FILE))


def _is(name: DatasetName) -> ColumnElement[bool]:
    return and_(_is_near(name), datasets.c.dataset == name.dataset)


def _is_near(name: DatasetName) -> ColumnElement[bool]:
    """Say that a dataset is of the same experiment."""
    return and_(datasets.c.collection == name.collection, datasets.c.experiment == name.experiment)


def _belongs(image: DatasetName) -> ColumnElement[bool]:
    """Say that a dataset is labels of an image."""
    return and_(_is_near(image), datasets.c.of == image.dataset)


def _move_labels(connection: Connection, labels: DatasetRecord, image: DatasetName) -> None:
    """Let labels go with their image, which has the name `image` by now."""
    name = image.sibling(labels.name.dataset)
    if name != labels.name:
        _require_free(connection, name)
    row = _row_of(replace(labels, name=name, of=image.dataset))
    connection.execute(update(datasets).where(_is(labels.name)).values(row))
    move_history(connection, labels.name, name)


def _require_free(connection: Connection, name: DatasetName) -> None:
    if _select(connection, name) is not None:
        raise ConflictError(
            f"dataset {name} exists already; choose another name, or remove it first with: "
            f"voxlake rm {name}"
        )


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
