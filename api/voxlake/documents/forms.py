"""What people fill in on pages of the console, where that is not what programs send."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from voxlake.documents.document import Question
from voxlake.documents.jobs.asked import JobQuestion, Location, NamedAxes, NumberName
from voxlake.documents.people.asked import (
    Line,
    MemberQuestion,
    Name,
    RoleName,
    ShareQuestion,
    TokenQuestion,
)
from voxlake.documents.people.links import LinkQuestion
from voxlake.documents.places.asked import (
    CollectionChange,
    DatasetText,
    EmptyQuestion,
    Extent,
    Length,
    RestoreQuestion,
    Text,
)
from voxlake.documents.viewer.states import MOST_TITLE
from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.platform.access import LakeRole
from voxlake.platform.names import NAME, DatasetName

Day = Annotated[date, Field(ge=date(1970, 1, 1), lt=date(8999, 12, 31))]
"""A day in UTC."""
Unit = Literal["nanometer", "micrometer", "millimeter", "centimeter"]
Key = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", min_length=1, max_length=255)]


class ChangeForm(Question):
    """What is to be another of a place."""

    name: Name | None = None
    description: Text = ""

    @property
    def question(self) -> CollectionChange:
        """As programs ask it."""
        return CollectionChange(name=self.name, description=self.description)


class ValueForm(Question):
    """What is to be said under a key."""

    key: Key
    value: Text = ""


class KeyForm(Question):
    """The key under which nothing is to be said."""

    key: Key


class DeletionForm(Question):
    """What is to be deleted."""

    typed: str = Field(description="Its name, typed once more.", max_length=1000)
    with_labels: bool = Field(default=False, description="Of an image: its labels with it.")


class RestoreForm(RestoreQuestion):
    """What is to be brought back, and how it is to be called."""

    id: int = Field(ge=1, lt=2**63)


class DatasetForm(Question):
    """An empty dataset that is to be."""

    name: Name
    kind: Literal["image", "labels"]
    dtype: Literal["uint8", "uint16", "uint32", "uint64", "float32"] | None = None
    of: Name | None = Field(None, description="The image that labels belong to.")
    z: Extent | None = Field(None, description="Voxels along z; of labels of an image as it has.")
    y: Extent | None = None
    x: Extent | None = None
    size_z: Length | None = Field(None, description="Of a voxel along z, in its unit.")
    size_y: Length | None = None
    size_x: Length | None = None
    unit: Unit = "nanometer"
    description: Text = ""

    @model_validator(mode="after")
    def _check_axes(self) -> Self:
        _check_whole("voxels", (self.z, self.y, self.x))
        _check_whole("size", (self.size_z, self.size_y, self.size_x))
        return self

    @property
    def question(self) -> EmptyQuestion:
        """As programs ask it."""
        return EmptyQuestion(
            kind=self.kind,
            dtype=self.dtype,
            of=self.of,
            shape=_whole(self.z, self.y, self.x),
            voxel_size=_whole(self.size_z, self.size_y, self.size_x),
            unit=self.unit,
            description=self.description,
        )


class JobForm(Question):
    """A job on a dataset."""

    kind: Literal["downsample", "index", "verify", "fsck"]
    dataset: DatasetText

    @property
    def question(self) -> JobQuestion:
        """As programs ask it."""
        return JobQuestion.model_validate(self.model_dump())


class LookForm(Question):
    """A source that is to be looked at."""

    source: Location
    axes: NamedAxes = Field("", description="By default as the source says.")


class IngestForm(Question):
    """What is to become a new dataset of an experiment."""

    name: Name
    source: Location
    as_kind: Literal["image", "labels"]
    of: Name | None = Field(None, description="The image that labels belong to.")
    size_z: Length | None = Field(None, description="Of a voxel; by default as the source says.")
    size_y: Length | None = None
    size_x: Length | None = None
    unit: Name = "nanometer"
    dtype: NumberName | None = Field(None, description="By default that of the source.")
    axes: NamedAxes = Field("", description="By default as the source says.")
    drop_transform: bool = Field(default=False, description="Leave out what it says of places.")
    index: bool = Field(default=False, description="Build the label index of labels too.")

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        _check_whole("size", (self.size_z, self.size_y, self.size_x))
        return self

    def question(self, experiment: str) -> JobQuestion:
        """Return it as programs ask it, of `COLLECTION/EXPERIMENT`."""
        asked = self.model_dump(exclude={"name", "size_z", "size_y", "size_x"})
        asked |= {"kind": "ingest", "dataset": f"{experiment}/{self.name}"}
        size = _whole(self.size_z, self.size_y, self.size_x)
        return JobQuestion.model_validate(asked | {"voxel_size": size})


class ShareForm(Question):
    """What a user, a group or everybody is to be allowed at a place."""

    group: Name
    role: RoleName
    first_day: Day | None = Field(None, description="By default at once.")
    last_day: Day | None = Field(None, description="By default never.")

    @property
    def question(self) -> ShareQuestion:
        """As programs ask it."""
        return ShareQuestion(
            role=self.role, starts_at=start_of(self.first_day), ends_at=end_of(self.last_day)
        )


class GroupForm(Question):
    """From whom something is taken back."""

    group: Name


class LinkForm(Question):
    """A link that is to be made."""

    note: Annotated[Line, Field(max_length=200)] = ""
    title: Annotated[Line, Field(max_length=200)] = ""
    last_day: Day | None = Field(None, description="By default the thirtieth from now.")

    @property
    def question(self) -> LinkQuestion:
        """As programs ask it."""
        return LinkQuestion(note=self.note, title=self.title, ends_at=end_of(self.last_day))


class NumberForm(Question):
    """A token, a link or a change by its number."""

    number: int = Field(ge=1, lt=2**63)


class TokenForm(Question):
    """A token that is to be."""

    name: Annotated[Line, Field(min_length=1)]
    role: RoleName | None = Field(None, description="By default all that one may oneself.")
    place: str | None = Field(None, pattern=f"^{NAME}(/{NAME}){{0,2}}$")
    last_day: Day | None = Field(None, description="By default never.")

    @property
    def question(self) -> TokenQuestion:
        """As programs ask it."""
        ends_at = end_of(self.last_day)
        return TokenQuestion(name=self.name, role=self.role, place=self.place, ends_at=ends_at)


class ViewForm(Question):
    """A view of a dataset that is to be shared."""

    dataset: DatasetText
    label: int | None = Field(None, ge=1, le=MAX_LABEL, description="A label to see first.")
    for_users: bool = Field(default=False, description="Shown to those alone who sign in.")
    title: Annotated[Line, Field(max_length=MOST_TITLE)] = ""

    @property
    def parts(self) -> tuple[str, str, str]:
        """The names of the dataset, from the collection down."""
        return DatasetName.parse(self.dataset).parts


class StateForm(Question):
    """A view that is shared, by its id."""

    id: str = Field(pattern="^[A-Za-z0-9_-]{22}$")


class MemberForm(Question):
    """Who is to be in a group, as what."""

    user: Name
    standing: Literal["member", "maintainer", "owner"] = "member"

    @property
    def question(self) -> MemberQuestion:
        """As programs ask it."""
        return MemberQuestion(standing=self.standing)


class UserForm(Question):
    """Whom something is to be done with."""

    user: Name


def _check_ids(text: str) -> str:
    """Return a text of at least two ids of labels."""
    ids = _ids(text)
    if len(ids) < 2 or not all(each.isascii() and each.isdigit() for each in ids):
        raise ValueError("are no two ids or more, with spaces between them")
    if not all(1 <= int(each) <= MAX_LABEL for each in ids):
        raise ValueError(f"are not all from 1 to {MAX_LABEL}")
    return text


def _ids(text: str) -> list[str]:
    return text.replace(",", " ").split()


class StandingForm(UserForm):
    """Whether a user is nobody here."""

    disabled: bool


class LakeRoleForm(UserForm):
    """A role in the lake as a whole that a user is to have, or to have no longer."""

    role: LakeRole
    held: bool


class MergeForm(Question):
    """Bodies that are to be one."""

    labels: Annotated[str, Field(max_length=4000), AfterValidator(_check_ids)] = Field(
        description="Their ids; all become part of the first."
    )

    @property
    def ids(self) -> tuple[int, ...]:
        """Each of them."""
        return tuple(map(int, _ids(self.labels)))


def start_of(day: date | None) -> datetime | None:
    """Return the moment at which a day begins, in UTC."""
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)


def end_of(day: date | None) -> datetime | None:
    """Return the moment at which a day is over, in UTC.

    Examples
    --------
    >>> f"{end_of(date(2026, 12, 31)):%Y-%m-%d %H:%M}"
    '2027-01-01 00:00'
    """
    return None if day is None else start_of(day + timedelta(days=1))


def _check_whole(what: str, zyx: tuple[object, object, object]) -> None:
    missing = [name for name, each in zip("zyx", zyx, strict=True) if each is None]
    if 0 < len(missing) < 3:
        raise ValueError(
            f"the {what} along {' and '.join(missing)} is missing; give all of z, y and x, or none "
            "of them"
        )


def _whole[T](z: T | None, y: T | None, x: T | None) -> tuple[T, T, T] | None:
    return None if z is None or y is None or x is None else (z, y, x)
