"""``voxlake compact``: what was written, sorted by label."""

from __future__ import annotations

from voxlake.cli.opened.labels import open_labels
from voxlake.cli.options import Answering, InLake, Name
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.labels.index import CompactionDocument, ObjectSegmentsDocument
from voxlake.ngff.labels.mapping.changes import snapshot
from voxlake.ngff.labels.objects.writing import compact_objects
from voxlake.ngff.labels.upkeep import compaction


def compact(name: Name, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Bring what was written into the order of labels: voxels, metadata of labels, and merges.

    One label is then found in one request. Nothing changes but the time that answers take.
    """
    labels = open_labels(lake, name)
    done = [compaction.compact(each) for each in labels.each_time()]
    document = CompactionDocument(
        number=max((each.number for each in done if each.number is not None), default=None),
        shards=sum(each.shards for each in done),
        rows=sum(each.rows for each in done),
        merged=any(each.merged for each in done),
        swept=sum(each.swept for each in done),
        objects=ObjectSegmentsDocument.model_validate(compact_objects(labels.index_url)),
        mapping=snapshot(labels.index_url),
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
