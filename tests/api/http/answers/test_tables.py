"""Answers that are tables: whatever is made of many rows is made beside the event loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import anyio
import pyarrow as pa
import pytest

from voxlake.api.formats.tables import TABLES
from voxlake.api.http.answers.tables import table_response
from voxlake.api.http.limits.budget import Budget
from voxlake.documents.labels.merges import MappingDocument

if TYPE_CHECKING:
    from voxlake.api.formats.format import Offer


@pytest.mark.parametrize("form", TABLES, ids=lambda form: form.name)
def test_rows_are_made_in_a_thread(form: Offer) -> None:
    made: list[threading.Thread] = []

    def document() -> MappingDocument:
        made.append(threading.current_thread())
        return MappingDocument(number=1, supervoxels=0)

    def table() -> pa.Table:
        made.append(threading.current_thread())
        return pa.table({"label": [1]})

    async def answer() -> None:
        await table_response(form, document, table, {}, Budget(1 << 20))

    anyio.run(answer)
    (thread,) = made
    assert thread is not threading.current_thread()
