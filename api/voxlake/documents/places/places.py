"""Collections, experiments and coordinate frames, and what people say of any place."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from voxlake.documents.document import Document

if TYPE_CHECKING:
    from voxlake.platform.catalog.data.frames import Frame
    from voxlake.platform.catalog.data.node_records import NodeRecord


class PlaceDocument(Document):
    """A collection, an experiment or a dataset."""

    name: str = Field(description="From the collection down.", examples=["flyem/medulla"])
    kind: Literal["collection", "experiment", "dataset"]
    description: str = ""
    public: bool = Field(description="Whether everybody may read it.")
    created_at: datetime
    created_by: str | None = Field(
        None, description="Who made it, if that is known and it was asked for by itself."
    )
    frame: str | None = Field(None, description="Of an experiment: the frame that it lies in.")


class PlaceList(Document):
    """Places, sorted by their names from the collection down."""

    places: tuple[PlaceDocument, ...]


class PlacePage(PlaceList):
    """Places, or a page of them."""

    next: str | None = Field(
        None, description="What to ask for `after`, for the next page; null: there is none."
    )


class FoundPage(PlacePage):
    """What a search finds, or a page of it."""

    count: int | None = Field(None, description="Of all that is found, if that was asked for.")


class RemovedPlaceDocument(Document):
    """A collection or an experiment that is deleted."""

    removed: str = Field(description="Its name, which is free.")
    datasets: tuple[str, ...] = Field((), description="Those that went with it.")


class ValuesDocument(Document):
    """What people say of a place, by key."""

    values: dict[str, str]


class KeyList(Document):
    """The keys under which something is said of a place, sorted."""

    keys: tuple[str, ...]


class ValueDocument(Document):
    """What is said of a place under a key."""

    key: str
    value: str


class FrameDocument(Document):
    """A coordinate frame; all is in the order z, y, x."""

    name: str = Field(examples=["hemibrain"])
    description: str = ""
    start: tuple[int, int, int] = Field(description="The first voxel.")
    stop: tuple[int, int, int] = Field(description="The first that is beyond it.")
    voxel_size: tuple[float, float, float] = Field(description="In its unit.")
    unit: Literal["nanometer", "micrometer", "millimeter", "centimeter"]


class FrameList(Document):
    """The coordinate frames of a lake, sorted by name."""

    frames: tuple[FrameDocument, ...]


def place_document(record: NodeRecord, created_by: str | None = None) -> PlaceDocument:
    """Return a place."""
    return PlaceDocument.model_validate(
        {
            "name": str(record),
            "kind": record.kind,
            "description": record.description,
            "public": record.public,
            "created_at": record.created_at,
            "created_by": created_by,
            "frame": record.frame,
        }
    )


def frame_document(frame: Frame) -> FrameDocument:
    """Return a coordinate frame."""
    return FrameDocument.model_validate(frame)
