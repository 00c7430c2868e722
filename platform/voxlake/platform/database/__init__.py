"""The SQL database under the catalog and the job ledger: SQLite or PostgreSQL."""

from voxlake.platform.database.connection import Database, open_database
from voxlake.platform.database.moment import Moment, now

__all__ = ["Database", "Moment", "now", "open_database"]
