"""Fragments of a bulk job: the rows of some shards by label, from sidecars that can be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from voxlake.ngff.labels.bulk.build import form_of, read_document
from voxlake.ngff.labels.segments.manifest import Geometry, Segment, geometry_of
from voxlake.ngff.labels.segments.publishing import discard, finish_segment
from voxlake.ngff.labels.segments.rows import ROW_BYTES, join_rows
from voxlake.ngff.labels.segments.segment_file import write_file
from voxlake.ngff.labels.upkeep.compaction import rows_by_shard
from voxlake.ngff.versioned.document import Document, create
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.bulk.build import Build
    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.platform.store import StoreURL

FILE_BYTES = 64 << 20
"""Rows in memory before they are written: of a file, roughly."""

SAMPLE_BYTES = 1 << 20
"""Rows that one sampled label stands for."""

WINDOW = 8
"""Shards whose sidecars are read at a time."""


class Fragment(Document):
    """``fragments/<number>.json``: what one task found."""

    number: int
    geometry: Geometry
    """Of the volume: it says what shard numbers mean."""
    segments: tuple[Segment, ...] = Field(validation_alias="runs", serialization_alias="runs")
    """Below the scratch, by ascending shard; no shard is in two."""
    samples: tuple[int, ...]
    """Labels, one for each `SAMPLE_BYTES` of rows."""

    @property
    def rows(self) -> int:
        """Rows of all segments."""
        return sum(segment.rows for segment in self.segments)

    @property
    def shards(self) -> int:
        """Shards of all segments."""
        return sum(segment.shards for segment in self.segments)


FRAGMENTS = form_of(Fragment)


def write_fragment(build: Build, number: int) -> Fragment:
    """Write the rows of the shards of a fragment, and return what was written.

    They are sorted by label, or in several segments if they are many: memory is bounded by some
    `FILE_BYTES` of rows, the rows of `WINDOW` shards, and one shard that must be indexed anew.
    """
    url = fragment_url(build, number)
    if store.exists(url):
        return read_document(FRAGMENTS, url)
    segments, samples = [], list[int]()
    for rows, etags in _gathered(build, number):
        samples += sampled_labels(rows)
        files = (write_file(build.scratch, rows),) if len(rows) else ()
        segments.append(finish_segment(build.scratch, files, etags))
    fragment = Fragment(
        number=number,
        geometry=geometry_of(build.labels.volume),
        segments=tuple(segments),
        samples=tuple(samples),
    )
    if not create(FRAGMENTS, url, fragment):
        discard(build.scratch, segments)
        return read_document(FRAGMENTS, url)
    return fragment


def fragment_url(build: Build, number: int) -> StoreURL:
    """Return the address of what is said of a fragment."""
    return build.scratch / "fragments" / f"{number}.json"


def fragment_cells(build: Build, number: int) -> Iterator[Cell]:
    """Yield the shards of a fragment, stored or not, in C order."""
    grid = build.labels.volume.grid
    count = math.prod(grid)
    first, stop = (count * n // build.fragments for n in (number, number + 1))
    for shard in range(first, stop):
        yield tuple(int(i) for i in np.unravel_index(shard, grid))


def in_order(tables: list[SegmentRows]) -> SegmentRows:
    """Return the rows of all tables in order; the list is emptied, so that none is held twice."""
    rows = join_rows(tables)
    tables.clear()
    return rows.ordered()


def sampled_labels(rows: SegmentRows) -> list[int]:
    """Return the label of a row in each `SAMPLE_BYTES` of rows in order; the first is one."""
    if not len(rows):
        return []
    before = np.cumsum(ROW_BYTES + 2 * rows.chunk_counts)
    places = np.searchsorted(before, np.arange(0, int(before[-1]), SAMPLE_BYTES), "right")
    return [int(label) for label in rows.labels[places]]


def _gathered(build: Build, number: int) -> Iterator[tuple[SegmentRows, dict[int, str]]]:
    """Yield the rows of some shards at a time, in order, and the ETag of each of these."""
    gathered: list[SegmentRows] = []
    etags: dict[int, str] = {}
    cells = fragment_cells(build, number)
    for shard, rows, etag in rows_by_shard(build.labels, cells, WINDOW):
        gathered.append(rows)
        etags[shard] = etag
        if sum(rows.nbytes for rows in gathered) >= FILE_BYTES:
            yield in_order(gathered), etags
            etags = {}
    if etags:
        yield in_order(gathered), etags
