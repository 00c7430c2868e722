"""Each way of breaking the protocol of the label index, and the check that sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import numpy as np
import pytest
from tests.ngff.labels.protocol import checks
from tests.ngff.labels.protocol.checks import Stage

from voxlake.ngff.labels import state, writing
from voxlake.ngff.labels.segments import manifest, publishing
from voxlake.ngff.labels.segments.cover import Cover
from voxlake.ngff.labels.sidecars import build, sidecar, trust
from voxlake.ngff.labels.sidecars.patch import next_patch
from voxlake.ngff.labels.sidecars.trust import read_sidecar, shard_etag
from voxlake.ngff.labels.upkeep import compaction
from voxlake.ngff.labels.upkeep.marker import Marker, list_markers, open_marker
from voxlake.ngff.shards.splice import splice_shard
from voxlake.ngff.versioned import document, sweeping
from voxlake.ngff.versioned.numbered import create_next, numbered_url
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.ngff.labels.protocol.checks import Check

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.scan.rows import Rows
    from voxlake.ngff.labels.segments.manifest import Manifest, Segment
    from voxlake.ngff.labels.sidecars.patch import Below
    from voxlake.ngff.shards.splice import Change, Spliced
    from voxlake.ngff.versioned.numbered import Numbered
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


def marker_after_the_shard(patch: pytest.MonkeyPatch) -> None:
    indexes: list[StoreURL] = []

    def promise(index_url: StoreURL, cell: tuple[int, ...], _by: str) -> Marker:
        indexes.append(index_url)
        return Marker(index_url / "dirty" / "promised", cell, "promised")

    def splice_and_mark(volume: Volume, cell: Cell, *rest: Any, **known: Any) -> Any:
        spliced = splice_shard(volume, cell, *rest, **known)
        open_marker(indexes[-1], cell, "late")
        return spliced

    patch.setattr(writing, "open_marker", promise)
    patch.setattr(writing, "splice_shard", splice_and_mark)


def manifest_before_the_list(patch: pytest.MonkeyPatch) -> None:
    in_order = state.in_force

    def wrong_order(labels: Labels) -> state.IndexState:
        newest = manifest.newest_manifest(labels.index_url)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(state, "newest_manifest", lambda _: newest)
            return in_order(labels)

    patch.setattr(state, "in_force", wrong_order)


def no_etag_check(patch: pytest.MonkeyPatch) -> None:
    def believe(_: Volume, index_url: StoreURL, cell: tuple[int, ...], __: str) -> Rows | None:
        sidecar = read_sidecar(index_url, cell)
        return sidecar.rows if sidecar else None

    patch.setattr(trust, "trusted_rows", believe)


def open_markers_consumed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compaction, "_done", lambda markers: [one for one in markers if one.cell])


def no_create_if_absent(patch: pytest.MonkeyPatch) -> None:
    def overwrite(url: StoreURL, body: bytes) -> str:
        return store.write(url, body)

    patch.setattr(store, "create", overwrite)


def markers_deleted_before_the_manifest(patch: pytest.MonkeyPatch) -> None:
    publish = publishing.publish

    def delete_first(labels: Labels, *rest: Any) -> Any:
        for marker in compaction._done(list_markers(labels.index_url)):
            store.delete(marker.url)
        return publish(labels, *rest)

    patch.setattr(compaction, "publish", delete_first)


def other_markers_deleted(patch: pytest.MonkeyPatch) -> None:
    """All that are done by then, besides those that were consumed."""
    publish = publishing.publish

    def publish_and_delete(labels: Labels, *rest: Any) -> Any:
        published = publish(labels, *rest)
        for marker in compaction._done(list_markers(labels.index_url)) if published else []:
            store.delete(marker.url)
        return published

    patch.setattr(compaction, "publish", publish_and_delete)


def no_list_after_create(patch: pytest.MonkeyPatch) -> None:
    def believe(form: Any, folder: StoreURL, made: Numbered[Manifest], _: object) -> bool:
        return document.create(form, numbered_url(folder, made.number), made.document)

    patch.setattr(publishing, "create_next", believe)


def followed_segments_discarded(patch: pytest.MonkeyPatch) -> None:
    """Who finds a higher number after creating takes segments for lost, though it names them."""

    def give_up(form: Any, folder: StoreURL, made: Numbered[Manifest], _: object) -> bool:
        return create_next(form, folder, made, lambda: False)

    patch.setattr(publishing, "create_next", give_up)
    patch.setattr(publishing, "newest_manifest", lambda _: None)


def new_segments_below_the_old(patch: pytest.MonkeyPatch) -> None:
    publish = publishing.publish

    def swap(labels: Labels, before: Any, segments: Iterable[Segment]) -> Any:
        return publish(labels, before, tuple(segments)[::-1])

    patch.setattr(compaction, "publish", swap)


def covers_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(state, "read_cover", lambda *_: Cover(np.empty(0, np.uint64), ()))


def sweep_without_age(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sweeping, "SWEEP_AGE_S", -60.0)


def rows_under_a_later_etag(patch: pytest.MonkeyPatch) -> None:
    """The shard is asked for its ETag after its voxels were read, and may be another by then."""
    write = build.write_sidecar

    def ask_then_write(volume: Volume, cell: Cell, index: StoreURL, rows: Rows, *of: Any) -> Any:
        etag, *content = of
        return write(volume, cell, index, rows, etag and shard_etag(volume, cell), *content)

    patch.setattr(build, "write_sidecar", ask_then_write)
    patch.setattr(writing, "write_sidecar", ask_then_write)

    def ask_then_patch(volume: Volume, cell: Cell, below: Below, _: str, *rest: Any) -> Any:
        return next_patch(volume, cell, below, shard_etag(volume, cell) or "", *rest)

    def unlock_first(
        volume: Volume,
        cell: Cell,
        changes: Sequence[Change],
        known: str | None,
        note: Any,
        then: Any,
    ) -> Spliced[Any]:
        spliced: Spliced[Any] = splice_shard(volume, cell, changes, known, note)
        then(spliced)
        return spliced

    patch.setattr(writing, "next_patch", ask_then_patch)
    patch.setattr(writing, "look_at_shard", lambda *_: ANY)
    patch.setattr(writing, "splice_shard", unlock_first)


def sidecars_of_any_shard(patch: pytest.MonkeyPatch) -> None:
    """A sidecar is believed for its ETag alone: two shards of the same bytes may have the same."""
    origin_of = sidecar.origin_of

    def anywhere(volume: Volume, cell: Cell, *state: str) -> sidecar.Origin:
        return origin_of(volume, (0, 0, 0), *state)

    patch.setattr(trust, "origin_of", anywhere)
    patch.setattr(build, "origin_of", anywhere)


MUTANTS = (
    (marker_after_the_shard, checks.write_killed),
    (manifest_before_the_list, checks.query_among_compactions),
    (no_etag_check, checks.foreign_writes_audited),
    (open_markers_consumed, checks.write_among_compactions_killed),
    (no_create_if_absent, checks.compaction_followed),
    (markers_deleted_before_the_manifest, checks.compaction_killed),
    (other_markers_deleted, checks.compaction_among_writes),
    (no_list_after_create, checks.compaction_that_was_overtaken),
    (followed_segments_discarded, checks.compaction_followed),
    (new_segments_below_the_old, checks.compaction_followed),
    (covers_ignored, checks.compaction_followed),
    (sweep_without_age, checks.compaction_among_sweeps),
    (rows_under_a_later_etag, checks.write_among_writes),
    (sidecars_of_any_shard, checks.sidecars_in_the_wrong_place),
)


@pytest.mark.parametrize(("mutant", "check"), MUTANTS, ids=lambda each: each.__name__)
def test_a_broken_protocol_is_seen(
    memory_store: StoreURL,
    monkeypatch: pytest.MonkeyPatch,
    mutant: Callable[[pytest.MonkeyPatch], None],
    check: Check,
) -> None:
    stage = Stage(memory_store, monkeypatch)
    stage.every = 1
    mutant(monkeypatch)
    with pytest.raises((AssertionError, CorruptDataError)):
        check(stage)
