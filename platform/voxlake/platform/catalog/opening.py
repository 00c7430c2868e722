"""Open the catalog of a lake: the database that it is in, made or upgraded where needed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import platformdirs
from sqlalchemy.engine import URL

from voxlake.platform.catalog.catalog import Catalog
from voxlake.platform.catalog.migrate import address_of, migrate
from voxlake.platform.catalog.read_only import check_revision, is_writable, read_only_url
from voxlake.platform.database import open_database
from voxlake.platform.jobs.ledger import Ledger
from voxlake.platform.processes import login_name
from voxlake.platform.store.allowed.stores import MARK
from voxlake.platform.store.local.files import check_links

if TYPE_CHECKING:
    from voxlake.platform.database import Database
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL

FILE = "catalog.sqlite"
"""Name of the embedded database."""


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
    url = _url_of(lake, settings)
    database = open_database(url, settings)
    try:
        if isinstance(url, URL) and url.query:
            check_revision(database)
        else:
            migrate(database, lake, owned=not settings.database_url)
    except BaseException:
        database.close()
        raise
    return Catalog(database, login_name(), Ledger(database))


def catalog_database(lake: StoreURL, settings: Settings) -> Database:
    """Return the database of the catalog of `lake` as it is; the caller closes it.

    Raises
    ------
    InvalidInputError
        If its address is none.
    """
    return open_database(_url_of(lake, settings), settings)


def _url_of(lake: StoreURL, settings: Settings) -> str | URL:
    return settings.database_url.get_secret_value() if settings.database_url else _embedded(lake)


def _embedded(lake: StoreURL) -> URL:
    if lake.is_local:
        file = lake.path / MARK / FILE
        check_links("open", lake / MARK / FILE)
        if is_writable(file) or not file.parent.is_dir():
            return URL.create("sqlite", database=str(file))
        if file.exists():
            return read_only_url(file)
    digest = hashlib.sha256(address_of(lake).encode()).hexdigest()[:16]
    folder = platformdirs.user_data_path("voxlake") / "lakes" / f"{lake.name}-{digest}"
    return URL.create("sqlite", database=str(folder / FILE))
