"""``voxlake user``: who may say who they are."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, Flag, InLake
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_users
from voxlake.documents.people import UserList, user_document
from voxlake.platform.catalog.identity.person import User

user = App(name="user", help="Users: list them, add one, disable one.")

type UserName = Annotated[str, Parameter(name="USER", help="Their name.")]


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
