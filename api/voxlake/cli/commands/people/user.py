"""``voxlake user``: who may say who they are."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, Flag, InLake
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_users
from voxlake.documents.people.people import UserList, user_document
from voxlake.platform.access import LakeRole
from voxlake.platform.catalog.identity.person import User

user = App(name="user", help="Users: list them, add, disable or delete one, give one a role.")

type UserName = Annotated[str, Parameter(name="USER", help="Their name.")]

type RoleName = Annotated[
    Literal["resource-manager", "user-manager"],
    Parameter(name="ROLE", help="The first makes collections and frames, the second adds users."),
]


@user.default
@user.command(name="ls")
def ls(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List the users of a lake."""
    with opened_catalog(lake) as catalog:
        users = catalog.people.list_users()
    document = UserList(users=tuple(map(user_document, users)))
    answer(document, shown_users(document.users), json=answering.json)


@user.command
def add(
    name: UserName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    full_name: Annotated[str, Parameter(help="What people call them.")] = "",
    email: Annotated[str, Parameter(help="Where they are written to.")] = "",
    administrator: Annotated[
        Flag, Parameter(help="Let everything in the lake be theirs to do.")
    ] = False,
) -> None:
    """Add a user; what they may do is said by `voxlake share`, with a group of their name."""
    with opened_catalog(lake) as catalog:
        made = catalog.people.add_user(
            name, full_name=full_name, email=email, administrator=administrator
        )
    _answer(made, answering)


@user.command
def rm(name: UserName, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Delete a user with their tokens, sessions, links and what only they were granted."""
    with opened_catalog(lake) as catalog:
        removed = catalog.people.get_user(name)
        catalog.people.remove_user(name)
    _answer(removed, answering)


@user.command
def give(
    name: UserName,
    role: RoleName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Give a user a role in the lake as a whole."""
    _set_role(name, role, lake, answering, held=True)


@user.command
def take(
    name: UserName,
    role: RoleName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Take a role in the lake as a whole back from a user."""
    _set_role(name, role, lake, answering, held=False)


def _set_role(name: str, role: str, lake: InLake, answering: Answering, *, held: bool) -> None:
    with opened_catalog(lake) as catalog:
        changed = catalog.lake_roles.set(name, LakeRole(role), held=held)
    _answer(changed, answering)


@user.command
def disable(
    name: UserName, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Let a user and their tokens be nobody; what they were granted is kept."""
    _set_disabled(name, lake, answering, disabled=True)


@user.command
def enable(
    name: UserName, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Let a user who was disabled be who they were."""
    _set_disabled(name, lake, answering, disabled=False)


def _set_disabled(name: str, lake: InLake, answering: Answering, *, disabled: bool) -> None:
    with opened_catalog(lake) as catalog:
        changed = catalog.people.disable_user(name, disabled=disabled)
    _answer(changed, answering)


def _answer(user: User, answering: Answering) -> None:
    document = user_document(user)
    answer(document, shown_users([document]), json=answering.json)
