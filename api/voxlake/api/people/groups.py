"""Groups: whoever is in one sees it; its owners and maintainers say who is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from voxlake.api.guards.askers import Asker
from voxlake.documents.people.asked import GroupQuestion
from voxlake.documents.people.people import GroupDocument, GroupList, group_document
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.identity.people import no_group
from voxlake.platform.catalog.identity.person import Group, Standing, may_set
from voxlake.platform.errors import ForbiddenError, InvalidInputError, NotFoundError


async def list_groups(asker: Asker, limit: int, after: str) -> GroupList:
    """Return the groups that the asker is in; for administrators all."""
    of = None if asker.principal.administers else asker.principal
    found = await asker.of_catalog(
        lambda catalog: catalog.people.list_groups(of, limit=limit + 1, after=after)
    )
    shown = tuple(map(group_document, found[:limit]))
    return GroupList(groups=shown, next=shown[-1].name if len(found) > limit else None)


async def get_group(asker: Asker, name: str) -> GroupDocument:
    """Return a group that the asker is in; for administrators any."""
    group = await asker.of_catalog(lambda catalog: catalog.people.get_group(name))
    _check_seen(asker, group)
    return group_document(group)


async def add_group(asker: Asker, asked: GroupQuestion) -> GroupDocument:
    """Make a group, which the asker owns; administrators may name another owner.

    Raises
    ------
    ForbiddenError
        If another owner is named, by somebody else.
    InvalidInputError
        If the asker is no user, and named none.
    """
    who = asker.principal
    owner = asked.owner or (who.name if who.user is not None else None)
    if owner is None:
        raise InvalidInputError("the owner of a local server is no user; say whose it is: owner")
    if owner != who.name and not who.administers:
        raise ForbiddenError("only administrators make groups for others; leave `owner` out")
    made = await asker.of_catalog(lambda catalog: catalog.people.add_group(asked.name, owner))
    return group_document(made)


async def remove_group(asker: Asker, name: str) -> None:
    """Delete a group, for its owners and administrators."""

    def check(group: Group) -> None:
        if _standing_in(asker, group) is not Standing.OWNER:
            raise _refused(asker, group, "delete")

    await asker.of_catalog(lambda catalog: catalog.people.remove_group(name, check))


async def put_member(asker: Asker, name: str, user: str, standing: Standing) -> GroupDocument:
    """Take a user into a group, or let them be something else in it; see `may_set`."""
    check = _may_set(asker, user, standing)
    changed = await asker.of_catalog(
        lambda catalog: catalog.people.put_member(name, user, standing, check)
    )
    return group_document(changed)


async def find_mine(asker: Asker) -> Sequence[Group]:
    """Return the groups that the asker is in; all, if they are the owner of a local server."""
    of = asker.principal if asker.principal.user is not None else None
    return await asker.of_catalog(lambda catalog: catalog.people.list_groups(of))


async def is_personal(asker: Asker, name: str) -> bool:
    """Return whether a group is one user's own; one that there is not is none."""

    def question(catalog: Catalog) -> bool:
        try:
            return catalog.people.get_group(name).is_personal
        except NotFoundError:
            return False

    return await asker.of_catalog(question)


MEMBERS = frozenset(Standing)
"""All who are in a group are its members."""
MAINTAINERS = frozenset({Standing.MAINTAINER, Standing.OWNER})
_NOT_IN: frozenset[Standing | None] = frozenset({None})


async def take_in(asker: Asker, name: str, user: str) -> None:
    """Take a user into a group; who is in stays what they are."""
    await _change(asker, name, user, _NOT_IN, Standing.MEMBER)


async def let_go(asker: Asker, name: str, user: str) -> None:
    """Let a user leave a group, if they are in it."""
    await _change(asker, name, user, MEMBERS, None)


async def let_maintain(asker: Asker, name: str, user: str) -> None:
    """Let a user maintain a group; its owners stay what they are."""
    await _change(asker, name, user, _NOT_IN | {Standing.MEMBER}, Standing.MAINTAINER)


async def end_maintaining(asker: Asker, name: str, user: str) -> None:
    """Let a user who maintains a group be an ordinary member."""
    await _change(asker, name, user, MAINTAINERS, Standing.MEMBER)


async def _change(
    asker: Asker,
    name: str,
    user: str,
    before: Collection[Standing | None],
    after: Standing | None,
) -> None:
    """Let a user who is one of some things in a group be another; else they stay what they are.

    Raises
    ------
    UserNotFoundError
        If there is no such user.
    """

    def change(catalog: Catalog) -> None:
        group = catalog.people.get_group(name)
        there = group.standing_of(user)
        wanted = after if there in before else there
        check = _may_set(asker, user, wanted)
        check(group)
        if wanted is not None:
            catalog.people.put_member(name, user, wanted, check)
        elif there is not None:
            catalog.people.drop_member(name, user, check)
        else:
            catalog.people.get_user(user)

    await asker.of_catalog(change)


async def is_in(asker: Asker, name: str, user: str, standings: Collection[str]) -> bool:
    """Return whether a user is one of some things in a group that the asker sees."""

    def question(catalog: Catalog) -> bool:
        group = catalog.people.get_group(name)
        _check_seen(asker, group)
        return group.standing_of(catalog.people.get_user(user).name) in standings

    return await asker.of_catalog(question)


async def drop_member(asker: Asker, name: str, user: str) -> None:
    """Let a user leave a group: themselves, or as `may_set` says."""

    def change(catalog: Catalog) -> None:
        catalog.people.drop_member(name, user, _may_set(asker, user, None))

    await asker.of_catalog(change)


def _may_set(asker: Asker, user: str, after: Standing | None) -> Callable[[Group], None]:
    def check(group: Group) -> None:
        standing, before = _standing_in(asker, group), group.standing_of(user)
        is_self = asker.principal.user is not None and asker.principal.name == user
        if not (is_self and after is None) and not may_set(standing, before, after):
            raise _refused(asker, group, "say so of members of")

    return check


def _check_seen(asker: Asker, group: Group) -> None:
    who = asker.principal
    is_in = group.id in who.groups or (who.user is not None and group.standing_of(who.name))
    if not who.administers and not is_in:
        raise no_group(group.name)


def _standing_in(asker: Asker, group: Group) -> Standing | None:
    """Return what the asker is in a group, as far as that is theirs to use."""
    _check_seen(asker, group)
    if asker.principal.administers:
        return Standing.OWNER
    return None if asker.principal.user is None else group.standing_of(asker.principal.name)


def _refused(asker: Asker, group: Group, what: str) -> ForbiddenError:
    who = asker.principal.name
    return ForbiddenError(f"{who} may not {what} group {group.name}; ask its owner")
