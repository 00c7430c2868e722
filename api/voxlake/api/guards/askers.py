"""The guard of what is about people and places: who asks, and what they may.

A route declares one of `SignedIn`, `Unlimited`, `Administrator`, or a `RequiresPlace`, and is
handed an `Asker` or a `GrantedPlace`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Path, Query
from starlette.requests import Request

from voxlake.api.gateway import Gateway, gateway_of
from voxlake.api.http.limits.refusals import even_out
from voxlake.api.http.requests.parameters import check_parameters
from voxlake.platform.access import (
    AssignGroup,
    Permission,
    Place,
    Principal,
    Read,
    RemoveGroup,
    Right,
    authorize_place,
)
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidNameError,
    NotFoundError,
    UnauthenticatedError,
)
from voxlake.platform.names import NAME, names_of

NAMED = f"^{NAME}$"
UserName = Annotated[str, Path(pattern=NAMED)]
GroupName = Annotated[str, Path(pattern=NAMED)]
TokenNumber = Annotated[int, Path(ge=1, lt=2**63)]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
AfterName = Annotated[
    str, Query(pattern="^[A-Za-z0-9_-]{0,255}$", description="Only those after this one.")
]
AfterNumber = Annotated[int, Query(ge=0, lt=2**63, description="Only those after this one.")]

BeforeChange = Annotated[
    int | None, Query(ge=1, lt=2**63, description="Only changes before this one.")
]

PLACE = f"^(/|{NAME}(/{NAME}){{0,2}})$"
"""Pattern of a place."""
ChangesOf = Annotated[
    str | None,
    Query(
        description="Only of this place; its owners may ask.",
        json_schema_extra={"pattern": PLACE},
    ),
]


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks. Made by the guard."""

    principal: Principal
    gateway: Gateway = field(repr=False, compare=False)

    async def of_catalog[T](self, question: Callable[[Catalog], T]) -> T:
        """Return the answer of the catalog, in a thread; changes are put down to the asker."""
        catalog = self.gateway.catalog.signed(self.principal.name)
        return await to_thread.run_sync(question, catalog)


async def asker_of(request: Request) -> Asker:
    """Return who asks, nobody in particular included."""
    gateway = gateway_of(request.scope)
    return Asker(await gateway.identity.identify(request.scope), gateway)


async def signed_in(request: Request) -> Asker:
    """Return who asks.

    Raises
    ------
    UnauthenticatedError
        If nobody has said who.
    ForbiddenError
        If it is nobody in particular: a link.
    """
    asker = await asker_of(request)
    if asker.principal.is_anonymous:
        raise asker.gateway.identity.unknown()
    if asker.principal.user is None and not asker.principal.administers:
        raise ForbiddenError("this address is for users, and a link is none; sign in")
    check_parameters(request)
    return asker


async def unlimited(asker: Annotated[Asker, Depends(signed_in)]) -> Asker:
    """Return who asks; raise ForbiddenError if they ask with less than all that they may."""
    if asker.principal.is_limited:
        raise ForbiddenError(
            "the token that you asked with is limited, and could be made good for more here; sign "
            "in, or ask with one without limits"
        )
    return asker


async def administrator(asker: Annotated[Asker, Depends(unlimited)]) -> Asker:
    """Return who asks; raise ForbiddenError if they are no administrator."""
    if not asker.principal.administers:
        raise ForbiddenError("this is for administrators alone; ask one")
    return asker


async def user_manager(asker: Annotated[Asker, Depends(unlimited)]) -> Asker:
    """Return who asks; raise ForbiddenError if they do not look after users."""
    if not asker.principal.manages_users:
        raise ForbiddenError("this is for user managers and administrators; ask one")
    return asker


SignedIn = Annotated[Asker, Depends(signed_in)]
Unlimited = Annotated[Asker, Depends(unlimited)]
Administrator = Annotated[Asker, Depends(administrator)]
UserManager = Annotated[Asker, Depends(user_manager)]
GUARDS = (signed_in, unlimited, administrator, user_manager)


@dataclass(frozen=True, slots=True)
class GrantedPlace[R: Right]:
    """A place, and the decision that the asker may do something with it. Made by the guard."""

    asker: Asker
    right: type[R]
    place: Place

    @property
    def held(self) -> frozenset[Permission] | None:
        """All that the asker may do there; None: they look after the lake."""
        if self.asker.principal.administers:
            return None
        return self.place.held_by(self.asker.principal)


@dataclass(frozen=True, slots=True)
class RequiresPlace[R: Right]:
    """A dependency of routes that are asked with a place."""

    right: type[R]

    async def __call__(
        self,
        request: Request,
        place: Annotated[
            str,
            Query(
                description="COLLECTION, COLLECTION/EXPERIMENT, a dataset, or / for the lake.",
                json_schema_extra={"pattern": PLACE},
            ),
        ] = "/",
    ) -> GrantedPlace[R]:
        """Return the access to the place; raise 401, 403 or 404 if there is none."""
        granted = await grant_place(await asker_of(request), place, self.right)
        check_parameters(request)
        return granted


MayReadPlace = Annotated[GrantedPlace[Read], Depends(RequiresPlace(Read))]
MayShare = Annotated[GrantedPlace[AssignGroup], Depends(RequiresPlace(AssignGroup))]
MayUnshare = Annotated[GrantedPlace[RemoveGroup], Depends(RequiresPlace(RemoveGroup))]


async def grant_place[R: Right](asker: Asker, place: str, right: type[R]) -> GrantedPlace[R]:
    """Return access to a place, as people write it.

    Raises
    ------
    UnauthenticatedError
        To anonymous askers who may not, whether there is such a place or not.
    NotFoundError
        To others, whether it is absent or not theirs to see, in the same words.
    ForbiddenError
        To others who may see it, and not do this.
    InvalidNameError
        To others, if it is no place.
    """
    began = time.monotonic()
    principal, shares = asker.principal, asker.gateway.catalog.shares
    try:
        names = names_of(place)
    except InvalidNameError as error:
        if principal.is_anonymous:
            raise asker.gateway.identity.unknown() from error
        raise
    found = await to_thread.run_sync(partial(shares.find_place, names))
    try:
        return GrantedPlace(asker, right, authorize_place(principal, right, names, found))
    except (NotFoundError, UnauthenticatedError):
        await even_out(began)
        raise
