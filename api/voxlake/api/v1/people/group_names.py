"""Names of groups as bossDB has them: a user's own is `ada-primary`, and here `ada`."""

from __future__ import annotations

from voxlake.api.guards.askers import Asker
from voxlake.api.people import groups

_OWN = "-primary"


def boss_name(name: str, *, is_personal: bool) -> str:
    """Return what bossDB calls a group.

    Examples
    --------
    >>> boss_name("ada", is_personal=True), boss_name("mappers", is_personal=False)
    ('ada-primary', 'mappers')
    """
    return name + _OWN if is_personal else name


async def name_here(asker: Asker, name: str) -> str:
    """Return what a group of bossDB is called here.

    Where there is a user `ada`, `ada-primary` is always theirs: nobody else's group is taken for
    it, whatever it is called.
    """
    user = name.removesuffix(_OWN)
    if user == name:
        return name
    return user if await groups.is_personal(asker, user) else name
