"""What the catalog knows of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.platform.names import DatasetName

type Kind = Literal["image", "labels"]


class DatasetState(StrEnum):
    """How far a dataset is."""

    INGESTING = "ingesting"
    """It can be read; what is not written yet reads as fill."""
    READY = "ready"
    FAILED = "failed"
    """Its ingest ended with tasks undone."""
    REMOVING = "removing"
    """It is being deleted: what is left of it on the store cannot be read as a dataset."""


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """One dataset as the catalog knows it.

    Raises
    ------
    InvalidInputError
        If an image claims to be labels of something, or `created_at` has no time zone.
    """

    name: DatasetName
    kind: Kind
    of: str | None
    """Labels only: the image of the same experiment that they belong to."""
    url: str
    """Path below the lake, or the full store URL of a dataset that is registered in place."""
    state: DatasetState
    public: bool
    """Whether everybody may read it."""
    created_at: datetime
    path: tuple[int, ...] = field(default=(), compare=False)
    """The ids of the nodes from the lake down to it; empty until the catalog has it."""
    description: str = field(default="", compare=False)
    """What people say of it."""

    @property
    def node(self) -> int:
        """Its id, which stays when it is renamed."""
        return self.path[-1]

    def __post_init__(self) -> None:
        if self.kind == "image" and self.of is not None:
            raise InvalidInputError(
                f"image {self.name} cannot belong to {self.of!r}; only labels belong to an image"
            )
        if self.created_at.tzinfo is None:
            raise InvalidInputError(f"created_at of {self.name} has no time zone; use UTC")


@dataclass(frozen=True, slots=True)
class DatasetFilter:
    """Which datasets are wanted of those that there are."""

    kind: Kind | None = None
    words: str = ""
    """Each of them begins a word of its name, of its description, or of a key or value of it."""
    family: str = ""
    """Name of an image, which is wanted with its labels; empty: any."""


EVERY_DATASET = DatasetFilter()
"""All of them."""
