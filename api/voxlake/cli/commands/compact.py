"""``voxlake compact``: what was written, sorted by label."""

from __future__ import annotations

from voxlake.cli.label_documents import open_labels
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.output import Document, answer, facts


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


@grouped
def compact(name: Name, lake: InLake, answering: Answering) -> None:
    """Sort what was written to labels by label, so that one label is found in one request."""
    from voxlake.ngff import label_index

    opened = open_labels(lake, name)
    done = label_index.compact(opened.volume, opened.index_url)
    document = CompactDocument(
        name=name,
        number=done.number,
        shards=done.shards,
        rows=done.rows,
        merged=done.merged,
        swept=done.swept,
    )
    shown = facts(
        (
            ("manifest", document.number),
            ("shards taken in", document.shards),
            ("rows", document.rows),
            ("merged", document.merged),
            ("objects swept", document.swept),
        )
    )
    answer(document, [shown], json=answering.json)
