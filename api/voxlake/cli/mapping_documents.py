"""What the commands about bodies answer, and who gives them."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from rich.console import RenderableType

from voxlake.cli.label_documents import Id
from voxlake.cli.shown.output import facts
from voxlake.documents.document import Document

if TYPE_CHECKING:
    from voxlake.ngff.labels.mapping import Entry


class ChangeDocument(Document):
    """A change of a mapping from supervoxels to bodies."""

    name: str
    number: int
    """Number of the mapping after it."""
    kind: Literal["merge", "cleave", "replace"]
    by: str
    at: datetime
    into: Id | None
    """The body that there is after a merge or a cleave."""
    labels: tuple[Id, ...]
    """The bodies, or supervoxels, that became part of it."""


class MappingDocument(Document):
    """A mapping from supervoxels to bodies."""

    name: str
    number: int
    """Changes that there were; 0: nobody mapped anything."""
    supervoxels: int
    """Supervoxels that it names."""
    bodies: int
    """Bodies that these have, background left out."""
    changed: ChangeDocument | None
    """What the command changed, if it did."""


class BlockDocument(Document):
    """Ids that nothing has and nobody else is given."""

    name: str
    first: Id
    stop: Id
    """One past the last."""


def change_document(name: str, entry: Entry) -> ChangeDocument:
    """Return a change as what commands answer."""
    from voxlake.ngff.labels.mapping import Cleave, Merge

    labels: tuple[int, ...] = ()
    into: int | None = None
    match entry.operation:
        case Merge():
            into, labels = entry.operation.into, entry.operation.bodies
        case Cleave():
            into, labels = entry.operation.into, entry.operation.supervoxels
        case _:
            pass
    return ChangeDocument(
        name=name,
        number=entry.number,
        kind=entry.operation.kind,
        by=entry.by,
        at=entry.at,
        into=None if into is None else str(into),
        labels=tuple(map(str, labels)),
    )


def shown_change(document: ChangeDocument) -> Iterable[RenderableType]:
    """Yield what people are told of a change."""
    yield facts(
        (
            (document.kind, ", ".join(document.labels)),
            ("into", document.into),
            ("mapping", document.number),
        )
    )


def shown_mapping(document: MappingDocument) -> Iterable[RenderableType]:
    """Yield what people are told of a mapping."""
    yield facts(
        (
            ("mapping", document.number),
            ("supervoxels", document.supervoxels),
            ("bodies", document.bodies),
        )
    )


def who() -> str:
    """Return who gives a command; nothing where the system does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
