"""Documents made of what is known of labels. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.data.labels import Answer, Located
from voxlake.api.v2.label_documents import (
    BodyDocument,
    ChunksDocument,
    EntryDocument,
    ExtentDocument,
    LabelListDocument,
    LineDocument,
    MappingDocument,
    ObjectDocument,
    ObjectQuestion,
    ObjectsDocument,
    PointsDocument,
)
from voxlake.documents.box import BoxDocument
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.mapping import (
    UNKNOWN,
    Entry,
    Mapping,
    Merge,
    bodies_of,
    supervoxels_of,
)
from voxlake.ngff.labels.objects import LabelObject, ObjectFilter, ObjectPage, objects_of_table
from voxlake.ngff.labels.queries.morton import morton_ranges
from voxlake.ngff.labels.table import LabelTable
from voxlake.platform.errors import InvalidInputError


def extent_document(found: Answer[Located]) -> ExtentDocument:
    """Return where a label is."""
    extent = found.value.extent
    return ExtentDocument(
        **_state(found),
        label=str(extent.label),
        voxels=extent.voxels,
        box=BoxDocument.of(extent.box),
        loose_box=BoxDocument.of(found.value.loose_box),
        chunks=extent.chunks,
        shards=extent.shards,
        point=found.value.point,
    )


def chunks_document(
    label: int, chunk: tuple[int, ...], found: Answer[npt.NDArray[np.int64]]
) -> ChunksDocument:
    """Return the chunks that hold a label."""
    ranges = morton_ranges(found.value).tolist()
    return ChunksDocument(
        **_state(found),
        label=str(label),
        chunk=list(chunk),
        cells=[tuple(cell) for cell in found.value.tolist()],
        morton=[(str(first), str(stop)) for first, stop in ranges],
    )


def list_document(found: Answer[LabelTable], asked: Iterable[int] = ()) -> LabelListDocument:
    """Return labels in the order of a table, and those of `asked` that are not in it."""
    table = found.value
    known = set(table.labels.tolist())
    return LabelListDocument(
        **_state(found),
        labels=_lines(table),
        missing=[str(label) for label in asked if label not in known],
    )


def points_document(label: int, found: Answer[npt.NDArray[np.int64]]) -> PointsDocument:
    """Return voxels of a label."""
    points = [tuple(point) for point in found.value.tolist()]
    return PointsDocument(**_state(found), label=str(label), points=points)


def entry_document(entry: Entry) -> EntryDocument:
    """Return a merge or a cleave."""
    operation = entry.operation
    assert operation.kind != "replace", "routes do not replace mappings"
    labels = operation.bodies if isinstance(operation, Merge) else operation.supervoxels
    return EntryDocument(
        number=entry.number,
        kind=operation.kind,
        by=entry.by,
        at=entry.at,
        into=str(operation.into),
        labels=list(map(str, labels)),
    )


def body_document(mapping: Mapping, label: int) -> BodyDocument:
    """Return which body a label belongs to, and what belongs to it."""
    return BodyDocument(
        label=str(label),
        number=mapping.number,
        body=str(bodies_of(mapping, [label])[0]),
        supervoxels=list(map(str, supervoxels_of(mapping, label).tolist())),
    )


def mapping_document(mapping: Mapping) -> MappingDocument:
    """Return how far a mapping is."""
    return MappingDocument(number=mapping.number, supervoxels=len(mapping.pairs))


def where_of(wanted: dict[str, Any]) -> ObjectFilter:
    """Return the filter of a query.

    Raises
    ------
    InvalidInputError
        If there is a key without a value, or the other way round.

    Examples
    --------
    >>> where_of({"status": "traced", "key": "side", "value": "L"}).key_value
    ('side', 'L')
    """
    key, value = wanted.pop("key", None), wanted.pop("value", None)
    if (key is None) != (value is None):
        raise InvalidInputError("a key and its value belong together; give both, or neither")
    return ObjectFilter(**wanted, key_value=None if key is None else (key, value))


def object_of(label: int, asked: ObjectQuestion, by: str) -> LabelObject:
    """Return the object to put; `by` is its author unless another is given."""
    given = asked.model_dump()
    return LabelObject.model_validate(given | {"id": label, "author": asked.author or by})


def object_document(found: LabelObject) -> ObjectDocument:
    """Return what is known of a label besides its voxels."""
    return ObjectDocument.model_validate(found.model_dump())


def objects_document(page: ObjectPage) -> ObjectsDocument:
    """Return a page of objects."""
    return ObjectsDocument(
        objects=[object_document(each) for each in objects_of_table(page.table)],
        next=None if page.next is None else str(page.next),
    )


def _state(found: Answer[Any]) -> dict[str, Any]:
    return {
        "consistency": "latest" if found.as_of is None else "snapshot",
        "as_of": found.as_of,
        "mapping": found.mapping,
    }


def _lines(table: LabelTable) -> list[LineDocument]:
    columns = (table.labels, table.voxels, table.start, table.stop, table.chunks, table.shards)
    return [
        LineDocument(
            label=str(label),
            voxels=voxels,
            box=BoxDocument.of(Box(tuple(start), tuple(stop))),
            chunks=None if chunks == UNKNOWN else chunks,
            shards=None if shards == UNKNOWN else shards,
        )
        for label, voxels, start, stop, chunks, shards in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]
