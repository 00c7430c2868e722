"""What bossDB's API asks and answers of groups, permissions, users and their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from voxlake.documents.document import Document, Question
from voxlake.documents.people.asked import Line, Name
from voxlake.platform.access import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.documents.people.people import UserDocument

ADMIN = "admin"
"""The role of administrators."""


class BossGroups(Document):
    """Names of groups."""

    groups: tuple[str, ...]


class BossResource(Document):
    """A collection, an experiment or a channel, by its names."""

    collection: str
    experiment: str | None = Field(None, exclude_if=lambda name: name is None)
    channel: str | None = Field(None, exclude_if=lambda name: name is None)


class BossGroup(Document):
    """A group."""

    name: str
    owner: str = Field(description="One of them, if there are several; empty: of everybody.")
    resources: tuple[BossResource, ...] = Field(
        description="On which it has anything: collections, experiments, channels."
    )


class BossMembers(Document):
    """Who is in a group, its maintainers included."""

    members: tuple[str, ...]


class BossMaintainers(Document):
    """Who says who is in a group."""

    maintainers: tuple[str, ...]


class BossResult(Document):
    """Whether it is so."""

    result: bool


class BossPermissionSet(BossResource):
    """What a group may do with a resource itself."""

    group: str
    permissions: tuple[str, ...]


class BossPermissionSets(Document):
    """Sets of permissions."""

    sets: tuple[BossPermissionSet, ...] = Field(serialization_alias="permission-sets")


class BossPermissionQuestion(Question):
    """What a group is to be allowed on a resource itself."""

    group: Line
    permissions: Annotated[list[Permission], Field(max_length=100)]
    collection: Name
    experiment: Name | None = None
    channel: Name | None = None


class BossUserQuestion(Question):
    """Somebody who is to be a user; their issuer knows their password, and it is not kept here."""

    first_name: Line | None = None
    last_name: Line | None = None
    email: Line | None = None
    password: str | None = Field(None, max_length=1024, repr=False, description="Not kept.")

    @property
    def full_name(self) -> str:
        """What people call them."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


class BossUser(Document):
    """A user."""

    username: str
    first_name: str = Field(serialization_alias="firstName")
    last_name: str = Field(serialization_alias="lastName")
    email: str
    enabled: bool
    created: int = Field(
        serialization_alias="createdTimestamp", description="Milliseconds since 1970."
    )
    roles: tuple[str, ...] = Field(serialization_alias="realmRoles")


def boss_resource(place: Sequence[str]) -> dict[str, str]:
    """Return a place, by its names from the collection down, as bossDB names it.

    Examples
    --------
    >>> boss_resource(["lab", "brain"])
    {'collection': 'lab', 'experiment': 'brain'}
    """
    return dict(zip(("collection", "experiment", "channel"), place, strict=False))


def boss_roles(user: UserDocument) -> tuple[str, ...]:
    """Return the roles of a user, that of administrators included."""
    return (*([ADMIN] if user.is_administrator else []), *user.roles)


def boss_user(user: UserDocument) -> BossUser:
    """Return a user; the last word of their name is taken for the last name."""
    first, _, last = user.full_name.rpartition(" ")
    return BossUser(
        username=user.name,
        first_name=first or last,
        last_name=last if first else "",
        email=user.email,
        enabled=user.disabled_at is None,
        created=int(user.created_at.timestamp() * 1000),
        roles=boss_roles(user),
    )
