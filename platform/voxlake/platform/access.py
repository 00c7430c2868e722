"""Who may do what: permissions, principals, and the one decision that everything asks for."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, ClassVar

from voxlake.platform.errors import ForbiddenError, NotFoundError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.names import DatasetName
    from voxlake.platform.portion import Portion


class Permission(StrEnum):
    """One right. The names are bossDB's."""

    READ = "read"
    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"
    ASSIGN_GROUP = "assign_group"
    REMOVE_GROUP = "remove_group"
    READ_VOLUMETRIC_DATA = "read_volumetric_data"
    ADD_VOLUMETRIC_DATA = "add_volumetric_data"
    DELETE_VOLUMETRIC_DATA = "delete_volumetric_data"


class Role(StrEnum):
    """A bundle of permissions, each with all of the one before."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    """Writes voxels."""
    EDITOR = "editor"
    """Makes, changes and deletes what lies below, and voxels."""
    OWNER = "owner"
    """Deletes it, and says who may do what with it."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role may do."""
        roles = list(Role)
        return frozenset().union(*(_ADDED[role] for role in roles[: roles.index(self) + 1]))


_ADDED = {
    Role.VIEWER: {Permission.READ, Permission.READ_VOLUMETRIC_DATA},
    Role.ANNOTATOR: {Permission.ADD_VOLUMETRIC_DATA},
    Role.EDITOR: {Permission.ADD, Permission.UPDATE, Permission.DELETE_VOLUMETRIC_DATA},
    Role.OWNER: {Permission.DELETE, Permission.ASSIGN_GROUP, Permission.REMOVE_GROUP},
}

VOLUMETRIC = frozenset(
    {
        Permission.READ_VOLUMETRIC_DATA,
        Permission.ADD_VOLUMETRIC_DATA,
        Permission.DELETE_VOLUMETRIC_DATA,
    }
)
"""Those about voxels, which datasets alone have."""


class LakeRole(StrEnum):
    """What somebody who is no administrator looks after in the lake as a whole, as in bossDB."""

    RESOURCE_MANAGER = "resource-manager"
    """Makes collections and coordinate frames: may `add` to the lake, and not to what is in it."""
    USER_MANAGER = "user-manager"
    """Adds users, and makes resource managers of them."""


PUBLIC = 1
"""The group of everybody, those included who have not said who they are."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a group may do with a node, and with all below it if it `inherits`."""

    group: int
    node: int
    permissions: frozenset[Permission]
    inherits: bool = True
    starts_at: datetime | None = None
    """When it begins; None: it has."""
    ends_at: datetime | None = None
    """When it is over; None: never."""

    def reaches(self, path: Sequence[int]) -> bool:
        """Return whether it is of the node at the end of a path, or of one above it and inherits.

        `path` holds the ids of nodes, from the lake down.
        """
        return bool(path) and (self.node == path[-1] or (self.inherits and self.node in path))

    def is_in_force(self, moment: datetime) -> bool:
        """Return whether it has begun and is not over."""
        begun = self.starts_at is None or self.starts_at <= moment
        return begun and (self.ends_at is None or moment < self.ends_at)


