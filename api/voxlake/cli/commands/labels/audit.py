"""``voxlake audit``: the shards that the label index is not true of."""

from __future__ import annotations

from voxlake.cli.opened.labels import open_labels
from voxlake.cli.options import Answering, InLake, Name
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.labels.index import AuditDocument
from voxlake.ngff.labels.upkeep import auditing


def audit(name: Name, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Find the shards that other programs wrote, for the label index; decodes no voxels."""
    labels = open_labels(lake, name)
    found = [(each.time, auditing.audit(each)) for each in labels.each_time()]
    document = AuditDocument(
        shards=sum(each.shards for _, each in found),
        marked=tuple((*time, *cell) for time, each in found for cell in each.marked),
        closed=sum(each.closed for _, each in found),
        cleared=sum(each.cleared for _, each in found),
    )
    shown = facts(
        (
            ("shards", document.shards),
            ("written by others", len(document.marked)),
            ("marks closed", document.closed),
            ("marks of jobs cleared", document.cleared),
        )
    )
    answer(document, [shown], json=answering.json)
