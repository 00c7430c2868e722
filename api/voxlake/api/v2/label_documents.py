"""The JSON documents about labels, bodies and objects. Ids are text: JSON numbers end at 2^53."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from voxlake.documents.box import BoxDocument
from voxlake.documents.document import Document
from voxlake.ngff.labels.objects import MAX_ID, ObjectType

MAX_LABELS = 100_000
"""Labels of one look-up, or one list."""
MAX_POINTS = 10_000
"""Points of one request."""
MAX_MEMBERS = 100_000
"""Labels of one merge or cleave."""

ObjectKind = ObjectType
"""RAMON's classes."""

type Label = Annotated[int, Field(ge=1, le=MAX_ID)]
type Id = Annotated[str, BeforeValidator(str), Field(examples=["18446744073709551615"])]


class Question(Document):
    """A frozen JSON document sent to the gateway; nothing else is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class State(Document):
    """Which state an answer by label is true of."""

    consistency: Literal["latest", "snapshot"] = Field(
        description="`snapshot` while a job changes all labels: the answer is that of `as_of`."
    )
    as_of: datetime | None = Field(description="When the index was made, of a snapshot.")
    mapping: int | None = Field(
        description="Number of the mapping from supervoxels to bodies that was applied, if asked."
    )


class LabelsDocument(Document):
    """The labels with voxels in a box of level 0, background (0) left out."""

    box: BoxDocument = Field(description="Half-open ranges of voxels by axis.")
    labels: list[str] = Field(description="Ascending; text, as JSON numbers end at 2^53.")
    counts: list[int] | None = Field(description="Voxels of each in the box, if asked for.")


class ExtentDocument(State):
    """Where one label is, at level 0."""

    label: str
    voxels: int
    box: BoxDocument = Field(
        description="The tightest box around it: half-open ranges of voxels by axis."
    )
    loose_box: BoxDocument = Field(description="The box, grown to whole chunks.")
    chunks: int = Field(description="Chunks that hold some of it.")
    shards: int = Field(description="Shards that hold some of it.")
    point: tuple[int, ...] | None = Field(description="A voxel z, y, x inside it, if asked for.")


class ChunksDocument(State):
    """The chunks of level 0 that hold one label."""

    label: str
    chunk: list[int] = Field(description="Voxels of a chunk, z, y, x.")
    cells: list[tuple[int, ...]] = Field(
        description="Their places z, y, x in the grid of chunks, in C order."
    )
    morton: list[tuple[str, str]] = Field(
        description="Half-open ranges of their Morton numbers, x in the lowest bit, as bossDB's."
    )


class LineDocument(Document):
    """One label in a list."""

    label: str
    voxels: int
    box: BoxDocument
    chunks: int | None = Field(description="None: not known of a body of several supervoxels.")
    shards: int | None


class LabelListDocument(State):
    """Some labels, and where they are, at level 0."""

    labels: list[LineDocument]
    missing: list[str] = Field(description="Those that were asked for and that no voxel has.")


class PointsDocument(State):
    """Voxels that have one label, drawn uniformly; one may come twice."""

    label: str
    points: list[tuple[int, ...]] = Field(description="z, y, x of each.")


class LabelsAtDocument(Document):
    """Which label is at each of some points."""

    labels: list[str] = Field(description="In the order of the points; `0` where there is none.")
    mapping: int | None


class BlockDocument(Document):
    """Ids that nothing has and nobody else is given."""

    first: str
    stop: str = Field(description="One past the last.")


class LookupQuestion(Question):
    """Labels to look up."""

    labels: Annotated[tuple[Label, ...], Field(max_length=MAX_LABELS)]
    bodies: bool = Field(default=False, description="Apply the mapping from supervoxels to bodies.")


class PointsQuestion(Question):
    """Points of level 0 whose labels are asked for."""

    points: Annotated[tuple[tuple[int, int, int], ...], Field(max_length=MAX_POINTS)] = Field(
        description="z, y, x of each."
    )
    bodies: bool = Field(default=False, description="Apply the mapping from supervoxels to bodies.")


class ReserveQuestion(Question):
    """How many ids to reserve."""

    count: int = Field(ge=1, le=MAX_ID)


class MergeQuestion(Question):
    """Bodies to merge into the first of them."""

    labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=MAX_MEMBERS)]


class CleaveQuestion(Question):
    """Supervoxels to take out of a body."""

    body: Label
    supervoxels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    into: Label | None = Field(
        None,
        description="The new body: an id that nothing has. Left out: the smallest of the "
        "supervoxels whose number no body has.",
    )


class EntryDocument(Document):
    """A change of a mapping, as the log has it."""

    number: int = Field(description="Number of the mapping after it.")
    kind: Literal["merge", "cleave"]
    by: str
    at: datetime
    into: str = Field(description="The body that there is after it.")
    labels: list[str] = Field(description="The bodies, or supervoxels, that became part of it.")


class MappingDocument(Document):
    """What is known of the merges of a dataset."""

    number: int = Field(description="Changes that there were; 0: nobody mapped anything.")
    supervoxels: int = Field(description="Supervoxels that the mapping names.")


class BodyDocument(Document):
    """Which body a label belongs to, and what belongs to it."""

    label: str
    number: int = Field(description="Number of the mapping that was asked.")
    body: str = Field(description="The body of the supervoxel `label`; `0`: the background.")
    supervoxels: list[str] = Field(
        description="The supervoxels of the body `label`; none if it is no body."
    )


class ObjectDocument(Document):
    """What is known of one label besides its voxels."""

    id: Id
    type: ObjectType
    name: str
    author: str
    status: str
    confidence: float | None
    parent: Id | None
    key_values: dict[str, str]
    created: datetime | None
    modified: datetime | None


class ObjectQuestion(Question):
    """An object, to be put in the place of what was known of the label."""

    type: ObjectType = ObjectType.GENERIC
    name: str = Field(default="", max_length=1000)
    author: str | None = Field(default=None, max_length=1000, description="Left out: who asks.")
    status: str = Field(default="", max_length=100)
    confidence: float | None = Field(default=None, ge=0, le=1)
    parent: Label | None = None
    key_values: dict[str, str] = Field(default_factory=dict, max_length=1000)


class ObjectsDocument(Document):
    """A page of objects, ascending by id."""

    objects: list[ObjectDocument]
    next: str | None = Field(description="`after` for the next page; None: this is the last.")
