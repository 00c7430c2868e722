"""Look-ups by label: voxlake's segments beside SQLite, DuckDB, polars, at growing numbers of rows.

In one run: rows built, looked up, changed in a twentieth of the shards, and merged. Every answer
is compared.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from benchmarks.child import peak_rss
from benchmarks.label_engines import DuckDb, OurIndex, Polars, Sqlite, Table, is_installed
from benchmarks.label_rows import GRID, Synthetic, changed, new_volume
from benchmarks.tables import markdown_table
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments.publishing import finish_segment, publish, write_segment
from voxlake.ngff.labels.segments.rows import join_rows
from voxlake.ngff.labels.segments.segment_file import write_file
from voxlake.ngff.labels.upkeep.merging import merge_segments
from voxlake.ngff.versioned.sorted_file import file_url
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.label_engines import Answer, Engine
    from benchmarks.rounds import Say
    from voxlake.ngff.labels.segments.manifest import Manifest
    from voxlake.ngff.volume import Volume

SINGLE, COLD, SLOW = 2000, 10, 20
"""Labels asked one by one: warm, cold, and of engines that take milliseconds."""

BATCH = 1000
CHANGED = GRID**3 // 20
"""Shards that are written anew."""


@dataclass(frozen=True, slots=True)
class Work:
    """What it took to do something with all rows."""

    rows: int
    what: str
    seconds: float
    peak_rss_mib: float
    """Of the process meanwhile."""
    more_mib: float
    """By how much that is above what it had before."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Medians, in milliseconds."""

    rows: int
    engine: str
    one: float
    cold: float
    batch: float
    tenth: float
    everything: float
    largest: float


@dataclass(frozen=True, slots=True)
class Size:
    """What the rows take on the store, in bytes for each."""

    rows: int
    labels: int
    parquet: float
    boxes: float
    sqlite: float


class NotTheSameError(Exception):
    """An engine gave another answer."""


def run_label_lookups(folder: Path, rows: list[int], repeats: int, say: Say) -> dict[str, Any]:
    """Measure at each number of rows, print the tables and return all figures."""
    works: list[Work] = []
    asked: list[Asked] = []
    sizes: list[Size] = []
    for count in rows:
        bench = Bench(folder / str(count), count, repeats)
        say(f"label look-ups: {count} rows are built")
        works += bench.build()
        sizes.append(bench.size())
        say("every engine is asked")
        asked += bench.ask_all()
        say("a twentieth is changed")
        works.append(bench.change())
        asked += bench.ask_again("two segments")
        say("segments are merged")
        works.append(bench.merge())
        asked += bench.ask_again("merged")
    print(asked_table(asked), flush=True)
    print(work_table(works), flush=True)
    print(size_table(sizes), flush=True)
    return {
        "asked": [asdict(one) for one in asked],
        "works": [asdict(one) for one in works],
        "sizes": [asdict(one) for one in sizes],
    }


