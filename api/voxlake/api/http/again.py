"""Damage that was on the way: what does not decode is read again before it is believed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from voxlake.platform.errors import CorruptDataError, StoreError

TRIES = 5
"""How often something is read until the same damage was found twice.

Two are not enough: of several that are damaged, any may be the one that an error tells of.
"""


async def read_again[T](read: Callable[[], Awaitable[T]]) -> T:
    """Return what is read, if need be when it is read again.

    Raises
    ------
    CorruptDataError
        If the same damage was found twice: it is in what is stored.
    StoreError
        If it was another each time: it is on the way. A failure that has a name of its own, as
        of a store that cannot be reached, is raised at once.
    """
    damage: list[str] = []
    while True:
        try:
            return await read()
        except (CorruptDataError, StoreError) as error:
            has_name = isinstance(error, StoreError) and type(error) is not StoreError
            if has_name or str(error) in damage:
                raise
            damage.append(str(error))
            if len(damage) == TRIES:
                raise StoreError(
                    f"what the store sent was damaged in another way each time: "
                    f"{'; '.join(damage)}; look for what cuts its answers off, and try again"
                ) from error
