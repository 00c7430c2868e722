"""Segments are written under names of their own, and count once a manifest names them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ulid import ULID

from voxlake.ngff.labels.segments.boxes import boxes_url
from voxlake.ngff.labels.segments.cover import cover_of, cover_url, write_cover
from voxlake.ngff.labels.segments.manifest import (
    MANIFESTS,
    Manifest,
    Segment,
    geometry_of,
    manifests_url,
    newest_manifest,
)
from voxlake.ngff.labels.segments.segment_file import write_file
from voxlake.ngff.versioned.numbered import Numbered, create_next
from voxlake.ngff.versioned.sorted_file import file_url
from voxlake.ngff.versioned.sweeping import SWEEP_AGE_S, is_older
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.segments.manifest import SegmentFile
    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.platform.store import StoreURL

PUBLISH_AGE_S = SWEEP_AGE_S / 2
"""Age up to which a segment may be put in force: one that is older may be swept at any moment."""


def write_segment(index_url: StoreURL, rows: SegmentRows, etags: Mapping[int, str]) -> Segment:
    """Write a segment of one file, of none if there is no row, for the shards of `etags`."""
    files = (write_file(index_url, rows.ordered()),) if len(rows) else ()
    return finish_segment(index_url, files, etags)


def finish_segment(
    index_url: StoreURL, files: Iterable[SegmentFile], etags: Mapping[int, str]
) -> Segment:
    """Write the cover of a segment, given its files by ascending label and each shard's ETag."""
    ulid = str(ULID())
    write_cover(index_url, ulid, cover_of(etags))
    return Segment(cover=ulid, shards=len(etags), files=tuple(files))


def publish(
    labels: Labels, before: Manifest | None, segments: Iterable[Segment]
) -> Manifest | None:
    """Put `segments` in force as `offer` does; None as well if one of them may be swept by now."""
    kept = tuple(segments)
    known = {segment.cover for segment in before.segments} if before else set()
    fresh = [segment for segment in kept if segment.cover not in known]
    if any(is_older(ulid, PUBLISH_AGE_S) for segment in fresh for ulid in segment.ulids):
        return None
    return offer(labels, before, kept)


def offer(
    labels: Labels, before: Manifest | None, segments: tuple[Segment, ...]
) -> Manifest | None:
    """Put `segments`, oldest first, in force in place of `before`; None if another did so first.

    The caller knows that nobody has swept them. A manifest that others have followed at once is
    in force as well: the newest names its segments.
    """

    def is_followed() -> bool:
        newest = newest_manifest(labels.index_url)
        return newest is not None and set(segments) <= set(newest.segments)

    manifest = Manifest(
        number=before.number + 1 if before else 1,
        made=datetime.now(UTC),
        geometry=geometry_of(labels.volume),
        segments=segments,
    )
    made = Numbered(manifest.number, manifest)
    counts = create_next(MANIFESTS, manifests_url(labels.index_url), made, is_followed)
    return manifest if counts else None


def discard(index_url: StoreURL, segments: Iterable[Segment]) -> None:
    """Delete segments that were not put in force, but those that are in force nevertheless.

    Others follow a manifest as soon as it is there, before its maker knows how it went.
    """
    newest = newest_manifest(index_url)
    named = set(newest.segments) if newest else set()
    for segment in set(segments) - named:
        store.delete(cover_url(index_url, segment.cover))
        for file in segment.files:
            store.delete(file_url(index_url, file.ulid))
            store.delete(boxes_url(index_url, file.ulid))
