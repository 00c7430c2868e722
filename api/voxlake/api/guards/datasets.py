"""The guard: who may do what is decided here, once for each request, for every route.

A route declares ``Depends(Requires(ReadVoxels))``, or `MayReadVoxels` and its like, and is handed a
`Granted[ReadVoxels]`; or ``Depends(public)`` and is handed nothing. A test walks all routes and
fails where neither stands, or where a route is handed another right than it says.
"""

# Annotations are evaluated here: FastAPI does not find the parameters of generic classes by name.

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Path, Query
from starlette.requests import Request
from starlette.types import Scope

from voxlake.api.gateway import Gateway, gateway_of
from voxlake.api.http.answers.dataset_state import tell_state
from voxlake.api.http.layers.exchange import exchange_of, template_of
from voxlake.api.http.limits.refusals import even_out
from voxlake.api.http.requests.parameters import check_parameters
from voxlake.platform.access import (
    Access,
    AddVoxels,
    AssignGroup,
    Delete,
    DeleteVoxels,
    Permission,
    Principal,
    Protected,
    Read,
    ReadVoxels,
    RemoveGroup,
    Right,
    Update,
    authorize,
    authorize_listed,
)
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.catalog.data.node_records import EVERYTHING, Page
from voxlake.platform.catalog.data.record import EVERY_DATASET, DatasetFilter
from voxlake.platform.catalog.usage import Metric
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidNameError,
    NotFoundError,
    UnauthenticatedError,
    VoxlakeError,
)
from voxlake.platform.names import NAME, DatasetName
from voxlake.platform.portion import Portion
from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Granted[R: Right]:
    """A dataset, and the decision that the asker may do something with it. Made by the guard."""

    access: Access[R]
    gateway: Gateway = field(repr=False, compare=False)

    @property
    def record(self) -> DatasetRecord:
        """What the catalog knows of the dataset."""
        return self.access.dataset

    @property
    def portion(self) -> Portion | None:
        """The part of the dataset that may be read; None: all of it."""
        return self.access.principal.portion

    def check_whole(self) -> None:
        """Raise ForbiddenError to those who are limited to a part of the dataset."""
        if self.portion is not None:
            raise ForbiddenError(
                f"{self.asker} leads to a part of {self.record.name} ({self.portion}), and all of "
                "it was asked about; ask for a cutout, or read its zarr"
            )

    @property
    def asker(self) -> str:
        """Who asks: what is changed is put down to them."""
        return self.access.principal.name

    @property
    def lake(self) -> StoreURL:
        """The lake that the dataset is in."""
        return self.gateway.lake


NamePart = Annotated[str, Path(json_schema_extra={"pattern": f"^{NAME}$"})]
"""A part of a dataset's name. It is described here, and checked once the asker is known."""


@dataclass(frozen=True, slots=True)
class Requires[R: Right]:
    """A dependency of routes below ``/{collection}/{experiment}/{dataset}``."""

    right: type[R]
    portions: bool = False
    """Whether those are let in who are limited to a part of the dataset: the route sees to it."""

    async def __call__(
        self, request: Request, collection: NamePart, experiment: NamePart, dataset: NamePart
    ) -> Granted[R]:
        """Return the access to the dataset in the path; raise 401 or 404 if there is none."""
        parts = (collection, experiment, dataset)
        granted = await grant(request.scope, parts, self.right, portions=self.portions)
        check_parameters(request)
        return granted


MayRead = Annotated[Granted[Read], Depends(Requires(Read))]
MayUpdate = Annotated[Granted[Update], Depends(Requires(Update))]
MayDelete = Annotated[Granted[Delete], Depends(Requires(Delete))]
MayReadVoxels = Annotated[Granted[ReadVoxels], Depends(Requires(ReadVoxels))]
MayDescribe = Annotated[Granted[Read], Depends(Requires(Read, portions=True))]
MayReadSome = Annotated[Granted[ReadVoxels], Depends(Requires(ReadVoxels, portions=True))]
MayAddVoxels = Annotated[Granted[AddVoxels], Depends(Requires(AddVoxels))]
MayAssignGroup = Annotated[Granted[AssignGroup], Depends(Requires(AssignGroup))]
MayRemoveGroup = Annotated[Granted[RemoveGroup], Depends(Requires(RemoveGroup))]
MayDeleteVoxels = Annotated[Granted[DeleteVoxels], Depends(Requires(DeleteVoxels))]


ListLimit = Annotated[int | None, Query(ge=1, le=1000, description="How many at most; null: all.")]
AfterPlace = Annotated[
    str,
    Query(
        pattern=f"^({NAME}(/{NAME}){{0,2}})?$",
        description="Only those after this one, by its names from the collection down.",
    ),
]


@dataclass(frozen=True, slots=True)
class Lists[R: Right]:
    """A dependency of routes that list datasets: those that the asker may see, no others."""

    right: type[R]

    async def __call__(
        self, request: Request, collection: str | None = None, experiment: str | None = None
    ) -> list[Granted[R]]:
        """Return the datasets, of one collection or experiment if asked, that may be seen."""
        gateway = gateway_of(request.scope)
        principal = await gateway.identity.identify(request.scope)
        check_parameters(request)
        return await list_granted(gateway, principal, self.right, (collection, experiment))