class Way(StrEnum):
    """How somebody says who they are."""

    LOCAL = "local"
    """As the owner of a server on their own machine."""
    SESSION = "session"
    """By the cookie of a browser in which they are signed in."""
    BEARER = "bearer"
    """By a token of the issuer."""
    TOKEN = "token"  # noqa: S105  (its name)
    """By a token of the lake."""
    LINK = "link"
    """By a link that somebody else made: they are nobody in particular."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks."""

    name: str
    is_owner: bool = False
    """The owner of the lake holds every permission on everything in it."""
    is_anonymous: bool = False
    """Nobody has said who asks."""
    is_user_manager: bool = False
    """Whether they have that role in the lake."""
    groups: frozenset[int] = frozenset({PUBLIC})
    """The groups whose grants are theirs."""
    permissions: frozenset[Permission] = frozenset(Permission)
    """What they may use at most: a token may carry less than its user has."""
    within: int | None = None
    """The node that they are limited to, with all below it; None: to none."""
    portion: Portion | None = None
    """The part of a dataset that they are limited to; None: to none."""
    user: int | None = None
    """The user that they are; None: the owner of a local server, or no user at all."""
    ends_at: datetime | None = None
    """When what they are known by is over, and all that they hand on by it; None: never."""
    way: Way | None = field(default=None, compare=False)
    """How they said who they are."""

    @property
    def is_limited(self) -> bool:
        """Whether what they are known by is good for less than they are."""
        return self.within is not None or self.permissions != frozenset(Permission)

    @property
    def administers(self) -> bool:
        """Whether users, groups and tokens of others are theirs to look after."""
        return self.is_owner and not self.is_limited

    @property
    def manages_users(self) -> bool:
        """Whether they may see all users, add some, and say who is a resource manager."""
        return (self.is_owner or self.is_user_manager) and not self.is_limited

    def is_within(self, path: Sequence[int]) -> bool:
        """Return whether a node, by its path from the lake down, is one that they may ask of."""
        return self.within is None or self.within in path


ANONYMOUS = Principal("anonymous", is_anonymous=True)


class Decision(Enum):
    """The answer to "may they?"."""

    ALLOWED = auto()
    UNAUTHENTICATED = auto()
    """Say who you are (401), whether or not there is such a dataset."""
    HIDDEN = auto()
    """It does not exist for them (404)."""
    FORBIDDEN = auto()
    """They may see it, and not do this to it (403)."""


def decide(
    principal: Principal,
    permission: Permission,
    path: Sequence[int],
    grants: Iterable[Grant],
    moment: datetime,
) -> Decision:
    """Decide whether `principal` may use `permission` on a node.

    Parameters
    ----------
    principal
        Who asks.
    permission
        For what.
    path
        The ids of the nodes from the lake down to the one in question; empty if there is none.
    grants
        Those on the nodes of the path, or more.
    moment
        The present one.

    Examples
    --------
    >>> public = Grant(PUBLIC, 7, Role.VIEWER.permissions)
    >>> decide(ANONYMOUS, Permission.READ, (1, 7, 8, 9), [public], datetime.now(UTC))
    <Decision.ALLOWED: 1>
    """
    held = held_by(principal, path, grants, moment)
    if permission in held:
        return Decision.ALLOWED
    if principal.is_anonymous:
        return Decision.UNAUTHENTICATED
    return Decision.FORBIDDEN if Permission.READ in held else Decision.HIDDEN


def held_by(
    principal: Principal, path: Sequence[int], grants: Iterable[Grant], moment: datetime
) -> frozenset[Permission]:
    """Return all that `principal` may do with the node at the end of a path, as `decide`."""
    theirs = (
        grant.permissions
        for grant in grants
        if grant.group in principal.groups and grant.reaches(path) and grant.is_in_force(moment)
    )
    held = frozenset(Permission) if principal.is_owner else frozenset().union(*theirs)
    return held & principal.permissions if principal.is_within(path) else frozenset()


class Right:
    """A permission as a type: what demands an `Access[ReadVoxels]` takes no `Access[Read]`."""

    permission: ClassVar[Permission]


class Read(Right):
    """To know that it is there, and what is said of it."""

    permission = Permission.READ


class Add(Right):
    """To make something below it."""

    permission = Permission.ADD


class Update(Right):
    """To change what is said of it."""

    permission = Permission.UPDATE


class Delete(Right):
    """To delete it."""

    permission = Permission.DELETE


class AssignGroup(Right):
    """To say who may do what with it."""

    permission = Permission.ASSIGN_GROUP


class RemoveGroup(Right):
    """To take back what others may do with it."""

    permission = Permission.REMOVE_GROUP


class ReadVoxels(Right):
    """To read voxels, labels and objects."""

    permission = Permission.READ_VOLUMETRIC_DATA


