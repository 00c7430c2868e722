"""The page of requests that operations take: ``python -m tests.docs.requests_page`` writes it."""

from __future__ import annotations

from tests.docs.pages import ROOT
from tests.integration.operations import OPERATIONS, Operation

PAGE = ROOT / "docs" / "reference" / "requests.md"

_HEAD = """# Requests to the store

What operations cost on S3, in requests, which are what one waits for and pays for besides bytes. A
test counts them at a server, by a gateway that has just started, and fails when one takes more.
`python -m tests.docs.requests_page` writes this page.

The least that the format allows for a chunk is two requests where nothing is known of its shard:
the index at its end, and the chunk. Where the index is known one is left, on the condition that the
shard is as it was (`If-Match`). What is in memory, or on the disk of
the gateway (`VOXLAKE_CACHE_DIR`), is asked for by one HEAD without a body: nothing is ever stale.

| | requests | |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(map(_row, OPERATIONS))


def _row(operation: Operation) -> str:
    about = {"GET": "about "} if operation.is_job else {}
    said = (f"{about.get(kind, '')}{count} {kind}" for kind, count in operation.takes.items())
    takes = ", ".join(said) or "none"
    return f"| {operation.name} | {takes} | {operation.why} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
