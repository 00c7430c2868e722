"""Answers that are tables: as the JSON document of an address, as Arrow, or as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pyarrow as pa
from anyio import to_thread
from fastapi import Depends, Header, Query

from voxlake.api.formats.format import Offer
from voxlake.api.formats.negotiate import choose
from voxlake.api.formats.tables import BINARY_TABLES, PART_ROWS, TABLES, TableFormat
from voxlake.api.http.answers.json_body import json_response
from voxlake.api.http.answers.problems import BINARY, documented
from voxlake.api.http.answers.stream import StreamResponse
from voxlake.api.http.limits.budget import Budget
from voxlake.documents.document import Document

NAMES = ", ".join(f"`{each.name}`" for each in TABLES)
TABLED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The table.",
        "content": {each.media_type: BINARY for each in BINARY_TABLES},
    },
    **documented(406, f"It can be had as {NAMES} only."),
    **documented(413, "There are too many."),
}
"""What the OpenAPI document says of an address that answers with a table."""


def _table_form(
    name: Annotated[
        str | None, Query(alias="format", description=f"{NAMES}; wins over `Accept`.")
    ] = None,
    accept: Annotated[str | None, Header()] = None,
) -> Offer:
    return choose(name, accept, TABLES, "this table")


TableForm = Annotated[Offer, Depends(_table_form)]
"""How a client wants a table, of `TABLES`. It stands after the guard among the parameters."""


async def table_response(
    form: Offer,
    document: Callable[[], Document],
    table: Callable[[], pa.Table],
    headers: Mapping[str, str],
    budget: Budget,
) -> StreamResponse:
    """Return the answer that carries a table.

    Parameters
    ----------
    document, table
        Make what is sent as JSON, and what is sent in binary: one of them is asked, in a thread.
    headers
        What else is to be known of it in any form.
    """
    if not isinstance(form, TableFormat):
        return await json_response(document, headers, budget)
    rows = await to_thread.run_sync(table)
    parts = form.encode(rows.to_reader(max_chunksize=PART_ROWS))
    return StreamResponse(parts, {"Content-Type": form.media_type, **headers}, budget, rows.nbytes)


def next_header(after: int | None) -> dict[str, str]:
    """Return what to give as `after` for the next page as a header; none if this is the last."""
    return {} if after is None else {"X-Voxlake-Next": str(after)}
