"""Bodies of requests as bytes: whole, of the length that was said, and as their digests say."""

from __future__ import annotations

from collections.abc import AsyncIterator

from anyio import to_thread
from starlette.requests import Request

from voxlake.api.http.requests.digests import HEADERS, check_digests
from voxlake.platform.errors import InvalidInputError, UnsupportedError


def check_coding(request: Request) -> None:
    """Raise UnsupportedError if the body of a request is compressed."""
    coding = request.headers.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        raise UnsupportedError(f"the body is encoded as {coding[:40]!r}; send it as it is")


def length_of(request: Request, most: int) -> int:
    """Return the bytes that the body of a request may take in memory, before it is read.

    Raises
    ------
    InvalidInputError
        If it says to have more than `most`.
    """
    length = int(request.headers.get("content-length", most))
    if length > most:
        raise _too_long(most)
    return length


async def read_bytes(request: Request, length: int) -> memoryview:
    """Return the body of a request, checked against its digests.

    Parameters
    ----------
    length
        As of `length_of`.

    Raises
    ------
    InvalidInputError
        If it is longer, or not what its digests say.
    ClientDisconnect
        If the client left before it was whole.
    """
    body = bytearray()
    async for part in parts_of(request, length):
        body += part
    view = memoryview(body).toreadonly()
    if has_digests(request):
        await to_thread.run_sync(check_digests, request.headers, view)
    return view


async def parts_of(request: Request, length: int) -> AsyncIterator[bytes]:
    """Yield the body of a request as it comes; errors are those of `read_bytes`."""
    taken = 0
    async for part in request.stream():
        taken += len(part)
        if taken > length:
            raise _too_long(length)
        yield part


def has_digests(request: Request) -> bool:
    """Return whether a request says digests of its body, which has to be whole then."""
    return any(name in request.headers for name in HEADERS)


def _too_long(most: int) -> InvalidInputError:
    return InvalidInputError(
        f"the body has more than the {most} bytes that the box can take; send the voxels of the "
        "box and nothing else"
    )
