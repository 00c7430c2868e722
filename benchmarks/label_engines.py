"""Engines that answer where a label is: voxlake's index, and databases on the same rows.

Each returns of a label: voxels, box, chunks, shards. SQLite keeps rows by (label, shard) in one
file; DuckDB and polars read the Parquet files of voxlake's segment.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxlake.ngff.memory.cache import CACHE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.ngff.labels.table import LabelTable
    from voxlake.ngff.labels.view import View

type Answer = tuple[int, ...]
"""Voxels, z0, y0, x0, z1, y1, x1, chunks, shards."""

LINES = 100_000
"""Lines of SQLite's that are taken at a time."""

BOX = ("z0", "y0", "x0", "z1", "y1", "x1")
_EXTENT = ("sum(voxels)", *(f"{'min' if n[1] == '0' else 'max'}({n})" for n in BOX))


class Engine(Protocol):
    """One that can be asked."""

    @property
    def name(self) -> str:
        """As the tables show it."""
        ...

    def warm(self) -> None:
        """Open what stays open between questions."""
        ...

    def cool(self) -> None:
        """Forget all that was read; files may stay in the memory of the system."""
        ...

    def one(self, label: int) -> Answer:
        """Return what is known of a label."""
        ...

    def several(self, labels: npt.NDArray[np.uint64]) -> Table:
        """Return what is known of labels, ascending."""
        ...

    def everything(self) -> Table:
        """Return what is known of all labels, ascending."""
        ...

    def largest(self) -> Table:
        """Return the ten labels of most voxels."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Lines of (label, voxels, box, chunks, shards), as columns."""

    columns: tuple[npt.NDArray[Any], ...]

    def digest(self) -> str:
        """Return what two tables have in common that have the same lines in the same order."""
        found = hashlib.blake2b()
        for column in self.columns:
            found.update(np.ascontiguousarray(column, np.uint64))
        return found.hexdigest()


@dataclass
class OurIndex:
    """The label index, by a view that is made for each question or held over all of them."""

    labels: Labels
    held: bool
    view: View | None = None

    @property
    def name(self) -> str:
        """As the tables show it."""
        return "voxlake, held view" if self.held else "voxlake"

    def warm(self) -> None:
        """Make the view that is held."""
        self.view = self.labels.view() if self.held else None

    def cool(self) -> None:
        """Empty the memory of what was read."""
        self.view = None
        CACHE.clear()

    def one(self, label: int) -> Answer:
        """By `View.extent`."""
        found = (self.view or self.labels.view()).extent(label)
        return (found.voxels, *found.box.start, *found.box.stop, found.chunks, found.shards)

    def several(self, labels: npt.NDArray[np.uint64]) -> Table:
        """By `View.find`."""
        return _table((self.view or self.labels.view()).find(labels))

    def everything(self) -> Table:
        """By `View.all`."""
        return _table((self.view or self.labels.view()).all())

    def largest(self) -> Table:
        """By `View.largest`."""
        return _table((self.view or self.labels.view()).largest(10))


def _table(found: LabelTable) -> Table:
    return Table(
        (found.labels, found.voxels, *found.start.T, *found.stop.T, found.chunks, found.shards)
    )


@dataclass
class Sqlite:
    """A table WITHOUT ROWID: the rows themselves lie in the tree of the primary key."""

    file: Path
    name: str = "SQLite"
    connection: sqlite3.Connection = field(init=False)

    def build(self, pieces: Iterable[SegmentRows]) -> None:
        """Insert all rows, which come in the order of the key."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            # A key without a type is not used to find what has one.
            names = " integer, ".join(("label", "shard", "voxels", *BOX, "chunks integer"))
            connection.execute(
                f"create table rows ({names}, primary key (label, shard)) without rowid"
            )
            for rows in pieces:
                columns = [rows.labels, rows.shards, rows.voxels, *rows.start.T, *rows.stop.T]
                lines = zip(*(one.tolist() for one in (*columns, rows.chunk_counts)), strict=True)
                connection.executemany(f"insert into rows values ({', '.join('?' * 10)})", lines)

    def change(self, shards: list[int]) -> None:
        """Add a voxel to every row of some shards."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            some = ", ".join(map(str, shards))
            connection.execute(f"update rows set voxels = voxels + 1 where shard in ({some})")

    def warm(self) -> None:
        """Open the file."""
        self.connection = sqlite3.connect(self.file)

    def cool(self) -> None:
        """Close it."""
        self.connection.close()

    def one(self, label: int) -> Answer:
        """By the key."""
        query = f"select {', '.join(_EXTENT)}, sum(chunks), count(*) from rows where label = ?"
        (found,) = self.connection.execute(query, (label,))
        return tuple(found)

    def several(self, labels: npt.NDArray[np.uint64]) -> Table:
        """By a join with a table of what is asked, which comes first."""
        self.connection.execute("create temp table asked (label integer primary key)")
        asked = zip(labels.tolist(), strict=True)
        self.connection.executemany("insert into asked values (?)", asked)
        found = self._lines("asked cross join rows using (label) group by label order by label")
        self.connection.execute("drop table asked")
        return found

    def everything(self) -> Table:
        """By the order of the key."""
        return self._lines("rows group by label order by label")

    def largest(self) -> Table:
        """By sorting all of them."""
        return self._lines("rows group by label order by sum(voxels) desc, label limit 10")

    def _lines(self, what: str) -> Table:
        query = f"select label, {', '.join(_EXTENT)}, sum(chunks), count(*) from {what}"
        cursor, found = self.connection.execute(query), []
        while lines := cursor.fetchmany(LINES):
            found.append(np.array(lines, np.int64))
        return Table(tuple(np.concatenate(found).T))


