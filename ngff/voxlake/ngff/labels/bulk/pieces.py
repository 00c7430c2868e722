"""Ranges of a bulk job: labels are cut into pieces, and the rows of each merged into files.

Ranges follow quantiles of the labels, and not hashes of them: ids near one another often lie near
one another, so a range needs few fragments, and its files compress.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field
from ulid import ULID

from voxlake.ngff.labels.bulk import fragment as bulk_fragment
from voxlake.ngff.labels.bulk.build import form_of, read_document
from voxlake.ngff.labels.bulk.fragment import FRAGMENTS, Fragment, fragment_url
from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.segments.manifest import Segment, SegmentFile, geometry_of
from voxlake.ngff.labels.segments.rows import in_order
from voxlake.ngff.labels.segments.segment_file import rows_between, write_file
from voxlake.ngff.versioned.document import Document, create
from voxlake.platform import store
from voxlake.platform.errors import PlanChangedError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.labels.bulk.build import Build
    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.platform.store import StoreURL


class Pieces(Document):
    """``pieces.json``: of what, and how, the segments of the job are made."""

    segments: tuple[Segment, ...] = Field(validation_alias="runs", serialization_alias="runs")
    """Of all fragments, by ascending shard: whatever is written there later does not count."""
    firsts: tuple[int, ...]
    """Smallest label of each piece, ascending; the first is 0."""


class Merged(Document):
    """``ranges/<number>.json``: the files of some pieces."""

    files: tuple[SegmentFile, ...] = Field(validation_alias="parts", serialization_alias="parts")
    """By ascending label; all labels of a range are above those of the one before."""

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)


PIECES = form_of(Pieces)
RANGES = form_of(Merged)


def choose_pieces(build: Build) -> Pieces:
    """Cut the labels of all fragments into pieces of some `FILE_BYTES` of rows.

    Raises
    ------
    ConflictError
        If a fragment was not written, or swept since.
    PlanChangedError
        If one is of a volume of another geometry.
    """
    url = pieces_url(build)
    if store.exists(url):
        return read_document(PIECES, url)
    segments: list[Segment] = []
    samples: list[int] = []
    for fragment in in_parallel(lambda n: _fragment(build, n), range(build.fragments)):
        segments += fragment.segments
        samples += fragment.samples
    chosen = Pieces(segments=tuple(segments), firsts=_cut(samples))
    return chosen if create(PIECES, url, chosen) else read_document(PIECES, url)


def write_range(build: Build, number: int) -> Merged:
    """Merge the pieces of one of `Build.fragments` ranges, of which small builds leave some empty.

    Memory is bounded by some `FILE_BYTES` of rows. Doing it again writes the same bytes.

    Raises
    ------
    ConflictError
        If pieces were not chosen, or swept since.
    """
    url = range_url(build, number)
    if store.exists(url):
        return read_document(RANGES, url)
    chosen = read_document(PIECES, pieces_url(build))
    ends = (*(first - 1 for first in chosen.firsts[1:]), MAX_LABEL)
    pieces = list(zip(chosen.firsts, ends, strict=True))
    begin, stop = (len(pieces) * n // build.fragments for n in (number, number + 1))
    files = []
    for first, last in pieces[begin:stop]:
        for place, rows in enumerate(_merged(build.scratch, chosen.segments, first, last)):
            files.append(write_file(build.labels.index_url, rows, _ulid(build.job, first, place)))
    merged = Merged(files=tuple(files))
    return merged if create(RANGES, url, merged) else read_document(RANGES, url)


def pieces_url(build: Build) -> StoreURL:
    """Return the address of what was chosen."""
    return build.scratch / "pieces.json"


def range_url(build: Build, number: int) -> StoreURL:
    """Return the address of what is said of a range."""
    return build.scratch / "ranges" / f"{number}.json"


def _fragment(build: Build, number: int) -> Fragment:
    fragment = read_document(FRAGMENTS, fragment_url(build, number))
    if fragment.geometry != geometry_of(build.labels.volume):
        raise PlanChangedError(
            f"{build.labels.volume.url} has other chunks or shards than when job {build.job} "
            "began; cancel the job and index again"
        )
    return fragment


def _cut(samples: list[int]) -> tuple[int, ...]:
    """Return the smallest label of each piece; a label that fills several has one of its own.

    Examples
    --------
    >>> _cut([])
    (0,)
    """
    each = max(1, bulk_fragment.FILE_BYTES // bulk_fragment.SAMPLE_BYTES)
    quantiles = sorted(samples)[each::each]
    full = {one for one, two in pairwise(quantiles) if one == two}
    after = {label + 1 for label in full if label < MAX_LABEL}
    return tuple(sorted({0, *quantiles, *after}))


def _merged(
    scratch: StoreURL, segments: tuple[Segment, ...], first: int, last: int
) -> Iterator[SegmentRows]:
    """Yield the rows of labels from `first` to `last` in order, some at a time.

    Those of several labels come at once. Of one label alone the segments have ascending shards, so
    what was read so far need not wait for the rest.
    """
    waiting: list[SegmentRows] = []
    files = (file for segment in segments for file in segment.files)
    for rows in (rows for file in files for rows in rows_between(scratch, file, first, last)):
        waiting.append(rows)
        if first == last and sum(rows.nbytes for rows in waiting) >= bulk_fragment.FILE_BYTES:
            yield in_order(waiting)
    if waiting:
        yield in_order(waiting)


def _ulid(job: str, first: int, place: int) -> str:
    """Return the name of a file: as old as the job, and the same whoever writes it."""
    words = hashlib.sha256(f"{job} {first} {place}".encode()).digest()
    return str(ULID(ULID.from_str(job).bytes[:6] + words[:10]))