class Bench:
    """One number of rows."""

    def __init__(self, folder: Path, rows: int, repeats: int) -> None:
        self.rows, self.repeats = Synthetic(rows), repeats
        folder.mkdir()
        self.volume: Volume = new_volume(folder / "labels")
        self.index = StoreURL.parse(str(folder)) / "index"
        self.labels = Labels(self.volume, self.index)
        self.sqlite = Sqlite(folder / "rows.sqlite")
        self.ids = np.concatenate([np.unique(piece.labels) for piece in self.rows.pieces()])
        chance = np.random.default_rng(rows)
        self.ones = chance.choice(self.ids, SINGLE).tolist()
        self.batch = np.sort(chance.choice(self.ids, BATCH, replace=False))
        self.tenth = np.sort(chance.choice(self.ids, len(self.ids) // 10, replace=False))
        self.known: dict[str, object] = {}

    def build(self) -> list[Work]:
        """Build segment and table; making up the rows is measured by itself, and taken off."""
        making = self._worked("make up the rows", lambda: sum(map(len, self.rows.pieces())))
        ours = self._worked("build", self._build_segment)
        sqlite = self._worked("build, SQLite", lambda: self.sqlite.build(self.rows.pieces()))
        less = [replace(one, seconds=one.seconds - making.seconds) for one in (ours, sqlite)]
        return [making, *less]

    def _build_segment(self) -> None:
        parts = [write_file(self.index, piece) for piece in self.rows.pieces()]
        segment = finish_segment(self.index, parts, dict.fromkeys(range(GRID**3), ""))
        publish(Labels(self.volume, self.index), None, (segment,))
        # As it is once there was a write.
        (self.index / "dirty").path.mkdir()

    def size(self) -> Size:
        """Return what segment and table take."""
        segments, count = self.index.path / "runs", self._manifest().segments[0].rows
        parquet, boxes = (
            sum(file.stat().st_size for file in segments.glob(f"*{ending}")) / count
            for ending in (".parquet", ".boxes")
        )
        sqlite = self.sqlite.file.stat().st_size / count
        return Size(count, len(self.ids), parquet, boxes, sqlite)

    def change(self) -> Work:
        """Take some shards, written anew, into a segment of their own."""
        numbers = np.arange(GRID**3, dtype=np.uint64)
        shards = np.random.default_rng(0).choice(numbers, CHANGED, replace=False)
        rows = join_rows(changed(piece, shards) for piece in self.rows.pieces())
        self.sqlite.change(shards.tolist())
        before, etags = self._manifest(), dict.fromkeys(shards.tolist(), "")

        def take_in() -> None:
            segment = write_segment(self.index, rows, etags)
            publish(Labels(self.volume, self.index), before, (*before.segments, segment))

        self.known = {}
        return self._worked("take in a twentieth", take_in)

    def merge(self) -> Work:
        """Merge both segments."""
        return self._worked(
            "merge both segments",
            lambda: merge_segments(Labels(self.volume, self.index), self._manifest()),
        )

    def ask_all(self) -> list[Asked]:
        """Ask all engines."""
        files = [
            str(file_url(self.index, part.ulid)) for part in self._manifest().segments[0].files
        ]
        found = [
            self.ask(self.sqlite),
            self.ask(OurIndex(self.labels, held=False)),
            self.ask(OurIndex(self.labels, held=True)),
        ]
        found += [self.ask(DuckDb(files), SLOW)] if is_installed("duckdb") else []
        return found + ([self.ask(Polars(files), SLOW)] if is_installed("polars") else [])

    def ask_again(self, name: str) -> list[Asked]:
        """Ask the index as it is after a change, beside SQLite."""
        # Which takes a minute for 10^7 rows, and about as long as before.
        sqlite = self.ask(self.sqlite, repeats=1)
        views = [OurIndex(self.labels, held=held) for held in (False, True)]
        found = [sqlite, *(self.ask(engine) for engine in views)]
        return [replace(one, engine=f"{one.engine}, {name}") for one in found]

    def ask(self, engine: Engine, count: int = SINGLE, repeats: int = 0) -> Asked:
        """Ask an engine everything, and hold its answers against those before."""
        engine.warm()
        for label in self.ones[: count // 4]:
            engine.one(label)
        one = [self._timed(f"one {label}", engine.one, label) for label in self.ones[:count]]
        questions: list[tuple[str, Callable[..., Table], tuple[object, ...]]] = [
            ("batch", engine.several, (self.batch,)),
            ("tenth", engine.several, (self.tenth,)),
            ("everything", engine.everything, ()),
            ("largest", engine.largest, ()),
        ]
        times = repeats or self.repeats
        tables = [
            statistics.median(self._timed(what, work, *given) for _ in range(times))
            for what, work, given in questions
        ]
        engine.cool()
        cold = [self._cold(engine, label) for label in self.ones[:COLD]]
        medians = (statistics.median(one), statistics.median(cold), *tables)
        return Asked(self.rows.rows, engine.name, *medians)

    def _cold(self, engine: Engine, label: int) -> float:
        def ask() -> Answer:
            engine.warm()
            return engine.one(label)

        took = self._timed(f"one {label}", ask)
        engine.cool()
        return took

    def _timed(self, what: str, work: Callable[..., Answer | Table], *given: object) -> float:
        began = time.perf_counter()
        answer = work(*given)
        took = (time.perf_counter() - began) * 1e3
        plain = answer.digest() if isinstance(answer, Table) else answer
        if self.known.setdefault(what, plain) != plain:
            raise NotTheSameError(f"{what}: {plain}, and before {self.known[what]}")
        return took

    def _manifest(self) -> Manifest:
        found = self.labels.view().state.manifest
        if found is None:
            raise NotTheSameError("there are no segments")
        return found

    def _worked(self, what: str, work: Callable[[], object]) -> Work:
        gc.collect()
        before = reset_peak()
        began = time.perf_counter()
        work()
        took, peak = time.perf_counter() - began, peak_rss()
        return Work(self.rows.rows, what, took, peak / 2**20, (peak - before) / 2**20)


def reset_peak() -> int:
    """Begin to measure the peak of memory anew, where Linux lets us; return what is used."""
    Path("/proc/self/clear_refs").write_text("5")
    return psutil.Process().memory_info().rss


def asked_table(asked: list[Asked]) -> str:
    """Return the times as a Markdown table."""
    parts = ("one", "cold", "batch", "tenth", "everything", "largest")
    head = ("rows", "engine", "one", "one, cold", str(BATCH), "10 %", "all", "ten largest", "one")
    sqlite: dict[int, float] = {}
    lines = []
    for one in asked:
        if one.engine.startswith("SQLite"):
            sqlite[one.rows] = one.one
        times = [f"{getattr(one, part):.3g}" for part in parts]
        lines.append((f"{one.rows:.0e}", one.engine, *times, f"{one.one / sqlite[one.rows]:.2f}"))
    title = "look-ups by label: medians in ms; at the end, a single one as a multiple of SQLite's"
    return markdown_table(title, [head, *lines])


def work_table(works: list[Work]) -> str:
    """Return the works as a Markdown table."""
    head = ("rows", "work", "s", "10^6 rows/s", "peak MiB", "more than before")
    lines = [
        (
            f"{one.rows:.0e}",
            one.what,
            f"{one.seconds:.2f}",
            f"{one.rows / one.seconds / 1e6:.2f}",
            f"{one.peak_rss_mib:.0f}",
            f"{one.more_mib:.0f}",
        )
        for one in works
    ]
    return markdown_table("building and merging segments", [head, *lines])


def size_table(sizes: list[Size]) -> str:
    """Return the sizes as a Markdown table."""
    head = ("rows", "labels", "Parquet", "boxes", "both", "SQLite")
    lines = [
        (
            str(one.rows),
            str(one.labels),
            f"{one.parquet:.1f}",
            f"{one.boxes:.1f}",
            f"{one.parquet + one.boxes:.1f}",
            f"{one.sqlite:.1f}",
        )
        for one in sizes
    ]
    return markdown_table("bytes on the store for a row", [head, *lines])
