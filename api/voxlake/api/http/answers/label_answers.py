"""Answers about labels: the state that they are true of as headers, and lists in two forms."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from voxlake.api.http.answers.arrow_body import arrow_response
from voxlake.api.http.answers.json_body import json_response
from voxlake.api.http.limits.budget import Budget
from voxlake.documents.labels import StateDocument, list_document
from voxlake.ngff.labels.queries.arrow import labels_to_arrow
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


def list_response(
    state: StateDocument,
    table: LabelTable,
    asked: Sequence[int],
    budget: Budget,
    *,
    arrow: bool,
) -> Response:
    """Return labels as JSON, with those of `asked` that no voxel has, or as an Arrow stream."""
    if arrow:
        return arrow_response(labels_to_arrow(table), state_headers(state), budget)
    return json_response(list_document(state, table, asked), state_headers(state), budget)
