"""How much is stored of each dataset, as it was measured last, and how much may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from voxlake.platform.catalog.tables import stored
from voxlake.platform.catalog.usage import Metric, read_limits, subject_of
from voxlake.platform.database import now
from voxlake.platform.errors import StorageQuotaError
from voxlake.platform.nodes.tree import (
    NAME_COLUMNS,
    ROOT,
    collection,
    dataset,
    experiment,
    find_path,
    is_kept,
    join_names,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voxlake.platform.database import Database


@dataclass(frozen=True, slots=True)
class StoredSize:
    """What is stored of a dataset."""

    dataset: str
    objects: int
    bytes: int
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSizes:
    """The sizes of a lake's datasets. Its methods may be called from any thread."""

    database: Database

    def put(self, node: int, objects: int, size: int) -> None:
        """Note what was measured of a dataset."""
        row = {"node": node, "objects": objects, "bytes": size, "measured_at": now()}
        put = self.database.insert(stored).values(row)
        with self.database.write() as connection:
            connection.execute(put.on_conflict_do_update(index_elements=["node"], set_=row))

    def sizes(self) -> list[StoredSize]:
        """Return what was measured of datasets that are there, the largest first."""
        query = join_names(select(stored, *NAME_COLUMNS), stored.c.node).where(is_kept)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(stored.c.bytes.desc(), stored.c.node)).all()
        return [
            StoredSize(str(name_of(row)), row.objects, row.bytes, row.measured_at) for row in rows
        ]

    def below(self, node: int) -> int:
        """Return the bytes of all datasets at a place and below it, the lake included."""
        query = join_names(select(func.sum(stored.c.bytes)), stored.c.node).where(is_kept)
        if node != ROOT:
            query = query.where(or_(*(each.c.id == node for each in _LEVELS)))
        with self.database.read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def check_room(self, names: Sequence[str]) -> None:
        """Raise StorageQuotaError if a place, or one above it, holds all that it may.

        Parameters
        ----------
        names
            From the collection down; those that are not there yet hold nothing.
        """
        limits = read_limits(self.database)
        if not any(metric is Metric.STORED for _, metric in limits):
            return
        with self.database.read() as connection:
            path = find_path(connection, *names)
        for depth, node in enumerate(path):
            limit = limits.get((subject_of(node), Metric.STORED))
            if limit is not None and (held := self.below(node)) >= limit:
                raise _full("/".join(names[:depth]), held, limit)


_LEVELS = (collection, experiment, dataset)


def _full(place: str, held: int, limit: int) -> StorageQuotaError:
    subject, what = (f"place:{place}", place) if place else ("system", "the lake")
    return StorageQuotaError(
        f"{what} holds {held} bytes, and may hold {limit}; delete what is not needed and measure "
        "anew (voxlake rm, voxlake usage measure), or ask an administrator for more: "
        f"voxlake usage limit {subject} stored AMOUNT"
    )
