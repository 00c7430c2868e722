"""The guard of tables: datasets, named in one part of a path; and what their routes are asked."""

# Annotations are evaluated here: FastAPI does not find the parameters of generic classes by name.

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.requests import Request

from voxlake.api.guards.datasets import Granted, Requires, grant
from voxlake.api.http.answers.problems import DOCUMENTED
from voxlake.api.http.requests.parameters import check_parameters
from voxlake.platform.access import AddVoxels, ReadVoxels, Right

_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,254}"
TablePart = Annotated[
    str,
    Path(
        description="COLLECTION.EXPERIMENT.DATASET",
        json_schema_extra={"pattern": rf"^{_NAME}\.{_NAME}\.{_NAME}$"},
    ),
]
"""The name of a table. It is described here, and checked once the asker is known."""


@dataclass(frozen=True, slots=True)
class RequiresTable[R: Right](Requires[R]):
    """A dependency of routes below a table."""

    async def __call__(self, request: Request, table: TablePart) -> Granted[R]:  # type: ignore[override]  # FastAPI calls it
        """Return the access to the dataset in the path; raise 401 or 404 if there is none."""
        collection, _, rest = table.partition(".")
        experiment, _, dataset = rest.partition(".")
        granted = await grant(request.scope, (collection, experiment, dataset), self.right)
        check_parameters(request)
        return granted


MayReadTable = Annotated[Granted[ReadVoxels], Depends(RequiresTable(ReadVoxels))]
MayChangeTable = Annotated[Granted[AddVoxels], Depends(RequiresTable(AddVoxels))]

Node = Annotated[int, Path(ge=0, lt=1 << 64, description="Id of a supervoxel or a root.")]
AsText = Annotated[
    bool, Query(alias="int64_as_str", description="Answer ids as text, not as numbers.")
]
Moment = Annotated[
    float | None, Query(alias="timestamp", description="As of then, in seconds since 1970.")
]
Priority = Annotated[
    bool | None, Query(description="Taken: changes are made in the order in which they come.")
]

GRAPH_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/GraphProblem"}}}
"""Errors in the form in which the viewer shows them."""
REFUSALS: dict[int | str, dict[str, object]] = {
    status: {**each, "content": GRAPH_ERROR} for status, each in DOCUMENTED.items()
}


def written(ids: list[int], *, as_text: bool) -> tuple[int | str, ...]:
    """Return ids as they are answered."""
    return tuple(map(str, ids)) if as_text else tuple(ids)
