"""Labels: where they are, as of one state of their index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic_core import core_schema

from voxlake.documents.box import BoxDocument
from voxlake.documents.document import Document, Question
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.queries.morton import morton_ranges
from voxlake.ngff.labels.table import UNKNOWN, LabelExtent

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

    from voxlake.ngff.labels.queries.in_box import LabelsInBox
    from voxlake.ngff.labels.table import LabelTable
    from voxlake.ngff.labels.view import View

type Text = Annotated[int, PlainSerializer(str, return_type=str, when_used="json")]
"""A number inside, text in JSON, whose numbers end at 2^53 in much of the world."""

DIGITS = "^[0-9]{1,20}$"
AS_TEXT = core_schema.plain_serializer_function_ser_schema(
    str, return_schema=core_schema.str_schema(), when_used="json"
)


@dataclass(frozen=True, slots=True)
class Digits:
    """Whole numbers are taken, and text of their digits; floats may be rounded neighbours."""

    ge: int
    le: int

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        number = core_schema.int_schema(strict=True, ge=self.ge, le=self.le)
        digits = core_schema.str_schema(pattern=DIGITS, strict=True)
        text = core_schema.no_info_after_validator_function(int, digits)
        return core_schema.union_schema(
            [core_schema.chain_schema([text, number]), number],
            mode="left_to_right",
            custom_error_type="digits",
            custom_error_message=f"Input should be a whole number from {self.ge} to "
            f"{self.le}, or its digits as text",
            serialization=AS_TEXT,
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if handler.mode == "serialization":
            return {"type": "string"}
        number = {"type": "integer", "minimum": self.ge, "maximum": self.le}
        text = {"type": "string", "pattern": DIGITS, "examples": [str(self.le)]}
        return {"anyOf": [number, text]}


type Label = Annotated[int, Digits(0, MAX_LABEL)]
"""An id of a label, or 0 for the background."""

type LabelAsked = Annotated[int, Digits(1, MAX_LABEL)]
"""The same, without the background."""

MAX_LABELS = 100_000
"""Labels of one look-up, or one list."""
MAX_POINTS = 10_000
"""Points of one request."""

type Point = tuple[int, int, int]
"""A voxel z, y, x, or a cell of a grid."""


def _whole(value: object) -> object:
    """Return a float that is a whole number, and certainly that one, as such."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    return value


