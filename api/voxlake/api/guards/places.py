"""The guard of collections and experiments, and of what everybody may ask for.

A route declares a `RequiresNamed`, and is handed a `GrantedPlace`; or `Anybody`, and is handed an
`Asker`, who is shown what they may read.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query
from starlette.requests import Request

from voxlake.api.guards.askers import Asker, GrantedPlace, RequiresPlace, asker_of, grant_place
from voxlake.api.guards.datasets import NamePart
from voxlake.api.http.requests.parameters import check_parameters
from voxlake.platform.access import Add, Delete, Read, Right, Update


async def anybody(request: Request) -> Asker:
    """Return who asks, nobody in particular included."""
    asker = await asker_of(request)
    check_parameters(request)
    return asker


Anybody = Annotated[Asker, Depends(anybody)]


@dataclass(frozen=True, slots=True)
class RequiresNamed[R: Right]:
    """A dependency of routes whose path names a place; what is below none is of the lake."""

    right: type[R]

    async def granted(self, request: Request, *names: str) -> GrantedPlace[R]:
        """Return the access to the place; raise 401, 403 or 404 if there is none."""
        granted = await grant_place(await asker_of(request), "/".join(names) or "/", self.right)
        check_parameters(request)
        return granted


class OnLake[R: Right](RequiresNamed[R]):
    """A dependency of routes about the lake itself."""

    async def __call__(self, request: Request) -> GrantedPlace[R]:
        """Return the access to the lake."""
        return await self.granted(request)


class OnCollection[R: Right](RequiresNamed[R]):
    """A dependency of routes below ``/{collection}``."""

    async def __call__(self, request: Request, collection: NamePart) -> GrantedPlace[R]:
        """Return the access to the collection."""
        return await self.granted(request, collection)


class OnExperiment[R: Right](RequiresNamed[R]):
    """A dependency of routes below ``/{collection}/experiments/{experiment}``."""

    async def __call__(
        self, request: Request, collection: NamePart, experiment: NamePart
    ) -> GrantedPlace[R]:
        """Return the access to the experiment."""
        return await self.granted(request, collection, experiment)


class OnChannel[R: Right](RequiresNamed[R]):
    """A dependency of routes below ``/{collection}/{experiment}/{dataset}`` about it as a place."""

    async def __call__(
        self, request: Request, collection: NamePart, experiment: NamePart, dataset: NamePart
    ) -> GrantedPlace[R]:
        """Return the access to the dataset."""
        return await self.granted(request, collection, experiment, dataset)


MayAddToLake = Annotated[GrantedPlace[Add], Depends(OnLake(Add))]
MayReadCollection = Annotated[GrantedPlace[Read], Depends(OnCollection(Read))]
MayAddToCollection = Annotated[GrantedPlace[Add], Depends(OnCollection(Add))]
MayUpdateCollection = Annotated[GrantedPlace[Update], Depends(OnCollection(Update))]
MayDeleteCollection = Annotated[GrantedPlace[Delete], Depends(OnCollection(Delete))]
MayReadExperiment = Annotated[GrantedPlace[Read], Depends(OnExperiment(Read))]
MayAddToExperiment = Annotated[GrantedPlace[Add], Depends(OnExperiment(Add))]
MayUpdateExperiment = Annotated[GrantedPlace[Update], Depends(OnExperiment(Update))]
MayDeleteExperiment = Annotated[GrantedPlace[Delete], Depends(OnExperiment(Delete))]
MayUpdatePlace = Annotated[GrantedPlace[Update], Depends(RequiresPlace(Update))]

KEY = Query(min_length=1, max_length=255, pattern=r"^[^\x00]*$")
Key = Annotated[str, KEY]
"""Under which something is said of a place."""
