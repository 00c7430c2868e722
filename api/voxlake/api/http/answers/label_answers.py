"""Answers about labels: the state that they are true of as headers, and tables in every form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from starlette.responses import Response

from voxlake.api.formats.format import Offer
from voxlake.api.http.answers.tables import next_header, table_response
from voxlake.api.http.limits.budget import Budget
from voxlake.documents.document import Document
from voxlake.documents.labels.labels import LabelsInBoxDocument, StateDocument, list_document
from voxlake.documents.labels.merges import pairs_document
from voxlake.documents.labels.objects import objects_document
from voxlake.ngff.labels.mapping.table import Pairs
from voxlake.ngff.labels.queries.arrow import (
    in_box_to_arrow,
    labels_to_arrow,
    pairs_to_arrow,
    places_to_arrow,
)
from voxlake.ngff.labels.queries.in_box import LabelsInBox
from voxlake.ngff.labels.table import LabelTable


def state_headers(state: StateDocument) -> dict[str, str]:
    """Return the state that an answer is true of as headers."""
    headers: dict[str, str] = {"X-Index-Consistency": state.consistency}
    if state.as_of is not None:
        headers["X-Index-As-Of"] = state.as_of.isoformat()
    return headers | mapping_header(state.mapping)


def mapping_header(number: int | None) -> dict[str, str]:
    """Return which mapping was applied as a header; none if none was."""
    return {} if number is None else {"X-Voxlake-Mapping": str(number)}


async def list_response(
    form: Offer,
    state: StateDocument,
    table: LabelTable,
    budget: Budget,
    *,
    asked: Sequence[int] = (),
    after: int | None = None,
) -> Response:
    """Return labels, and as JSON those of `asked` that no voxel has, too."""
    return await table_response(
        form,
        lambda: list_document(state, table, asked, next=after),
        lambda: labels_to_arrow(table),
        state_headers(state) | next_header(after),
        budget,
    )


async def page_response(
    form: Offer, state: StateDocument, table: LabelTable, budget: Budget, limit: int
) -> Response:
    """Return a page of labels: a line more than `limit` says that there are others."""
    page = table.take(np.arange(min(limit, len(table))))
    after = int(page.labels[-1]) if len(table) > limit else None
    return await list_response(form, state, page, budget, after=after)


async def in_box_response(
    form: Offer,
    document: Callable[[], LabelsInBoxDocument],
    inside: LabelsInBox,
    headers: dict[str, str],
    budget: Budget,
) -> Response:
    """Return the labels of a box."""
    return await table_response(form, document, lambda: in_box_to_arrow(inside), headers, budget)


async def places_response(
    form: Offer,
    document: Callable[[], Document],
    places: npt.NDArray[np.int64],
    headers: dict[str, str],
    budget: Budget,
    labels: npt.NDArray[np.uint64] | None = None,
) -> Response:
    """Return voxels or cells (n, 3), and the label at each if given."""
    return await table_response(
        form, document, lambda: places_to_arrow(places, labels), headers, budget
    )


async def pairs_response(
    form: Offer, number: int, pairs: Pairs, budget: Budget, after: int | None = None
) -> Response:
    """Return supervoxels and their bodies, as of the number of a mapping."""
    return await table_response(
        form,
        lambda: pairs_document(number, pairs, after),
        lambda: pairs_to_arrow(pairs),
        mapping_header(number) | next_header(after),
        budget,
    )


async def objects_response(
    form: Offer,
    table: pa.Table,
    budget: Budget,
    *,
    asked: Sequence[int] = (),
    after: int | None = None,
) -> Response:
    """Return objects, and as JSON those of `asked` that have none, too."""
    return await table_response(
        form,
        lambda: objects_document(table, after, asked),
        lambda: table,
        next_header(after),
        budget,
    )
