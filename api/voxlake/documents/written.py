"""Files that a command wrote beside its answer."""

from __future__ import annotations

from voxlake.documents.document import Document


class WrittenDocument(Document):
    """A file that a command wrote."""

    what: str
    file: str
    bytes: int
