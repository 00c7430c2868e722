"""The first page: the datasets that the asker may read, those that are wanted, what words find."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from voxlake.api.console.pages.page import console_router, page
from voxlake.api.guards.askers import NAMED
from voxlake.api.guards.datasets import AfterPlace
from voxlake.api.guards.places import Anybody
from voxlake.api.places import datasets, metadata
from voxlake.platform.access import AssignGroup, Read, Right, Update

router = console_router()

ON_A_PAGE = 48
RIGHTS: dict[str, type[Right]] = {"": Read, "update": Update, "assign_group": AssignGroup}


class ListQuery(BaseModel):
    """What is wanted; what is left out is no condition."""

    q: Annotated[str, Field(max_length=1000, description="Words, or how they begin.")] = ""
    kind: Annotated[Literal["", "image", "labels"], Field(description="Only of it.")] = ""
    collection: Annotated[str, Field(pattern=f"^$|{NAMED}")] = ""
    may: Annotated[
        Literal["", "update", "assign_group"],
        Field(description="Only what the asker may change, or share."),
    ] = ""
    after: AfterPlace = ""

    @property
    def is_filtered(self) -> bool:
        """Whether datasets of one sort are wanted, rather than places of any."""
        return bool(self.kind or self.collection or self.may)

    def following(self, after: str) -> str:
        """Return the query of the page that begins after a place."""
        asked = self.model_dump(exclude_defaults=True) | {"after": after}
        return urlencode(asked, safe="/")


@router.get("/", summary="Page of datasets", response_class=HTMLResponse)
async def show_datasets(
    request: Request, asker: Anybody, asked: Annotated[ListQuery, Query()]
) -> HTMLResponse:
    """Show a page of the datasets that the asker may read, or of what is wanted of them."""
    words = asked.q.strip()
    if words and not asked.is_filtered:
        found = await metadata.search(asker, words, ON_A_PAGE, asked.after, count=False)
        places, following = found.places, found.next
        return await page(
            request, "datasets/found.html", q=asked.q, asked=asked, places=places, next=following
        )
    wanted = datasets.WantedDatasets(
        RIGHTS[asked.may], asked.collection or None, asked.kind or None, words
    )
    listed = await datasets.list_page(asker, ON_A_PAGE, asked.after, wanted)
    return await page(
        request,
        "datasets/listing.html",
        q=asked.q,
        asked=asked,
        datasets=listed.datasets,
        next=listed.next,
    )
