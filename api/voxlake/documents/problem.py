"""What went wrong, as a problem document (RFC 9457)."""

from __future__ import annotations

from pydantic import Field

from voxlake.documents.document import Document

URN = "urn:voxlake:error:"


class Problem(Document):
    """Why a request or a command failed: what was asked, what is so, what to do."""

    type: str = Field(
        description=f"`{URN}` and a stable name of the kind of error.",
        examples=[f"{URN}out-of-bounds"],
    )
    title: str = Field(description="The kind of error, in words.")
    status: int | None = Field(
        description="The HTTP status of this kind of error; null: it has none.", ge=400, le=599
    )
    detail: str = Field(description="What was asked, what is so, and what to do.")
    request_id: str | None = Field(
        description="Also in `X-Request-Id` and in the server's log; null: of a command."
    )
    trace_id: str | None = Field(
        None, description="Where traces are kept, the one of the request is found by it."
    )
    hints: tuple[str, ...] = Field((), description="Of a command: what else helps.")
    exit_code: int | None = Field(None, description="Of a command.")

    @property
    def kind(self) -> str:
        """The stable name of the kind of error, as errors have it."""
        return self.type.removeprefix(URN)


class GraphProblem(Problem):
    """A problem of a graph, with its words where clients of CAVE look for them."""

    message: str = Field(description="As `detail`.")


def naming(kind: str) -> dict[str, str]:
    """Return how a problem names its kind.

    Examples
    --------
    >>> naming("not-found")
    {'type': 'urn:voxlake:error:not-found', 'title': 'Not found'}
    """
    return {"type": f"{URN}{kind}", "title": kind.replace("-", " ").capitalize()}
