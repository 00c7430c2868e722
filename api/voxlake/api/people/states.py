"""States of the viewer: made and deleted by whoever shares them, shown to whoever has the id."""

from __future__ import annotations

from datetime import datetime

from anyio import to_thread
from starlette.requests import Request

from voxlake.api.gateway import gateway_of
from voxlake.api.guards.askers import Asker
from voxlake.documents.viewer.states import (
    SharedStateDocument,
    SharedStateList,
    ViewerState,
    shared_state_document,
)
from voxlake.platform.catalog.data.viewer_states import no_state
from voxlake.platform.errors import NotFoundError


async def share_state(
    asker: Asker, state: ViewerState, server: str, ends_at: datetime | None, *, for_users: bool
) -> SharedStateDocument:
    """Keep a state, by its own title if it has one; `server` is the address of the gateway."""
    text, user = state.model_dump_json(), asker.principal.user
    made = await asker.of_catalog(
        lambda catalog: catalog.viewer_states.add(
            text, user, ends_at, for_users=for_users, title=state.title
        )
    )
    return shared_state_document(made, server)


async def list_states(asker: Asker, server: str, limit: int, after: int) -> SharedStateList:
    """Return the states that the asker shares."""
    user = asker.principal.user
    found = await asker.of_catalog(
        lambda catalog: catalog.viewer_states.list_states(user, limit=limit + 1, after=after)
    )
    shown = tuple(shared_state_document(each, server) for each in found[:limit])
    return SharedStateList(states=shown, next=shown[-1].number if len(found) > limit else None)


async def read_state(request: Request, serial: str) -> str:
    """Return the JSON of a state.

    Whoever has its id may read it: nobody guesses one. Without credentials a state for users is
    answered as one that is not there.

    Raises
    ------
    UnauthenticatedError
        To anonymous askers, if there is none that is for them.
    NotFoundError
        To others, if there is none.
    """
    gateway = gateway_of(request.scope)
    principal = await gateway.identity.identify(request.scope)
    states = gateway.catalog.viewer_states
    try:
        state = await to_thread.run_sync(states.get, serial)
    except NotFoundError as error:
        if principal.is_anonymous:
            raise gateway.identity.unknown() from error
        raise
    if state.for_users and principal.is_anonymous:
        raise gateway.identity.unknown()
    return await to_thread.run_sync(states.text, serial)


async def delete_state(asker: Asker, serial: str) -> None:
    """Forget a state.

    Raises
    ------
    NotFoundError
        If there is none that the asker shares; administrators delete those of others.
    """
    who = asker.principal
    state = await asker.of_catalog(lambda catalog: catalog.viewer_states.get(serial))
    if state.user != who.user and not who.administers:
        raise no_state()
    await asker.of_catalog(lambda catalog: catalog.viewer_states.delete(serial))
