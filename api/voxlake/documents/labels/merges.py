"""Merges: which supervoxels are one body, and what has changed it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from voxlake.documents.document import Document, Question
from voxlake.documents.labels.labels import Label, LabelAsked
from voxlake.ngff.labels.mapping.log import Cleave, Merge
from voxlake.ngff.labels.mapping.mapping import bodies_of, supervoxels_of

if TYPE_CHECKING:
    from voxlake.ngff.labels.mapping.log import Entry
    from voxlake.ngff.labels.mapping.mapping import Mapping
    from voxlake.ngff.labels.mapping.table import Pairs

MAX_MEMBERS = 100_000
"""Labels of one merge or cleave."""
MAX_CHANGES = 1000
"""Changes of one page."""


class ChangeDocument(Document):
    """A change of the mapping from supervoxels to bodies, as the log has it."""

    number: int = Field(description="Number of the mapping after it.")
    kind: Literal["merge", "cleave", "replace"]
    by: str = Field(description="Who asked for it.")
    at: datetime
    into: Label | None = Field(description="The body that there is after a merge or a cleave.")
    body: Label | None = Field(description="The body that a cleave took supervoxels from.")
    labels: tuple[Label, ...] = Field(
        description="The bodies, or supervoxels, that became part of it."
    )


class HistoryDocument(Document):
    """Changes of a mapping, the earliest first."""

    changes: tuple[ChangeDocument, ...]
    next: int | None = Field(description="`after` for the next page; null: this is the last.")


class UndoQuestion(Question):
    """Which change to undo."""

    number: int = Field(ge=1, lt=1 << 63, description="Its number, as the history has it.")


class MappingDocument(Document):
    """A mapping from supervoxels to bodies."""

    number: int = Field(description="Changes that there were; 0: nobody mapped anything.")
    supervoxels: int = Field(description="Supervoxels that it names.")
    bodies: int | None = Field(
        None, description="Of a command: bodies that these have, background left out."
    )
    changed: ChangeDocument | None = Field(None, description="Of a command: what it changed.")


class BodyDocument(Document):
    """Which body a label belongs to, and what belongs to it."""

    label: Label
    number: int = Field(description="Number of the mapping that was asked.")
    body: Label = Field(description="The body of the supervoxel `label`; 0: the background.")
    supervoxels: tuple[Label, ...] = Field(
        description="The supervoxels of the body `label`; none if it is no body."
    )


class PairsDocument(Document):
    """Supervoxels, and the body of each."""

    number: int = Field(description="Number of the mapping that was asked.")
    supervoxels: tuple[Label, ...]
    bodies: tuple[Label, ...] = Field(description="In the same order; 0: the background.")
    next: Label | None = Field(
        None, description="Of a page: `after` for the next one; null: this is the last."
    )


class BodiesQuestion(Question):
    """Supervoxels whose bodies are asked for."""

    labels: Annotated[tuple[LabelAsked, ...], Field(max_length=MAX_MEMBERS)]


class MergeQuestion(Question):
    """Bodies to merge into the first of them."""

    labels: Annotated[tuple[LabelAsked, ...], Field(min_length=2, max_length=MAX_MEMBERS)]


class CleaveQuestion(Question):
    """Supervoxels to take out of a body."""

    body: LabelAsked
    supervoxels: Annotated[tuple[LabelAsked, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    into: LabelAsked | None = Field(
        None,
        description="The new body: an id that nothing has. Left out: the smallest of the "
        "supervoxels whose number no body has.",
    )


def change_document(entry: Entry) -> ChangeDocument:
    """Return an entry of the log."""
    labels: tuple[int, ...] = ()
    into: int | None = None
    body: int | None = None
    match entry.operation:
        case Merge(into=into, bodies=labels):
            pass
        case Cleave(body=body, into=into, supervoxels=labels):
            pass
    return ChangeDocument(
        number=entry.number,
        kind=entry.operation.kind,
        by=entry.by,
        at=entry.at,
        into=into,
        body=body,
        labels=labels,
    )


def history_document(entries: list[Entry], limit: int) -> HistoryDocument:
    """Return a page of the log, of which one entry more than the limit says that there are more."""
    page = tuple(map(change_document, entries[:limit]))
    return HistoryDocument(changes=page, next=page[-1].number if len(entries) > limit else None)


def mapping_document(
    mapping: Mapping, bodies: int | None = None, changed: ChangeDocument | None = None
) -> MappingDocument:
    """Return how far a mapping is."""
    return MappingDocument(
        number=mapping.number, supervoxels=len(mapping.pairs), bodies=bodies, changed=changed
    )


def pairs_document(number: int, pairs: Pairs, after: int | None = None) -> PairsDocument:
    """Return supervoxels and their bodies, as of the number of a mapping."""
    return PairsDocument(
        number=number,
        supervoxels=pairs.supervoxels.tolist(),
        bodies=pairs.bodies.tolist(),
        next=after,
    )


def body_document(mapping: Mapping, label: int) -> BodyDocument:
    """Return which body a label belongs to, and what belongs to it."""
    return BodyDocument(
        label=label,
        number=mapping.number,
        body=int(bodies_of(mapping, [label])[0]),
        supervoxels=supervoxels_of(mapping, label).tolist(),
    )
