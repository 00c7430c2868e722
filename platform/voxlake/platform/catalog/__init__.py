"""The catalog: which datasets a lake has, what state they are in, and the job ledger.

What can be derived from the store (levels, extents, dtypes) is read from it and never kept here.
"""

from voxlake.platform.catalog.catalog import Catalog
from voxlake.platform.catalog.data.record import DatasetRecord, DatasetState, Kind
from voxlake.platform.catalog.opening import open_catalog

__all__ = ["Catalog", "DatasetRecord", "DatasetState", "Kind", "open_catalog"]
