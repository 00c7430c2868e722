"""``voxlake audit``: the shards that the label index is not true of."""

from __future__ import annotations

from voxlake.cli.label_documents import open_labels
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.document import Document


class AuditDocument(Document):
    """What an audit found."""

    name: str
    shards: int
    """Shards that are stored."""
    marked: tuple[tuple[int, ...], ...]
    """Cells z, y, x of the write grid of which the index tells another state."""
    closed: int
    """Marks of writers that are taken for dead."""
    cleared: int
    """Marks of jobs on all labels that are taken for dead."""


@grouped
def audit(name: Name, lake: InLake, answering: Answering) -> None:
    """Find the shards that other programs wrote, for the label index; reads no voxels."""
    from voxlake.ngff.labels.upkeep import auditing

    opened = open_labels(lake, name)
    found = auditing.audit(opened.volume, opened.index_url)
    document = AuditDocument(
        name=name,
        shards=found.shards,
        marked=found.marked,
        closed=found.closed,
        cleared=found.cleared,
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