@dataclass
class DuckDb:
    """DuckDB on the Parquet files."""

    files: list[str]
    name: str = "DuckDB"
    connection: Any = None

    def warm(self) -> None:
        """Connect; there is no other state."""
        import duckdb

        self.connection = duckdb.connect(config={"enable_object_cache": True})

    def cool(self) -> None:
        """Disconnect."""
        self.connection.close()

    def one(self, label: int) -> Answer:
        """By the statistics of row groups."""
        rows = "read_parquet(?) where label = ?::ubigint"
        query = f"select {', '.join(_EXTENT)}, sum(len(chunks)), count(*) from {rows}"
        (found,) = self.connection.execute(query, [self.files, label]).fetchall()
        return tuple(map(int, found))

    def several(self, labels: npt.NDArray[np.uint64]) -> Table:
        """By a join with a table of what is asked."""
        import pyarrow as pa

        self.connection.register("asked", pa.table({"label": pa.array(labels)}))
        return self._lines("semi join asked using (label) group by label order by label")

    def everything(self) -> Table:
        """By a hash table of all of them."""
        return self._lines("group by label order by label")

    def largest(self) -> Table:
        """By a hash table of all of them."""
        return self._lines("group by label order by sum(voxels) desc, label limit 10")

    def _lines(self, rest: str) -> Table:
        columns = f"label, {', '.join(_EXTENT)}, sum(len(chunks)), count(*)"
        query = f"select {columns} from read_parquet(?) {rest}"
        found = self.connection.execute(query, [self.files]).fetchnumpy()
        return Table(tuple(found.values()))


@dataclass
class Polars:
    """Polars on the Parquet files."""

    files: list[str]
    name: str = "polars"

    def warm(self) -> None:
        """Do nothing: there is no state."""

    def cool(self) -> None:
        """Do nothing: there is no state."""

    def one(self, label: int) -> Answer:
        """By the statistics of row groups."""
        pl = self._library()
        wanted = pl.scan_parquet(self.files).filter(pl.col("label") == pl.lit(label, pl.UInt64))
        return tuple(map(int, wanted.select(self._extent()).collect().row(0)))

    def several(self, labels: npt.NDArray[np.uint64]) -> Table:
        """By a join with a table of what is asked."""
        asked = self._library().LazyFrame({"label": labels})
        return self._lines(self._scan().join(asked, on="label", how="semi"))

    def everything(self) -> Table:
        """By a hash table of all of them."""
        return self._lines(self._scan())

    def largest(self) -> Table:
        """By a hash table of all of them."""
        found = self._scan().group_by("label").agg(self._extent())
        top = found.sort(["voxels", "label"], descending=[True, False]).head(10).collect()
        return Table(tuple(column.to_numpy() for column in top.get_columns()))

    def _lines(self, frame: Any) -> Table:
        found = frame.group_by("label").agg(self._extent()).sort("label").collect()
        return Table(tuple(column.to_numpy() for column in found.get_columns()))

    def _extent(self) -> list[Any]:
        pl = self._library()
        edges = [pl.col(n).min() if n[1] == "0" else pl.col(n).max() for n in BOX]
        chunks = pl.col("chunks").list.len().cast(pl.Int64).sum()
        return [pl.col("voxels").sum(), *edges, chunks, pl.len().alias("shards")]

    def _scan(self) -> Any:
        return self._library().scan_parquet(self.files)

    @staticmethod
    def _library() -> Any:
        import polars

        return polars


def is_installed(name: str) -> bool:
    """Return whether an engine's library is there."""
    return find_spec(name) is not None
