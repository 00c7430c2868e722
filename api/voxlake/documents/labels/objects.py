"""Objects: what is known of labels besides their voxels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from voxlake.documents.document import Document, Question
from voxlake.documents.labels.labels import AT_TIME, MAX_LABELS, Label, LabelAsked
from voxlake.ngff.labels.objects.label_object import LabelObject, ObjectType, objects_of_table
from voxlake.ngff.labels.objects.reading import ObjectFilter
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

MAX_OBJECTS = 10_000
"""Objects that are put together."""


class ObjectDocument(Document):
    """What is known of one label besides its voxels: a `LabelObject`, its ids as text."""

    id: Label
    type: ObjectType
    name: str
    author: str
    status: str
    confidence: float | None
    parent: Label | None
    key_values: dict[str, str]
    created: datetime | None
    modified: datetime | None

    @property
    def value(self) -> LabelObject:
        """The same as a value."""
        return LabelObject.model_validate(self.model_dump())


class ObjectQuestion(Question):
    """An object, to be put in the place of what was known of the label."""

    type: ObjectType = ObjectType.GENERIC
    name: str = Field(default="", max_length=1000)
    author: str | None = Field(default=None, max_length=1000, description="Left out: who asks.")
    status: str = Field(default="", max_length=100)
    confidence: float | None = Field(default=None, ge=0, le=1)
    parent: LabelAsked | None = None
    key_values: dict[str, str] = Field(default_factory=dict, max_length=1000)

    @classmethod
    def of(cls, item: LabelObject) -> ObjectQuestion:
        """Return what puts an object."""
        return cls.model_validate(item.model_dump(exclude={"id", "created", "modified"}))

    def value(self, label: int, by: str) -> LabelObject:
        """Return the object to put; `by` is its author unless another is given."""
        return LabelObject.model_validate(
            self.model_dump() | {"id": label, "author": self.author or by}
        )


class ObjectsFilter(Document):
    """Which objects are meant: those that fit all that is given."""

    type: ObjectType | None = None
    name_prefix: str = Field("", description="How the name begins, in its own case.")
    status: str | None = None
    key: str | None = Field(None, description="A key that it has, with `value`.")
    value: str | None = None

    @property
    def where(self) -> ObjectFilter:
        """The filter.

        Raises
        ------
        InvalidInputError
            If there is a key without a value, or the other way round.

        Examples
        --------
        >>> ObjectsFilter(status="traced", key="side", value="L").where.key_value
        ('side', 'L')
        """
        pair = None if self.key is None or self.value is None else (self.key, self.value)
        if pair is None and self.key != self.value:
            raise InvalidInputError("a key and its value belong together; give both, or neither")
        return ObjectFilter(self.type, self.name_prefix, self.status, pair)


class TopQuery(ObjectsFilter):
    """How many labels, and of which: those whose objects fit, if anything is said of objects."""

    n: int = Field(10, ge=1, le=MAX_LABELS, description="How many.")
    t: int | None = Field(None, ge=0, lt=10**15, description=AT_TIME)
    bodies: bool = Field(default=False, description="Apply the mapping: ids are of bodies.")


class ObjectsQuery(ObjectsFilter):
    """A page of objects."""

    after: int = Field(0, ge=0, lt=1 << 64, description="Only ids above it: `next` of a page.")
    limit: int = Field(1000, ge=1, le=MAX_LABELS, description="Most objects of the page.")


class ObjectsDocument(Document):
    """Objects, ascending by id."""

    objects: tuple[ObjectDocument, ...]
    next: Label | None = Field(
        None, description="Of a page: `after` for the next one; null: this is the last."
    )
    missing: tuple[Label, ...] = Field(
        (), description="Labels that were asked for and that have no object."
    )


class NamedObject(ObjectQuestion):
    """One object of several that are put."""

    id: LabelAsked


class PutQuestion(Question):
    """Objects, each to be put in the place of what was known of its label."""

    objects: Annotated[tuple[NamedObject, ...], Field(max_length=MAX_OBJECTS)]

    def values(self, by: str) -> list[LabelObject]:
        """Return the objects to put; `by` is the author of those that name none."""
        return [each.value(each.id, by) for each in self.objects]


class IdsQuestion(Question):
    """Labels whose objects are meant."""

    labels: Annotated[tuple[LabelAsked, ...], Field(max_length=MAX_LABELS)]


class ObjectsChangedDocument(Document):
    """What became of objects that were put or deleted together."""

    number: int = Field(description="Number of the state of all objects after it.")


def objects_document(
    table: pa.Table, after: int | None = None, asked: Iterable[int] = ()
) -> ObjectsDocument:
    """Return the objects of a table, `after` of its next page, and those of `asked` without one."""
    objects = tuple(map(ObjectDocument.model_validate, objects_of_table(table)))
    known = {each.id for each in objects}
    missing = tuple(label for label in asked if label not in known)
    return ObjectsDocument(objects=objects, next=after, missing=missing)
