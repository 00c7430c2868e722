"""Segments are written under names of their own, and count once a manifest names them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ulid import ULID

from voxlake.ngff.labels.segments.boxes import boxes_url
from voxlake.ngff.labels.segments.cover import cover_of, cover_url, write_cover
from voxlake.ngff.labels.segments.manifest import (
    Manifest,
    Segment,
    create_manifest,
    geometry_of,
    newest_manifest,
)
from voxlake.ngff.labels.segments.part import part_url, write_part
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxlake.ngff.labels.segments.manifest import Part
    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SWEEP_AGE_S = 24 * 3600.0
"""Age from which segments that no manifest names are taken for what a crash left behind."""

PUBLISH_AGE_S = SWEEP_AGE_S / 2
"""Age up to which a segment may be put in force: one that is older may be swept at any moment."""


def write_segment(index_url: StoreURL, rows: SegmentRows, etags: Mapping[int, str]) -> Segment:
    """Write a segment of one part, of none if there is no row, for the shards of `etags`."""
    parts = (write_part(index_url, rows.ordered()),) if len(rows) else ()
    return finish_segment(index_url, parts, etags)


def finish_segment(index_url: StoreURL, parts: Iterable[Part], etags: Mapping[int, str]) -> Segment:
    """Write the cover of a segment, given its parts by ascending label and each shard's ETag."""
    ulid = str(ULID())
    write_cover(index_url, ulid, cover_of(etags))
    return Segment(cover=ulid, shards=len(etags), parts=tuple(parts))


def publish(
    volume: Volume, index_url: StoreURL, before: Manifest | None, segments: Iterable[Segment]
) -> Manifest | None:
    """Put `segments` in force as `offer` does; None as well if one of them may be swept by now."""
    kept = tuple(segments)
    known = {segment.cover for segment in before.segments} if before else set()
    fresh = [segment for segment in kept if segment.cover not in known]
    if any(is_older(ulid, PUBLISH_AGE_S) for segment in fresh for ulid in _ulids(segment)):
        return None
    return offer(volume, index_url, before, kept)


def offer(
    volume: Volume, index_url: StoreURL, before: Manifest | None, segments: tuple[Segment, ...]
) -> Manifest | None:
    """Put `segments`, oldest first, in force in place of `before`; None if another did so first.

    The caller knows that nobody has swept them.
    """
    manifest = Manifest(
        number=before.number + 1 if before else 1,
        made=datetime.now(UTC),
        geometry=geometry_of(volume),
        segments=segments,
    )
    return manifest if create_manifest(index_url, manifest) else None


def discard(index_url: StoreURL, segments: Iterable[Segment]) -> None:
    """Delete segments that were not put in force, but those that are in force nevertheless.

    Others follow a manifest as soon as it is there, before its maker knows how it went.
    """
    newest = newest_manifest(index_url)
    named = set(newest.segments) if newest else set()
    for segment in set(segments) - named:
        store.delete(cover_url(index_url, segment.cover))
        for part in segment.parts:
            store.delete(part_url(index_url, part.ulid))
            store.delete(boxes_url(index_url, part.ulid))


def is_older(ulid: str, age_s: float) -> bool:
    """Return whether a ULID was made more than `age_s` seconds ago."""
    return ULID.from_str(ulid).datetime < datetime.now(UTC) - timedelta(seconds=age_s)


def _ulids(segment: Segment) -> list[str]:
    return [segment.cover, *(part.ulid for part in segment.parts)]
