"""What was deleted: what of it can be brought back, and what is gone for good."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from voxlake.documents.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.ngff.storage.deleted import Purged
    from voxlake.platform.catalog.data.deleted_places import DeletedPlace
    from voxlake.platform.names import DatasetName


class DeletedDocument(Document):
    """Something that was deleted, and can be brought back."""

    id: int = Field(description="By which it is brought back, or purged.")
    name: str = Field(description="What it was called, from the collection down.")
    kind: Literal["collection", "experiment", "image", "labels"]
    with_it: tuple[str, ...] = Field(
        (), description="What was deleted with it, and comes back with it."
    )
    deleted_at: datetime
    purge_at: datetime = Field(description="From when on a worker deletes it for good.")
    job: str | None = Field(None, description="Of a dataset: the job that does it.")


class DeletedList(Document):
    """What was deleted and the asker can bring back, the last deleted first."""

    deleted: tuple[DeletedDocument, ...]
    next: int | None = Field(
        None, description="What to ask for `after`, for the next page; null: there is none."
    )


class RestoredDocument(Document):
    """What was brought back."""

    restored: str = Field(description="What it is called.")
    before: str = Field(description="What it was called.")
    with_it: tuple[str, ...] = Field((), description="Names of what came back with it.")


class PurgedDocument(Document):
    """A dataset that was deleted for good."""

    dataset: str
    objects: int = Field(description="How many lay on the store, all of which are deleted.")
    bytes: int
    folders: tuple[str, ...] = Field(
        description="Paths below the lake at which nothing is left: they were listed."
    )
    keeps_versions: bool = Field(
        description="Whether the bucket keeps what was deleted as old versions, until a rule of it "
        "ends them."
    )

    @property
    def in_short(self) -> str:
        """What the audit says."""
        kept = "; the bucket keeps old versions" if self.keeps_versions else ""
        return f"{self.objects} objects of {self.bytes} bytes, nothing is left{kept}"


class PurgeDocument(Document):
    """What was purged by a command."""

    name: str
    job: str | None = Field(description="Null: a collection or experiment, of which all is told.")
    purged: tuple[PurgedDocument, ...] = Field(description="The datasets that went.")


class PrunedDocument(Document):
    """What a catalog has forgotten, as it is told to keep things for a while alone."""

    audit: int = Field(description="Entries of the audit.")
    usage: int = Field(description="Days and months of which is not known any more what was used.")
    jobs: int = Field(description="Jobs that were done or cancelled.")
    places: int = Field(description="Experiments and collections that were deleted.")


def deleted_document(place: DeletedPlace, with_it: Iterable[str]) -> DeletedDocument:
    """Return what was deleted."""
    return DeletedDocument.model_validate(
        {
            "id": place.node,
            "name": str(place),
            "kind": place.kind,
            "with_it": tuple(with_it),
            "deleted_at": place.deleted_at,
            "purge_at": place.purge_at,
            "job": place.job,
        }
    )


def purged_document(name: DatasetName, purged: Purged) -> PurgedDocument:
    """Return what was deleted of a dataset."""
    return PurgedDocument(
        dataset=str(name),
        objects=purged.objects,
        bytes=purged.bytes,
        folders=purged.folders,
        keeps_versions=purged.keeps_versions,
    )
