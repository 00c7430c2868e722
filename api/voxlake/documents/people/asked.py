"""What is asked of users, groups, tokens and shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from voxlake.documents.document import Question
from voxlake.platform.access import Permission, Role
from voxlake.platform.catalog.identity.person import Standing
from voxlake.platform.names import NAME


def _in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; those that no calendar of a database has are refused."""
    if not 1970 <= moment.year < 9000:
        raise ValueError("is out of range; give a year from 1970 to 8999")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, Field(strict=True), AfterValidator(_in_utc)]
"""A point in time, with its zone."""
Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=255)]
"""Text of one line."""
RoleName = Literal["viewer", "annotator", "editor", "owner"]


class UserQuestion(Question):
    """A user that is to be."""

    name: Name
    full_name: Line = ""
    email: Line = ""
    is_administrator: bool = Field(default=False, strict=True)


class GroupQuestion(Question):
    """A group that is to be."""

    name: Name
    owner: Name | None = Field(None, description="By default who asks; else administrators say.")


class MemberQuestion(Question):
    """What somebody is to be in a group."""

    standing: Literal["member", "maintainer", "owner"] = "member"

    @property
    def value(self) -> Standing:
        """As the catalog has it."""
        return Standing(self.standing)


class TokenQuestion(Question):
    """A token that is to be, good for no more than what it is asked with."""

    name: Annotated[Line, Field(min_length=1, description="What its user knows it by.")]
    role: RoleName | None = Field(None, description="It may do no more than one of this role.")
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=9)] | None = Field(
        None, description="It may use no others; by default all that the asker may."
    )
    place: str | None = Field(
        None,
        description="COLLECTION/EXPERIMENT/DATASET or its start, where it is good, and below.",
        pattern=f"^{NAME}(/{NAME}){{0,2}}$",
    )
    ends_at: Moment | None = Field(None, description="By default as late as may be.")
    user: Name | None = Field(None, description="Whose; by default who asks.")

    @property
    def wanted(self) -> frozenset[Permission] | None:
        """The permissions that are asked for; None: all that may be."""
        limits = [Role(self.role).permissions] if self.role else []
        limits += [frozenset(self.permissions)] if self.permissions else []
        return frozenset(Permission).intersection(*limits) if limits else None


class ShareQuestion(Question):
    """What a group is to be allowed at a place, and below it."""

    role: RoleName
    starts_at: Moment | None = Field(None, description="By default at once.")
    ends_at: Moment | None = Field(None, description="By default never.")
