"""Segment properties: the objects as Neuroglancer lists, colours and searches them.

Written after the JSON schema and the parser of Neuroglancer: google/neuroglancer,
``src/datasource/precomputed/json_schema/segment_properties.yml`` and ``frontend.ts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from voxlake.ngff.labels.objects.label_object import PUBLIC_SCHEMA
from voxlake.ngff.labels.objects.reading import MAX_PAGE, get_objects, list_objects
from voxlake.ngff.versioned.document import Document
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.labels.table import LabelTable
    from voxlake.platform.store import StoreURL

NO_CONFIDENCE = -1.0
"""Confidence of an object of which nobody said one: JSON has no NaN."""


class Property(Document):
    """One property, with a value for each segment."""

    id: str
    type: Literal["label", "description", "string", "tags", "number"]
    description: str | None = None
    tags: tuple[str, ...] | None = None
    data_type: Literal["uint32", "float32"] | None = None
    values: tuple[str | int | float | tuple[int, ...], ...]


class Inline(Document):
    """Segments and their properties."""

    ids: tuple[str, ...]
    """In decimal."""
    properties: tuple[Property, ...]


class SegmentProperties(Document):
    """The document ``info`` of a folder of segment properties."""

    kind: Literal["neuroglancer_segment_properties"] = Field(
        default="neuroglancer_segment_properties", alias="@type"
    )
    inline: Inline

    def to_json(self) -> bytes:
        """Return the document as it is served."""
        return self.model_dump_json(exclude_none=True).encode()


def segment_properties(
    index_url: StoreURL, labels: LabelTable | None = None, limit: int = MAX_PAGE
) -> SegmentProperties:
    """Return the objects as Neuroglancer's segment properties.

    Names are labels, the value of the key ``description`` is the description, type and status
    are tags (in lower case, spaces as ``_``), the author is a string, confidence and voxels
    numbers.

    Parameters
    ----------
    labels
        What is in the voxels. Given: the largest `limit` of them, whether they have an object or
        not, with their voxel counts. Not given: the objects of the lowest `limit` ids.
    limit
        Most segments, up to `MAX_PAGE`: the browser holds all of them.

    Raises
    ------
    InvalidInputError
        If `limit` is out of range.
    """
    if labels is None:
        objects = list_objects(index_url, limit=limit).table
        return _document(objects["id"].to_numpy(), objects, [])
    if not 0 < limit <= MAX_PAGE:
        raise InvalidInputError(f"{limit} segments cannot be shown; ask for 1 to {MAX_PAGE}")
    largest = labels.largest(limit)
    order = np.argsort(largest.labels)
    ids = largest.labels[order]
    objects = spread_over(ids, get_objects(index_url, ids))
    return _document(ids, objects, [_voxels(largest.voxels[order])])


def sized_properties(objects: pa.Table, found: LabelTable) -> SegmentProperties:
    """Return objects, ascending by id, as such properties, with their voxel counts.

    Parameters
    ----------
    found
        What is in the voxels, of the labels of the objects; of others there is no voxel.
    """
    ids = objects["id"].to_numpy()
    voxels = np.zeros(len(ids), np.uint64)
    voxels[np.searchsorted(ids, found.labels)] = found.voxels
    return _document(ids, objects, [_voxels(voxels)])


def spread_over(ids: npt.NDArray[np.uint64], objects: pa.Table) -> pa.Table:
    """Return one row for each of `ids`, ascending; nulls where there is no object."""
    if not len(objects):
        nullable = [field.with_nullable(nullable=True) for field in PUBLIC_SCHEMA]
        return pa.Table.from_pylist([{}] * len(ids), schema=pa.schema(nullable))
    known = objects["id"].to_numpy()
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    lines: pa.Int64Array = pa.array(places, pa.int64(), mask=known[places] != ids)
    return objects.combine_chunks().take(lines)


def _document(
    ids: npt.NDArray[np.uint64], objects: pa.Table, numbers: list[Property]
) -> SegmentProperties:
    texts = {name: _text(objects, name) for name in ("name", "author")}
    keys = objects["key_values"].to_pylist()
    descriptions = tuple(dict(pairs or ()).get("description", "") for pairs in keys)
    confidence = objects["confidence"].to_pylist()
    properties = (
        Property(id="name", type="label", values=texts["name"]),
        Property(id="description", type="description", values=descriptions),
        _tags(_text(objects, "type"), _text(objects, "status")),
        Property(id="author", type="string", values=texts["author"]),
        Property(
            id="confidence",
            type="number",
            description=f"From 0 to 1; {NO_CONFIDENCE:.0f} where nobody said",
            data_type="float32",
            values=tuple(NO_CONFIDENCE if value is None else value for value in confidence),
        ),
        *numbers,
    )
    return SegmentProperties(inline=Inline(ids=tuple(map(str, ids)), properties=properties))


def _text(objects: pa.Table, name: str) -> tuple[str, ...]:
    return tuple(value or "" for value in objects[name].to_pylist())


def _tags(*columns: tuple[str, ...]) -> Property:
    """Return the tags of each segment, as ascending places in the list of all tags."""
    rows = list(zip(*columns, strict=True))
    words = {row: {_tag(word) for word in row} - {""} for row in set(rows)}
    tags = sorted(set().union(*words.values()))
    place = {tag: number for number, tag in enumerate(tags)}
    places = {row: tuple(sorted(place[tag] for tag in found)) for row, found in words.items()}
    values = tuple(places[row] for row in rows)
    return Property(id="tags", type="tags", tags=tuple(tags), values=values)


def _tag(word: str) -> str:
    """Return a tag: they have no spaces, do not begin with ``#``, and ignore case."""
    return "_".join(word.lower().split()).lstrip("#")


def _voxels(voxels: npt.NDArray[np.uint64]) -> Property:
    """Return the counts, rounded to float32 where one does not fit 32 bits: there is no uint64."""
    exact = not len(voxels) or int(voxels.max()) < 1 << 32
    return Property(
        id="voxels",
        type="number",
        description="Voxels of the label" if exact else "Voxels of the label, rounded",
        data_type="uint32" if exact else "float32",
        values=tuple(voxels.tolist()),
    )
