"""Keys and values of collections, experiments and channels, as bossDB's clients put them."""

# Annotations are evaluated here: the guard of each address is made in a function.

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Query

from voxlake.api.guards.askers import GrantedPlace
from voxlake.api.guards.places import KEY, Key, OnChannel, OnCollection, OnExperiment
from voxlake.api.places import metadata as data
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb.resources import BossKeys
from voxlake.documents.places.places import ValueDocument
from voxlake.platform.access import Add, Delete, Read, Update
from voxlake.platform.errors import InvalidInputError, NotFoundError

router = boss_router("/meta")

MaybeKey = Annotated[str | None, KEY]
Value = Annotated[str, Query(description="All that follows in the address.")]

type On = Callable[[type[Any]], Callable[..., Any]]
"""Makes the guard of a place for a right."""


@contextmanager
def _absent_is_wrong() -> Iterator[None]:
    """Tell of a key without a value as bossDB does: the argument is wrong."""
    try:
        yield
    except NotFoundError as error:
        raise InvalidInputError(str(error)) from error


def _add_routes(path: str, on: On, of: str) -> None:
    may_read, may_add = Depends(on(Read)), Depends(on(Add))

    @router.get(path, summary=f"Read metadata of {of}")
    async def get_value(
        granted: Annotated[GrantedPlace[Read], may_read], key: MaybeKey = None
    ) -> BossKeys | ValueDocument:
        """Return the value of a key, or all keys."""
        if key is None:
            return BossKeys(keys=(await data.list_keys(granted)).keys)
        with _absent_is_wrong():
            return await data.get_value(granted, key)

    @router.post(path, summary=f"Add metadata to {of}", status_code=201)
    async def add_value(
        granted: Annotated[GrantedPlace[Add], may_add], key: Key, value: Value
    ) -> ValueDocument:
        """Give a key a value, if it has none."""
        return await data.add_value(granted, key, value)

    _add_changes(path, on, of)


def _add_changes(path: str, on: On, of: str) -> None:
    may_update, may_delete = Depends(on(Update)), Depends(on(Delete))

    @router.put(path, summary=f"Change metadata of {of}")
    async def change_value(
        granted: Annotated[GrantedPlace[Update], may_update], key: Key, value: Value
    ) -> ValueDocument:
        """Give a key another value."""
        with _absent_is_wrong():
            return await data.change_value(granted, key, value)

    @router.delete(path, summary=f"Delete metadata of {of}", status_code=204)
    async def remove_value(granted: Annotated[GrantedPlace[Delete], may_delete], key: Key) -> None:
        """Take a key and its value away."""
        with _absent_is_wrong():
            await data.drop_value(granted, key)


_add_routes("/{collection}", OnCollection, "a collection")
_add_routes("/{collection}/{experiment}", OnExperiment, "an experiment")
_add_routes("/{collection}/{experiment}/{dataset}", OnChannel, "a channel")
