"""The end of a bulk job: its segment is put in force, below what was written while it was built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.labels.bulk.build import clear_bulk, read_document
from voxlake.ngff.labels.bulk.pieces import PIECES, RANGES, pieces_url, range_url
from voxlake.ngff.labels.segments.boxes import boxes_url
from voxlake.ngff.labels.segments.cover import cover_of, newest_etags, read_cover, write_cover
from voxlake.ngff.labels.segments.manifest import (
    Manifest,
    Segment,
    SegmentFile,
    geometry_of,
    newest_manifest,
)
from voxlake.ngff.labels.segments.publishing import offer
from voxlake.ngff.labels.upkeep.auditing import mark_differing
from voxlake.ngff.labels.upkeep.marker import BulkState, bulk_marker, read_bulk
from voxlake.ngff.versioned.contention import until_first
from voxlake.ngff.versioned.sorted_file import file_url
from voxlake.platform import store
from voxlake.platform.errors import ConflictError
from voxlake.platform.parallel import in_parallel

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
    """
    done = _published(build, newest_manifest(build.labels.index_url))
    if done is None:
        segment, etags = _finished_segment(build)
        done = until_first(
            lambda: _put_in_force(build, segment, etags), f"the index {build.labels.index_url}"
        )
    clear_bulk(build.labels.index_url, build.job)
    return done


def _published(build: Build, newest: Manifest | None) -> Published | None:
    """Return what the job put in force, if it has by the newest manifest."""
    for segment in newest.segments if newest else ():
        if segment.cover == build.job and newest:
            return Published(newest.number, segment.shards, segment.rows, 0)
    return None


def _finished_segment(build: Build) -> tuple[Segment, dict[int, str]]:
    """Write the cover of the segment; return the segment, and the ETag of each of its shards."""
    chosen = read_document(PIECES, pieces_url(build))
    covers = in_parallel(lambda segment: read_cover(build.scratch, segment), chosen.segments)
    etags = newest_etags(covers)
    write_cover(build.labels.index_url, build.job, cover_of(etags))
    merged = in_parallel(
        lambda number: read_document(RANGES, range_url(build, number)), range(build.fragments)
    )
    files = tuple(file for each in merged for file in each.files)
    _check_there(build, files)
    return Segment(cover=build.job, shards=len(etags), files=files), etags


def _check_there(build: Build, files: tuple[SegmentFile, ...]) -> None:
    """Refuse to name files that were swept: the marker was cleared for so long."""
    index_url = build.labels.index_url
    stored = set(store.list_children(index_url / "runs")[1])
    missing = [
        url
        for file in files
        for url in (file_url(index_url, file.ulid), boxes_url(index_url, file.ulid))
        if url.name not in stored
    ]
    if missing:
        raise ConflictError(
            f"{len(missing)} objects that job {build.job} wrote were swept since; index again"
        )


def _put_in_force(build: Build, segment: Segment, etags: dict[int, str]) -> Published | None:
    """Offer the segment once; None if another process was first."""
    newest = newest_manifest(build.labels.index_url)
    done = _published(build, newest)
    if done is not None:
        return done
    # The marker after the manifest: while it is there this job has not published, so the
    # manifest does not tell of its segment, merged with others, either.
    state = read_bulk(bulk_marker(build.labels.index_url, build.job))
    if state is None:
        raise ConflictError(
            f"the mark of job {build.job} is gone, by an audit maybe; resume the job, or "
            "index again"
        )
    above = _above(build, newest, state)
    covered = etags | newest_etags(read_cover(build.labels.index_url, each) for each in above)
    marked = mark_differing(build.labels, covered)
    manifest = offer(build.labels, newest, (segment, *above))
    if manifest is None:
        return None
    return Published(manifest.number, segment.shards, segment.rows, len(marked))


def _above(build: Build, newest: Manifest | None, state: BulkState) -> tuple[Segment, ...]:
    """Return the segments that stay: those that were not in force when the job began."""
    if newest is None or newest.geometry != geometry_of(build.labels.volume):
        return ()
    return tuple(segment for segment in newest.segments if segment.cover not in state.replaces)
