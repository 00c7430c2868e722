"""The end of a bulk job: its segment is put in force, below what was written while it was built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.labels.bulk.build import ATTEMPTS, clear_bulk, read_document
from voxlake.ngff.labels.bulk.pieces import Merged, Pieces, pieces_url, range_url
from voxlake.ngff.labels.segments.boxes import boxes_url
from voxlake.ngff.labels.segments.cover import cover_of, newest_etags, write_cover
from voxlake.ngff.labels.segments.manifest import (
    Manifest,
    Part,
    Segment,
    geometry_of,
    newest_manifest,
)
from voxlake.ngff.labels.segments.part import part_url
from voxlake.ngff.labels.segments.publishing import offer
from voxlake.ngff.labels.segments.reader import read_cover
from voxlake.ngff.labels.sidecars.trust import in_parallel
from voxlake.ngff.labels.upkeep.auditing import mark_differing
from voxlake.ngff.labels.upkeep.marker import BulkState, bulk_marker, read_bulk
from voxlake.platform import store
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from voxlake.ngff.labels.bulk.build import Build


@dataclass(frozen=True, slots=True)
class Published:
    """What a bulk job put in force."""

    number: int
    """Of the manifest."""
    shards: int
    """Shards that its segment covers."""
    rows: int
    """Rows (label, shard) of its segment."""
    marked: int
    """Shards that were written meanwhile without a mark, and have one now."""


def publish_bulk(build: Build) -> Published:
    """Put the segment of a job in force, then delete its marker and its scratch.

    It takes the place of the segments that were in force when the job began, below newer ones.
    Every stored shard is compared first with the cover that will count for it: what differs was
    written by a program that leaves no marks, gets one, and is asked itself until it is compacted.
    Doing it again, after it was cut off anywhere, does what is left to do.

    Raises
    ------
    ConflictError
        If other processes compact so often that this one is never first, a range was not written,
        or the job was given up or taken for dead meanwhile.
    CorruptDataError, StoreError
        If what is needed is damaged, or the store fails.
    """
    done = _published(build)
    if done is None:
        segment, etags = _finished_segment(build)
        done = _put_in_force(build, segment, etags)
    clear_bulk(build.index_url, build.job)
    return done


def _published(build: Build) -> Published | None:
    newest = newest_manifest(build.index_url)
    segments = newest.segments if newest else ()
    for segment in segments:
        if segment.cover == build.job and newest is not None:
            return Published(newest.number, segment.shards, segment.rows, 0)
    return None


def _finished_segment(build: Build) -> tuple[Segment, dict[int, str]]:
    """Write the cover of the segment; return the segment, and the ETag of each of its shards."""
    chosen = read_document(pieces_url(build), Pieces)
    covers = in_parallel(lambda segment: read_cover(build.scratch, segment), chosen.segments)
    etags = newest_etags(covers)
    write_cover(build.index_url, build.job, cover_of(etags))
    merged = in_parallel(
        lambda number: read_document(range_url(build, number), Merged), range(build.fragments)
    )
    parts = tuple(part for each in merged for part in each.parts)
    _check_there(build, parts)
    return Segment(cover=build.job, shards=len(etags), parts=parts), etags


def _check_there(build: Build, parts: tuple[Part, ...]) -> None:
    """Refuse to name parts that were swept: the marker was cleared for so long."""
    _, names = store.list_children(build.index_url / "runs")
    known = set(names)
    missing = [
        part
        for part in parts
        for url in (part_url(build.index_url, part.ulid), boxes_url(build.index_url, part.ulid))
        if url.name not in known
    ]
    if missing:
        raise ConflictError(
            f"{len(missing)} objects that job {build.job} wrote were swept since; index again"
        )


def _put_in_force(build: Build, segment: Segment, etags: dict[int, str]) -> Published:
    for _ in range(ATTEMPTS):
        newest = newest_manifest(build.index_url)
        if newest is not None and segment.cover in {each.cover for each in newest.segments}:
            return Published(newest.number, segment.shards, segment.rows, 0)
        # The marker after the manifest: while it is there this job has not published, so the
        # manifest does not tell of its segment, merged with others, either.
        state = read_bulk(bulk_marker(build.index_url, build.job))
        if state is None:
            raise ConflictError(
                f"the mark of job {build.job} is gone, by an audit maybe; resume the job, or "
                "index again"
            )
        above = _above(build, newest, state)
        known = etags | newest_etags(read_cover(build.index_url, each) for each in above)
        marked = mark_differing(build.volume, build.index_url, known)
        manifest = offer(build.volume, build.index_url, newest, (segment, *above))
        if manifest is not None:
            return Published(manifest.number, segment.shards, segment.rows, len(marked))
    raise ConflictError(
        f"the index {build.index_url} was compacted by others {ATTEMPTS} times meanwhile; "
        "try again later"
    )


def _above(build: Build, newest: Manifest | None, state: BulkState) -> tuple[Segment, ...]:
    """Return the segments that stay: those that were not in force when the job began."""
    if newest is None or newest.geometry != geometry_of(build.volume):
        return ()
    return tuple(segment for segment in newest.segments if segment.cover not in state.replaces)
