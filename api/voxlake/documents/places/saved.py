"""What a catalog says of places, as it is saved on the store; and what was made of it anew."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document
from voxlake.documents.places.places import FrameDocument


class SavedPlanDocument(Document):
    """What new datasets of an experiment are made by."""

    levels: int
    method: Literal["anisotropic", "isotropic"]
    times: int
    time_step: int | None
    time_unit: str


class SavedShownDocument(Document):
    """Where in a dataset clients of bossDB begin."""

    level: int
    time: int


class SavedDatasetDocument(Document):
    """What there is to say of a dataset besides."""

    kind: Literal["image", "labels"]
    of: str | None
    url: str
    created_at: datetime
    sources: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    first_shown: SavedShownDocument | None = None


class SavedPlaceDocument(Document):
    """A collection, an experiment or a dataset, and what people say of it."""

    node: int
    names: tuple[str, ...] = Field(min_length=1, max_length=3)
    description: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    frame: str | None = None
    plan: SavedPlanDocument | None = None
    dataset: SavedDatasetDocument | None = None


class SavedPlacesDocument(Document):
    """All that is saved of a catalog: ``.voxlake/places.json`` of a lake."""

    voxlake: Literal["places"] = "places"
    made_at: datetime = Field(description="When the catalog was made.")
    changes: int = Field(description="How many changes it had had.")
    frames: tuple[FrameDocument, ...]
    places: tuple[SavedPlaceDocument, ...]


class SavedDocument(Document):
    """That what the catalog says of places is saved."""

    saved: str = Field(description="The address of the document.")
    places: int
    frames: int


class RebuiltDocument(Document):
    """What a catalog did not know, and knows now; or would."""

    lake: str
    dry_run: bool = Field(description="Whether nothing was changed.")
    datasets: tuple[str, ...] = Field(description="Datasets that the store holds.")
    registered: tuple[str, ...] = Field(description="Datasets that are registered in place.")
    places: tuple[str, ...] = Field(description="Collections and experiments.")
    frames: tuple[str, ...] = Field(description="Coordinate frames.")
    values: int = Field(description="Values that people gave keys of places.")
    descriptions: int = Field(description="Descriptions of places.")
    faults: dict[str, str] = Field(
        description="Groups below it that are damaged or no datasets, and what is wrong with each."
    )
    unknown: tuple[str, ...] = Field(description="What could not be known.")