type Place = Annotated[int, BeforeValidator(_whole), Field(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A coordinate of a voxel that is asked for; programs that reckon with floats send 8.0 for 8."""
AT_TIME = "Time point; by default the first, which may be the only one."
type TimeAsked = Annotated[int | None, Field(ge=0, le=10**15, description=AT_TIME)]
type MortonRange = tuple[Text, Text]
"""Half-open."""


class StateDocument(Document):
    """Which state an answer by label is true of."""

    consistency: Literal["latest", "indexed", "snapshot"] = Field(
        description="`latest`: of the voxels as they are, as every shard was compared with the "
        "index. `indexed`: of all that was written by way of voxlake; what other programs wrote is "
        "seen after an audit. `snapshot`, while a job changes all labels: of `as_of`."
    )
    as_of: datetime | None = Field(description="When the index was made, of a snapshot.")
    mapping: int | None = Field(
        description="Number of the mapping from supervoxels to bodies that was applied, if asked."
    )

    @classmethod
    def of(cls, view: View, **more: Any) -> Self:
        """Return the document with the state of a view, and `more` of its fields."""
        return cls(
            consistency=view.state.consistency,
            as_of=view.state.as_of,
            mapping=view.labels.mapping_number,
            **more,
        )


class ExtentDocument(Document):
    """Where one label is, at level 0, and how large."""

    label: Label
    voxels: int
    box: BoxDocument = Field(description="The tightest box around it.")
    chunks: int | None = Field(
        description="Chunks that hold some of it; null: not counted, of a body in a list."
    )
    shards: int | None = Field(description="Shards that hold some of it, likewise.")

    @property
    def extent(self) -> LabelExtent:
        """The same as a value."""
        chunks, shards = (UNKNOWN if n is None else n for n in (self.chunks, self.shards))
        return LabelExtent(self.label, self.voxels, self.box.box, chunks, shards)


class FileDocument(Document):
    """A file that a command wrote."""

    what: str
    file: str
    bytes: int


class LabelDocument(StateDocument, ExtentDocument):
    """One label, and what was asked of it."""

    loose_box: BoxDocument = Field(description="The box, grown to whole chunks.")
    point: Point | None = Field(None, description="A voxel z, y, x inside it, if asked for.")
    cells: tuple[Point, ...] | None = Field(
        None, description="The chunks that hold it, as places in the grid of chunks, if asked for."
    )
    morton: tuple[MortonRange, ...] | None = Field(
        None, description="Half-open ranges of their Morton numbers."
    )
    written: tuple[FileDocument, ...] = Field((), description="Of a command: files it wrote.")


class ChunksDocument(StateDocument):
    """The chunks of level 0 that hold one label."""

    label: Label
    chunk: Point = Field(description="Voxels of a chunk, z, y, x.")
    cells: tuple[Point, ...] = Field(
        description="Their places z, y, x in the grid of chunks, in C order."
    )
    morton: tuple[MortonRange, ...] = Field(
        description="Half-open ranges of their Morton numbers, x in the lowest bit, as bossDB's."
    )


class LabelListDocument(StateDocument):
    """Some labels, and where they are, at level 0."""

    labels: tuple[ExtentDocument, ...]
    missing: tuple[Label, ...] = Field(
        (), description="Those that were asked for and that no voxel has."
    )
    next: Label | None = Field(
        None, description="Of a page: `after` for the next one; null: this is the last."
    )
    count: int | None = Field(None, description="Of a command: how many labels there are.")
    written: FileDocument | None = Field(None, description="Of a command: the file it wrote.")


class LabelsInBoxDocument(Document):
    """The labels with voxels in a box of level 0, background (0) left out: always the latest."""

    box: BoxDocument
    labels: tuple[Label, ...] = Field(description="Ascending; or the largest, largest first.")
    counts: tuple[int, ...] | None = Field(description="Voxels of each in the box, if asked for.")
    next: Label | None = Field(
        None, description="`after` for the next page; null: these are all, or the last of them."
    )
    mapping: int | None = Field(None, description="Number of the mapping that was applied.")
    count: int | None = Field(None, description="Of a command: how many labels there are.")
    written: FileDocument | None = Field(None, description="Of a command: the file it wrote.")


class PointsDocument(StateDocument):
    """Voxels that have one label, drawn uniformly; one may come twice."""

    label: Label
    points: tuple[Point, ...] = Field(description="z, y, x of each.")


class LabelsAtDocument(Document):
    """Which label is at each of some points."""

    labels: tuple[Label, ...] = Field(description="In the order of the points; 0: there is none.")
    mapping: int | None


class BlockDocument(Document):
    """Ids that nothing has and nobody else is given."""

    first: Label
    stop: Text = Field(description="One past the last.")


class LookupQuestion(Question):
    """Labels to look up."""

    labels: Annotated[tuple[LabelAsked, ...], Field(max_length=MAX_LABELS)]
    t: TimeAsked = None
    bodies: bool = Field(default=False, description="Apply the mapping from supervoxels to bodies.")


class PointsQuestion(Question):
    """Points of level 0 whose labels are asked for."""

    points: Annotated[tuple[tuple[Place, Place, Place], ...], Field(max_length=MAX_POINTS)] = Field(
        description="z, y, x of each."
    )
    t: TimeAsked = None
    bodies: bool = Field(default=False, description="Apply the mapping from supervoxels to bodies.")


class ReserveQuestion(Question):
    """How many ids to reserve."""

    count: LabelAsked = Field(description="From 1 on.")


def label_document(view: View, extent: LabelExtent, **more: Any) -> LabelDocument:
    """Return where a label is by a view, and `more` that was asked of it."""
    volume = view.labels.volume
    loose = extent.box.aligned(volume.chunk) & volume.box
    return LabelDocument.of(
        view,
        label=extent.label,
        voxels=extent.voxels,
        box=BoxDocument.of(extent.box),
        chunks=extent.chunks,
        shards=extent.shards,
        loose_box=BoxDocument.of(loose),
        **more,
    )


def chunks_document(view: View, label: int, cells: npt.NDArray[np.int64]) -> ChunksDocument:
    """Return the chunks that hold a label by a view."""
    chunk = view.labels.volume.chunk
    return ChunksDocument.of(view, label=label, chunk=chunk, **cells_and_morton(cells))


def cells_and_morton(cells: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return the fields `cells` and `morton` of a document."""
    return {"cells": cells.tolist(), "morton": morton_ranges(cells).tolist()}


def list_document(
    state: StateDocument, table: LabelTable, asked: Iterable[int] = (), **more: Any
) -> LabelListDocument:
    """Return labels in the order of a table, and those of `asked` that are not in it."""
    known = set(table.labels.tolist())
    return LabelListDocument(
        **dict(state),
        labels=tuple(_extents(table)),
        missing=tuple(label for label in asked if label not in known),
        **more,
    )


def in_box_document(
    box: Box, axes: tuple[str, ...], inside: LabelsInBox, **more: Any
) -> LabelsInBoxDocument:
    """Return the labels of a box."""
    return LabelsInBoxDocument(
        box=BoxDocument.of(box, axes),
        labels=inside.labels.tolist(),
        counts=None if inside.voxels is None else inside.voxels.tolist(),
        **more,
    )


def _extents(table: LabelTable) -> Iterable[ExtentDocument]:
    columns = (table.labels, table.voxels, table.start, table.stop, table.chunks, table.shards)
    lines = zip(*(column.tolist() for column in columns), strict=True)
    for label, voxels, start, stop, chunks, shards in lines:
        yield ExtentDocument(
            label=label,
            voxels=voxels,
            box=BoxDocument.of(Box(tuple(start), tuple(stop))),
            chunks=None if chunks == UNKNOWN else chunks,
            shards=None if shards == UNKNOWN else shards,
        )
