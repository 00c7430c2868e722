"""Users: administrators see and change all, managers see and add them, everybody themselves."""

from __future__ import annotations

from voxlake.api.guards.askers import Asker
from voxlake.documents.people.asked import UserQuestion
from voxlake.documents.people.people import MeDocument, UserDocument, UserList, user_document
from voxlake.platform.access import LakeRole
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.identity.people import no_user
from voxlake.platform.errors import ForbiddenError


async def describe(asker: Asker) -> MeDocument:
    """Return who asks, as the server knows them."""

    def question(catalog: Catalog) -> tuple[list[str], str | None]:
        return catalog.people.names_of_groups(who.groups), catalog.shares.name_of(who.within)

    who = asker.principal
    groups, place = await asker.of_catalog(question)
    return MeDocument(
        name=who.name,
        is_administrator=who.is_owner,
        groups=tuple(groups),
        permissions=tuple(sorted(who.permissions)),
        place=place,
        ends_at=who.ends_at,
        way=who.way,
    )


async def list_users(asker: Asker, limit: int, after: str) -> UserList:
    """Return users, for those who look after them."""
    found = await asker.of_catalog(
        lambda catalog: catalog.people.list_users(limit=limit + 1, after=after)
    )
    shown = tuple(map(user_document, found[:limit]))
    return UserList(users=shown, next=shown[-1].name if len(found) > limit else None)


async def add_user(asker: Asker, asked: UserQuestion) -> UserDocument:
    """Add a user, for those who look after them.

    Raises
    ------
    ForbiddenError
        If it is to be an administrator, and none asks.
    """
    if asked.is_administrator and not asker.principal.administers:
        raise ForbiddenError("only administrators make another; leave `is_administrator` out")

    def change(catalog: Catalog) -> UserDocument:
        made = catalog.people.add_user(
            asked.name,
            full_name=asked.full_name,
            email=asked.email,
            administrator=asked.is_administrator,
        )
        return user_document(made)

    return await asker.of_catalog(change)


async def get_user(asker: Asker, name: str) -> UserDocument:
    """Return a user: for those who look after users any, for others themselves.

    Raises
    ------
    NotFoundError
        If there is none, or it is not for the asker to know.
    """
    who = asker.principal
    if not who.manages_users and (who.user is None or who.name != name):
        raise no_user(name)
    return user_document(await asker.of_catalog(lambda catalog: catalog.people.get_user(name)))


async def disable_user(asker: Asker, name: str, *, disabled: bool) -> UserDocument:
    """Let a user be nobody, or again who they were, for administrators."""
    changed = await asker.of_catalog(
        lambda catalog: catalog.people.disable_user(name, disabled=disabled)
    )
    return user_document(changed)


async def remove_user(asker: Asker, name: str) -> None:
    """Delete a user, for administrators; see `People.remove_user`."""
    await asker.of_catalog(lambda catalog: catalog.people.remove_user(name))


async def set_role(asker: Asker, name: str, role: LakeRole, *, held: bool) -> UserDocument:
    """Give a user a role in the lake as a whole, or take it back, for those who look after users.

    Raises
    ------
    ForbiddenError
        If it is to look after users, and no administrator asks.
    """
    if role is LakeRole.USER_MANAGER and not asker.principal.administers:
        raise ForbiddenError("who looks after users is for administrators alone to say; ask one")
    changed = await asker.of_catalog(lambda catalog: catalog.lake_roles.set(name, role, held=held))
    return user_document(changed)
