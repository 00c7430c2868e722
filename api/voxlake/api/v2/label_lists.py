"""Lists of labels as answers, in the form that a client wants."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from voxlake.api.data.labels import Answer
from voxlake.api.guard import Granted
from voxlake.api.http.arrow_body import arrow_response
from voxlake.api.v2.label_describe import list_document
from voxlake.ngff.labels.queries.arrow import labels_to_arrow
from voxlake.ngff.labels.table import LabelTable


def list_response(
    granted: Granted, found: Answer[LabelTable], asked: Iterable[int] = (), *, arrow: bool
) -> Response:
    """Return labels as JSON, with those of `asked` that no voxel has, or as an Arrow table."""
    headers = {"Vary": "Accept, Authorization, Cookie", **found.headers()}
    if arrow:
        return arrow_response(labels_to_arrow(found.value), headers, granted.gateway.cutouts)
    document = list_document(found, asked)
    return Response(document.model_dump_json(), headers=headers, media_type="application/json")
