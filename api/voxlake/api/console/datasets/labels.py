"""Pages of labels: the largest, one by its id, and what was merged; forms that merge and undo."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import SENT, console_router, go_to, held_at, page
from voxlake.api.data.labels import labels as label_data
from voxlake.api.data.labels import objects as object_data
from voxlake.api.data.labels.asked_box import times_of
from voxlake.api.guards.askers import GrantedPlace
from voxlake.api.guards.datasets import Granted, MayAddVoxels, MayReadVoxels
from voxlake.api.guards.places import OnChannel
from voxlake.api.http.answers.problems import documented
from voxlake.api.http.requests.intake import FormBody
from voxlake.documents.forms import MergeForm, NumberForm
from voxlake.documents.labels.merges import BodyDocument, body_document, change_document
from voxlake.documents.labels.objects import ObjectDocument
from voxlake.ngff.labels.label_id import check_label
from voxlake.ngff.labels.sizes import SizeBin, size_bins
from voxlake.ngff.labels.table import LabelTable
from voxlake.ngff.labels.view import View
from voxlake.platform.access import Read, ReadVoxels
from voxlake.platform.errors import NotFoundError

router = console_router("/datasets/{collection}/{experiment}/{dataset}/labels")

LARGEST = 50
"""Labels that are listed."""
CHANGES = 50
"""Changes of the mapping on a page."""
SHOWN_SUPERVOXELS = 100
MERGED = SENT | documented(409, "It does not fit the mapping as it is: somebody was here before.")
MayReadPlace = Annotated[GrantedPlace[Read], Depends(OnChannel(Read))]


@router.get("", summary="Page of labels", response_class=HTMLResponse)
async def show_labels(
    request: Request,
    granted: MayReadVoxels,
    place: MayReadPlace,
    label: Annotated[
        str, Query(max_length=20, pattern="^[0-9]*$", description="An id to look up.")
    ] = "",
    bodies: Annotated[bool, Query(description="Apply the mapping.")] = False,  # noqa: FBT002
    t: Annotated[int | None, Query(ge=0, lt=10**15, description="Time point.")] = None,
) -> HTMLResponse:
    """Show the largest labels of a dataset, or one that is asked for, at one time point."""
    times = await times_of(granted)
    body: BodyDocument | None = None
    known: ObjectDocument | None = None
    bins: tuple[SizeBin, ...] = ()
    if label:
        number = int(label)
        check_label(number)
        found = await label_data.ask(
            granted, lambda view: view.find([number]), time=t, bodies=bodies
        )
        if len(found):
            body = body_document(await label_data.mapping_of(granted), number)
            known = await _object_of(granted, number)
    else:
        found, bins = await label_data.ask_for_all(granted, _survey, time=t, bodies=bodies)
    return await page(
        request,
        "datasets/labels.html",
        name=str(granted.record.name),
        extents=[found.extent(line) for line in range(len(found))],
        bins=bins,
        most=max((each.labels for each in bins), default=0),
        label=label,
        bodies=bodies,
        times=times,
        time=t or 0,
        body=body,
        supervoxels=() if body is None else body.supervoxels[:SHOWN_SUPERVOXELS],
        known=known,
        may=held_at(place),
    )


@router.post("/merge", summary="Merge bodies by a form", status_code=303, responses=MERGED)
async def merge(
    request: Request,
    granted: MayAddVoxels,
    asked: Annotated[MergeForm, Depends(FormBody(MergeForm))],
) -> RedirectResponse:
    """Merge bodies into the first of them, and go on to its page."""
    await object_data.merge(granted, asked.ids, granted.asker)
    name = granted.record.name
    return go_to(request, f"/datasets/{name}/labels?label={asked.ids[0]}&bodies=true")


@router.get("/history", summary="Page of merges", response_class=HTMLResponse)
async def show_history(
    request: Request,
    granted: MayReadVoxels,
    place: MayReadPlace,
    before: Annotated[
        int | None, Query(ge=1, lt=2**63, description="Only changes before this one.")
    ] = None,
) -> HTMLResponse:
    """Show who merged and split what, the newest first."""
    last = (await label_data.mapping_of(granted)).number
    last = last if before is None else min(last, before - 1)
    first = max(last - CHANGES, 0)
    found = await object_data.history(granted, first, last - first)
    return await page(
        request,
        "datasets/history.html",
        name=str(granted.record.name),
        changes=[change_document(each) for each in reversed(found)],
        next=first + 1 if first else None,
        may=held_at(place),
    )


@router.post("/undo", summary="Undo a change by a form", status_code=303, responses=MERGED)
async def undo(
    request: Request,
    granted: MayAddVoxels,
    asked: Annotated[NumberForm, Depends(FormBody(NumberForm))],
) -> RedirectResponse:
    """Take back one change of the mapping, by another one."""
    await object_data.undo(granted, asked.number, granted.asker)
    return go_to(request, f"/datasets/{granted.record.name}/labels/history")


def _survey(view: View) -> tuple[LabelTable, tuple[SizeBin, ...]]:
    """Return the largest labels, and how many there are of which size."""
    table = view.all()
    return table.largest(LARGEST), size_bins(table.voxels)


async def _object_of(granted: Granted[ReadVoxels], label: int) -> ObjectDocument | None:
    """Return what is known of a label besides its voxels; None if nothing is."""
    try:
        return ObjectDocument.model_validate(await object_data.get_object(granted, label))
    except NotFoundError:
        return None