class AddVoxels(Right):
    """To write voxels, merge labels and put objects."""

    permission = Permission.ADD_VOLUMETRIC_DATA


class DeleteVoxels(Right):
    """To delete voxels and objects."""

    permission = Permission.DELETE_VOLUMETRIC_DATA


_GUARD = object()


@dataclass(frozen=True, slots=True)
class Access[R: Right]:
    """Proof that a guard allowed a right on `dataset`: what opens a volume demands one.

    Only `authorize` and `authorize_listed` make it.
    """

    principal: Principal
    right: type[R]
    dataset: DatasetRecord
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _GUARD:
            raise TypeError("an Access is made by authorize() alone; ask it for one")


@dataclass(frozen=True, slots=True)
class Protected:
    """A dataset, and the grants on it and on what lies above it."""

    record: DatasetRecord
    grants: tuple[Grant, ...]

    def decide(self, principal: Principal, permission: Permission) -> Decision:
        """Decide whether `principal` may use `permission` on the dataset, at this moment."""
        return decide(principal, permission, self.record.path, self.grants, datetime.now(UTC))


def authorize[R: Right](
    principal: Principal, right: type[R], name: DatasetName, dataset: Protected | None
) -> Access[R]:
    """Return the access of `principal` to a dataset, or raise what to answer instead.

    Parameters
    ----------
    principal
        Who asks.
    right
        For what.
    name
        The dataset that was asked for.
    dataset
        What the catalog knows of it; None if there is no such dataset.

    Raises
    ------
    UnauthenticatedError
        If nobody has said who asks and everybody may not: the same, there or not.
    NotFoundError
        If there is none, or they may not know that there is: the same words for both.
    ForbiddenError
        If they may see it and not do this.
    """
    there = _check(principal, right, dataset, str(name), f"there is no dataset {name}")
    return Access(principal, right, there.record, _GUARD)


def _check[T: (Protected, Place)](
    principal: Principal, right: type[Right], there: T | None, name: str, absent: str
) -> T:
    """Return what is there if `principal` has the right on it; raise as `authorize` does."""
    decision = None if there is None else there.decide(principal, right.permission)
    if there is not None and decision is Decision.ALLOWED:
        return there
    if principal.is_anonymous:
        raise UnauthenticatedError(f"{name} is not open to everybody; log in to ask for it")
    if decision is Decision.FORBIDDEN:
        raise ForbiddenError(
            f"{principal.name} may not {right.permission} on {name}; ask its owner"
        )
    raise NotFoundError(absent)


def authorize_listed[R: Right](
    principal: Principal, right: type[R], records: Iterable[DatasetRecord]
) -> list[Access[R]]:
    """Return the accesses to datasets that `Catalog.list_allowed` gave for the same question."""
    return [Access(principal, right, record, _GUARD) for record in records]


@dataclass(frozen=True, slots=True)
class Place:
    """A collection, an experiment or a dataset, or the lake, and who may do what with it."""

    names: tuple[str, ...]
    """From the collection down; none: the lake."""
    path: tuple[int, ...]
    """The ids of the nodes from the lake down to it."""
    grants: tuple[Grant, ...]
    """Those on it, and on what lies above it."""

    def held_by(self, principal: Principal) -> frozenset[Permission]:
        """Return all that `principal` may do with it, at this moment."""
        return held_by(principal, self.path, self.grants, datetime.now(UTC))

    def decide(self, principal: Principal, permission: Permission) -> Decision:
        """Decide whether `principal` may use `permission` on it, at this moment."""
        return decide(principal, permission, self.path, self.grants, datetime.now(UTC))


def authorize_place(
    principal: Principal, right: type[Right], names: Sequence[str], place: Place | None
) -> Place:
    """Return a place that `principal` has a right on; else raise as `authorize` does."""
    text = "/".join(names) or "/"
    return _check(principal, right, place, text, f"there is no place {text} in the lake")
