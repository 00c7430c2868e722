"""``voxlake group``: what rights are granted to, and who is in it."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from voxlake.cli.commands.people.user import UserName
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_groups
from voxlake.documents.people.people import GroupList, group_document
from voxlake.platform.catalog.identity.person import Group, Standing

group = App(name="group", help="Groups: list them, make or delete one, say who is in it.")

type GroupName = Annotated[str, Parameter(name="GROUP", help="Its name.")]


@group.default
@group.command(name="ls")
def ls(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List the groups of a lake; each user has one of their own, and `public` is everybody."""
    with opened_catalog(lake) as catalog:
        groups = catalog.people.list_groups()
    document = GroupList(groups=tuple(map(group_document, groups)))
    answer(document, shown_groups(document.groups), json=answering.json)


@group.command
def add(
    name: GroupName,
    owner: UserName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Make a group that a user owns."""
    with opened_catalog(lake) as catalog:
        made = catalog.people.add_group(name, owner)
    _answer(made, answering)


@group.command
def rm(name: GroupName, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Delete a group, and take back what was granted to it."""
    with opened_catalog(lake) as catalog:
        removed = catalog.people.get_group(name)
        catalog.people.remove_group(name)
    _answer(removed, answering)


@group.command
def join(
    name: GroupName,
    user: UserName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    standing: Annotated[
        Literal["member", "maintainer", "owner"],
        Parameter(name="--as", help="What they are in it: a maintainer says who is."),
    ] = "member",
) -> None:
    """Take a user into a group, or let them be something else in it."""
    with opened_catalog(lake) as catalog:
        changed = catalog.people.put_member(name, user, Standing(standing))
    _answer(changed, answering)


@group.command
def leave(
    name: GroupName,
    user: UserName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Let a user leave a group."""
    with opened_catalog(lake) as catalog:
        changed = catalog.people.drop_member(name, user)
    _answer(changed, answering)


@group.command(name="map")
def map_to(
    name: GroupName,
    value: Annotated[str, Parameter(name="VALUE", help="As the issuer's claim holds it.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Let a group stand for one of the issuer: who has that has this, while they are signed in."""
    with opened_catalog(lake) as catalog:
        changed = catalog.people.map_group(name, value)
    _answer(changed, answering)


@group.command
def unmap(
    name: GroupName, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Let a group stand for none of the issuer."""
    with opened_catalog(lake) as catalog:
        changed = catalog.people.unmap_group(name)
    _answer(changed, answering)


def _answer(group: Group, answering: Answering) -> None:
    document = group_document(group)
    answer(document, shown_groups([document]), json=answering.json)
