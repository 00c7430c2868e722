"""What the catalog knows of users and groups."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voxlake.platform.access import LakeRole

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person or a program that says who it is."""

    id: int
    name: str
    full_name: str
    email: str
    is_administrator: bool
    """Whether everything in the lake is theirs to do."""
    created_at: datetime
    disabled_at: datetime | None = None
    """Since when they are nobody here; None: they are not."""
    is_user_manager: bool = False
    is_resource_manager: bool = False

    @property
    def roles(self) -> tuple[LakeRole, ...]:
        """What they look after in the lake as a whole."""
        has = {
            LakeRole.RESOURCE_MANAGER: self.is_resource_manager,
            LakeRole.USER_MANAGER: self.is_user_manager,
        }
        return tuple(role for role, held in has.items() if held)


@dataclass(frozen=True, slots=True)
class Profile:
    """What an issuer says of somebody who signed in there."""

    issuer: str
    subject: str
    """What it calls them, for good; with the issuer it says who they are."""
    name: str
    """The name that they would have here."""
    full_name: str = ""
    email: str = ""
    groups: frozenset[str] = frozenset()
    """The groups and roles that they have there."""
    is_administrator: bool = False
    """Whether one of these makes them an administrator."""


class Standing(StrEnum):
    """What somebody is in a group."""

    MEMBER = "member"
    MAINTAINER = "maintainer"
    """Says who is in it."""
    OWNER = "owner"
    """Says who maintains it, too, and may delete it."""


def may_set(asker: Standing | None, before: Standing | None, after: Standing | None) -> bool:
    """Return whether somebody of a standing in a group may give a user another there.

    None is that of whoever is not in it. Maintainers take members in and let them go, and may say
    again what is so; all else is the owners' to say.

    Examples
    --------
    >>> may_set(Standing.MAINTAINER, None, Standing.MEMBER)
    True
    >>> may_set(Standing.MAINTAINER, Standing.OWNER, None)
    False
    """
    if before is after or {before, after} <= {None, Standing.MEMBER}:
        return asker in {Standing.MAINTAINER, Standing.OWNER}
    return asker is Standing.OWNER


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a group."""

    user: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Group:
    """What rights attach to."""

    id: int
    name: str
    members: tuple[Member, ...]
    """Sorted by name; none of the group of everybody."""
    is_personal: bool = False
    """Whether it is one user's own."""
    claim: str | None = None
    """What is called so at the issuer has the same people, for as long as they are signed in."""

    def standing_of(self, user: str) -> Standing | None:
        """Return what a user is in it, as the catalog has it; None if they are not."""
        return next((each.standing for each in self.members if each.user == user), None)
