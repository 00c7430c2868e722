"""``voxlake compact``: what was written, sorted by label."""

from __future__ import annotations

from voxlake.cli.label_documents import open_labels
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.document import Document


class ObjectsDocument(Document):
    """Metadata of labels, after their compaction."""

    number: int
    """Number of their newest manifest; 0: there is none."""
    runs: int
    rows: int
    """Rows of these runs, those of deleted objects included."""


class CompactDocument(Document):
    """What a compaction did."""

    name: str
    number: int | None
    """Number of the newest manifest; null: there is none."""
    shards: int
    """Shards that were taken in."""
    rows: int
    """Rows, one for each label of a shard, that were taken in."""
    merged: bool
    """Whether runs were merged into one."""
    swept: int
    """Objects that were deleted because nothing names them any more."""
    objects: ObjectsDocument
    mapping: int
    """Changes of the mapping of labels to bodies that are in a snapshot; 0: nothing is mapped."""


@grouped
def compact(name: Name, lake: InLake, answering: Answering) -> None:
    """Sort what was written by label: voxels, metadata of labels, and merges of them.

    One label is then found in one request. Nothing changes but the time that answers take.
    """
    from voxlake.ngff.labels.mapping import snapshot
    from voxlake.ngff.labels.objects import compact_objects
    from voxlake.ngff.labels.upkeep import compaction

    opened = open_labels(lake, name)
    done = compaction.compact(opened.volume, opened.index_url)
    objects = compact_objects(opened.index_url)
    document = CompactDocument(
        name=name,
        number=done.number,
        shards=done.shards,
        rows=done.rows,
        merged=done.merged,
        swept=done.swept,
        objects=ObjectsDocument(number=objects.number, runs=objects.segments, rows=objects.rows),
        mapping=snapshot(opened.index_url),
    )
    shown = facts(
        (
            ("manifest", document.number),
            ("shards taken in", document.shards),
            ("rows", document.rows),
            ("merged", document.merged),
            ("files swept", document.swept),
            ("objects with metadata", document.objects.rows),
            ("merges and cleaves", document.mapping),
        )
    )
    answer(document, [shown], json=answering.json)
