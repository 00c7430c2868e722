"""Above datasets there is no zarr group, and that is said to everybody.

Labels say that their image lies at ``../../``. ome-zarr-py follows that from whichever address it
opens labels at, and of those that are opened by their own name it leads to the collection. There it
takes "not found" for labels without an image, and any other answer for a failure.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends

from voxlake.api.guards.datasets import public
from voxlake.platform.errors import NotFoundError

DOCUMENTS = ("zarr.json", ".zgroup", ".zattrs", ".zmetadata")
"""Those that make a folder a group of zarr v3 or v2."""

router = APIRouter(include_in_schema=False)


def no_group(collection: str) -> None:
    """Answer that there is no group, whether there is such a collection or not."""
    raise NotFoundError(
        f"a collection such as {collection} is no zarr group; ask for one of its datasets, "
        f"/zarr/{collection}/EXPERIMENT/DATASET/"
    )


for document in DOCUMENTS:
    router.add_api_route(
        f"/zarr/{{collection}}/{document}",
        no_group,
        methods=["GET", "HEAD"],
        dependencies=[Depends(public)],
    )
