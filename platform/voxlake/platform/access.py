"""Who may do what: permissions, principals, and the one decision that everything asks for."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from voxlake.platform.errors import ForbiddenError, NotFoundError, UnauthenticatedError

if TYPE_CHECKING:
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.names import DatasetName


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


PUBLIC_PERMISSIONS = frozenset({Permission.READ, Permission.READ_VOLUMETRIC_DATA})
"""What everybody holds on a public dataset."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks."""

    name: str
    is_owner: bool = False
    """The owner of the lake holds every permission on everything in it."""
    is_anonymous: bool = False
    """Nobody has said who asks."""


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
    public: bool,  # noqa: FBT001  (the table of decisions reads best by position)
    granted: frozenset[Permission] = frozenset(),
) -> Decision:
    """Decide whether `principal` may use `permission` on a dataset.

    Parameters
    ----------
    principal
        Who asks.
    permission
        For what.
    public
        Whether everybody may read the dataset.
    granted
        What grants give the principal on this dataset, besides.

    Examples
    --------
    >>> decide(ANONYMOUS, Permission.READ, True)
    <Decision.ALLOWED: 1>
    """
    held = PUBLIC_PERMISSIONS | granted if public else granted
    if principal.is_owner or permission in held:
        return Decision.ALLOWED
    if principal.is_anonymous:
        return Decision.UNAUTHENTICATED
    return Decision.FORBIDDEN if Permission.READ in held else Decision.HIDDEN


_GUARD = object()


@dataclass(frozen=True, slots=True)
class Access:
    """Proof that a guard allowed `permission` on `dataset`: what opens a volume demands one.

    Only `authorize` makes it.
    """

    principal: Principal
    permission: Permission
    dataset: DatasetRecord
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _GUARD:
            raise TypeError("an Access is made by authorize() alone; ask it for one")


def authorize(
    principal: Principal,
    permission: Permission,
    name: DatasetName,
    record: DatasetRecord | None,
) -> Access:
    """Return the access of `principal` to a dataset, or raise what to answer instead.

    Parameters
    ----------
    principal
        Who asks.
    permission
        For what.
    name
        The dataset that was asked for.
    record
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
    decision = decide(principal, permission, record is not None and record.public)
    if decision is Decision.UNAUTHENTICATED:
        raise UnauthenticatedError(f"{name} is not open to everybody; log in to ask for it")
    if record is None or decision is Decision.HIDDEN:
        raise NotFoundError(f"there is no dataset {name}")
    if decision is Decision.FORBIDDEN:
        raise ForbiddenError(f"{principal.name} may not {permission} on {name}; ask its owner")
    return Access(principal, permission, record, _GUARD)
