"""Long documents as JSON bodies, which count against the memory for answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anyio import to_thread

from voxlake.api.http.answers.stream import StreamResponse
from voxlake.api.http.limits.budget import Budget
from voxlake.documents.document import Document


async def json_response(
    document: Callable[[], Document], headers: Mapping[str, str], budget: Budget
) -> StreamResponse:
    """Return the answer that carries a long document as JSON, which is made in a thread."""
    body = await to_thread.run_sync(lambda: document().model_dump_json().encode())
    typed = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    return StreamResponse(iter([body]), typed, budget, len(body))
