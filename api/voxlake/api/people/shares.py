"""What is shared with whom, and what was changed of it."""

from __future__ import annotations

from voxlake.api.guards.askers import Asker, GrantedPlace, grant_place
from voxlake.documents.people.asked import ShareQuestion
from voxlake.documents.people.people import AuditList, ShareDocument, ShareList, share_document
from voxlake.platform.access import AssignGroup, Permission, Read, RemoveGroup, Role
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import ForbiddenError


async def list_shares(granted: GrantedPlace[Read]) -> ShareList:
    """Return what is shared at a place and above it.

    Who may not share it is told of what is shared with everybody and with their own groups.
    """
    who, place = granted.asker.principal, granted.place
    shares = await granted.asker.of_catalog(lambda catalog: catalog.shares.list_shares(place.names))
    told = Permission.ASSIGN_GROUP in place.held_by(who)
    shown = [share_document(each) for each in shares if told or each.grant.group in who.groups]
    return ShareList(shares=tuple(shown))


async def share(
    granted: GrantedPlace[AssignGroup], group: str, asked: ShareQuestion
) -> ShareDocument:
    """Let a group have a role at a place and below it; see `Shares.share`."""

    def change(catalog: Catalog) -> ShareDocument:
        made = catalog.shares.share(
            granted.place.names,
            group,
            Role(asked.role),
            starts_at=asked.starts_at,
            ends_at=asked.ends_at,
            held=granted.held,
        )
        return share_document(made)

    return await granted.asker.of_catalog(change)


async def unshare(granted: GrantedPlace[RemoveGroup], group: str) -> None:
    """Take back all that a group was granted at a place; see `Shares.unshare`."""
    await granted.asker.of_catalog(
        lambda catalog: catalog.shares.unshare(granted.place.names, group, granted.held)
    )


async def list_changes(
    asker: Asker, place: str | None, limit: int, before: int | None
) -> AuditList:
    """Return who changed what: for administrators all, for owners of a place what is about it.

    Raises
    ------
    ForbiddenError
        If all is asked for, and not by an administrator; or the place is somebody else's.
    """
    node = None
    if place is not None:
        node = (await grant_place(asker, place, AssignGroup)).place.path[-1]
    elif not asker.principal.administers:
        raise ForbiddenError("all changes are for administrators alone; say of which place")
    found = await asker.of_catalog(
        lambda catalog: catalog.audit.list_entries(limit=limit + 1, before=before, node=node)
    )
    following = found[limit - 1].id if len(found) > limit else None
    return AuditList.model_validate({"changes": found[:limit], "next": following})
