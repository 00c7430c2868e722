"""Plain sets of permissions, which do not inherit: who has which, and may give which."""

from __future__ import annotations

from collections.abc import Sequence

from voxlake.api.guards.askers import Asker, GrantedPlace, grant_place
from voxlake.platform.access import AssignGroup, Permission, Read, RemoveGroup, Right
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.identity.people import no_group
from voxlake.platform.catalog.rights.permission_sets import PermissionSet
from voxlake.platform.errors import NotFoundError


async def list_sets(
    asker: Asker, group: str | None, place: Sequence[str]
) -> Sequence[PermissionSet]:
    """Return the sets of the asker's groups, or of one group, on all places or on one.

    Raises
    ------
    NotFoundError
        If there is no such place, or the asker may not read it; or no such group, or it is not
        one of theirs, and the place is not one that they may say of who may do what.
    """
    held = frozenset[Permission]()
    if place:
        granted = await grant_place(asker, "/".join(place), Read)
        held = granted.place.held_by(asker.principal)
    sees_all = asker.principal.administers or Permission.ASSIGN_GROUP in held

    def question(catalog: Catalog) -> Sequence[PermissionSet]:
        if group is not None:
            found = catalog.people.get_group(group)
            if not sees_all and found.id not in asker.principal.groups:
                raise no_group(group)
        return catalog.permission_sets.list_sets(asker.principal, group, place or None)

    return await asker.of_catalog(question)


async def resources_of(asker: Asker, group: str) -> Sequence[tuple[str, ...]]:
    """Return the places on which a group has anything, which the asker sees."""
    sets = await asker.of_catalog(
        lambda catalog: catalog.permission_sets.list_sets(asker.principal, group)
    )
    return [each.place for each in sets]


async def put_set(
    asker: Asker,
    place: Sequence[str],
    group: str,
    permissions: frozenset[Permission],
    *,
    alone: bool,
) -> None:
    """Let a group have permissions on a place alone; see `PermissionSets.put`."""
    granted = await _granted(asker, place, AssignGroup)
    await asker.of_catalog(
        lambda catalog: catalog.permission_sets.put(
            granted.place.names, group, permissions, granted.held, alone=alone
        )
    )


async def drop_set(asker: Asker, place: Sequence[str], group: str) -> None:
    """Take back all that a group was granted on a place; see `Shares.unshare`."""
    granted = await _granted(asker, place, RemoveGroup)

    def change(catalog: Catalog) -> None:
        catalog.people.get_group(group)
        try:
            catalog.shares.unshare(granted.place.names, group, granted.held)
        except NotFoundError:
            # There was nothing to take back.
            return

    await asker.of_catalog(change)


async def _granted[R: Right](asker: Asker, place: Sequence[str], right: type[R]) -> GrantedPlace[R]:
    return await grant_place(asker, "/".join(place), right)
