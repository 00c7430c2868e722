"""Fragments of a bulk job: the rows of some shards by label, from sidecars that can be trusted."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from voxlake.ngff.labels.bulk.build import form_of, read_document
from voxlake.ngff.labels.segments.manifest import Geometry, Segment, geometry_of
from voxlake.ngff.labels.segments.publishing import discard, write_segment
from voxlake.ngff.labels.segments.rows import ROW_BYTES
from voxlake.ngff.labels.upkeep.compaction import rows_in_parts
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
    cells = fragment_cells(build, number)
    for rows, etags in rows_in_parts(build.labels, cells, WINDOW, attrgetter("nbytes"), FILE_BYTES):
        samples += sampled_labels(rows)
        segments.append(write_segment(build.scratch, rows, etags))
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
    """Return the shards of a fragment, stored or not, in C order."""
    volume = build.labels.volume
    count = math.prod(volume.grid)
    first, stop = (count * n // build.fragments for n in (number, number + 1))
    return map(volume.shard_cell, range(first, stop))


def sampled_labels(rows: SegmentRows) -> list[int]:
    """Return the label of a row in each `SAMPLE_BYTES` of rows in order; the first is one."""
    if not len(rows):
        return []
    before = np.cumsum(ROW_BYTES + 2 * rows.chunk_counts)
    places = np.searchsorted(before, np.arange(0, int(before[-1]), SAMPLE_BYTES), "right")
    return [int(label) for label in rows.labels[places]]