class ListsPage[R: Right](Lists[R]):
    """A dependency of routes that list datasets, all of them or a page."""

    async def __call__(
        self,
        request: Request,
        collection: str | None = None,
        experiment: str | None = None,
        limit: ListLimit = None,
        after: AfterPlace = "",
    ) -> list[Granted[R]]:
        """Return those that may be seen; one more than the limit, if there are more."""
        gateway = gateway_of(request.scope)
        principal = await gateway.identity.identify(request.scope)
        check_parameters(request)
        names = tuple(after.split("/")) if after else ()
        page = Page(None if limit is None else limit + 1, names)
        return await list_granted(gateway, principal, self.right, (collection, experiment), page)


MayList = Annotated[list[Granted[Read]], Depends(Lists(Read))]
MayListPage = Annotated[list[Granted[Read]], Depends(ListsPage(Read))]


def public(request: Request) -> None:
    """Mark a route that needs no permission."""
    check_parameters(request)


_REMEMBERED = {Permission.READ, Permission.READ_VOLUMETRIC_DATA}
"""For these alone is decided by what is remembered of a dataset."""


class PublicApp:
    """A mounted application that needs no permission."""


async def grant[R: Right](
    scope: Scope,
    parts: tuple[str, str, str],
    right: type[R],
    *,
    of: str | None = None,
    deleted: type[VoxlakeError] = NotFoundError,
    portions: bool = False,
) -> Granted[R]:
    """Return access to the dataset named by `parts`; with `of`, only to labels of that image.

    With `portions`, to those who are limited to a part of it, too. Once its deletion has begun,
    those who might see it are told the error `deleted`.

    Raises
    ------
    UnauthenticatedError
        To anonymous askers, whether there is such a dataset or not.
    NotFoundError
        To others, whether it is absent or not theirs to see, in the same words.
    ForbiddenError
        To others who may see it, and not do this.
    InvalidNameError
        To others, if the name cannot name a dataset.
    QuotaError
        To others who may, and had all there is for a month.
    StorageQuotaError
        To others who may write, where all is stored that may be.
    """
    began, gateway = time.monotonic(), gateway_of(scope)
    principal = await gateway.identity.identify(scope)
    try:
        name = DatasetName(*parts)
    except InvalidNameError as error:
        if principal.is_anonymous:
            raise gateway.identity.unknown() from error
        raise
    if right.permission not in _REMEMBERED:
        # The name may be another dataset's by now: nothing is written to the one before.
        gateway.records.forget(name)
    found = await gateway.records.get(name, partial(_find, gateway, name))
    if found is not None and of is not None and found.record.of != of:
        found = None
    try:
        granted = Granted(authorize(principal, right, name, found), gateway)
    except (NotFoundError, UnauthenticatedError):
        await even_out(began)
        raise
    if granted.record.state is DatasetState.REMOVING:
        raise deleted(f"there is no dataset {name}; it is being deleted")
    await _put_down(scope, granted)
    if not portions:
        granted.check_whole()
    tell_state(scope, granted.record.state)
    return granted


async def _put_down[R: Right](scope: Scope, granted: Granted[R]) -> None:
    """Put a request down to a dataset; raise QuotaError to who had all there is of such ones."""
    exchange_of(scope).node = granted.record.node
    if (metric := _METRICS.get(granted.access.right)) is not None:
        usage, principal = granted.gateway.usage, granted.access.principal
        await usage.check(principal, template_of(scope) or "", metric, granted.record)
        if granted.access.right is AddVoxels:
            await usage.check_room(granted.record)


_METRICS: dict[type[Right], Metric] = {
    ReadVoxels: Metric.EGRESS,
    AddVoxels: Metric.INGRESS,
    DeleteVoxels: Metric.INGRESS,
}
"""What may be used up of what a right allows."""


async def relatives[R: Right](granted: Granted[R]) -> list[Granted[R]]:
    """Return the image and all labels that belong together with a dataset and may be seen too.

    The image comes first, then its labels by name. The dataset itself is among them.
    """
    name, access = granted.record.name, granted.access
    image = granted.record.of or name.dataset
    who, within = (granted.gateway, access.principal, access.right), name.parts[:2]
    family = await list_granted(*who, within, where=DatasetFilter(family=image))
    return sorted(family, key=lambda each: (each.record.of is not None, each.record.name))


async def list_granted[R: Right](
    gateway: Gateway,
    principal: Principal,
    right: type[R],
    within: tuple[str | None, str | None],
    page: Page = EVERYTHING,
    where: DatasetFilter = EVERY_DATASET,
) -> list[Granted[R]]:
    """Return the datasets, `within` a collection or experiment if given, that one may use so."""
    find = partial(
        gateway.catalog.list_allowed, principal, right.permission, page=page, where=where
    )
    records = await to_thread.run_sync(find, *within)
    return [Granted(access, gateway) for access in authorize_listed(principal, right, records)]


def _find(gateway: Gateway, name: DatasetName) -> Protected | None:
    try:
        return gateway.catalog.get_protected(name)
    except NotFoundError:
        return None
