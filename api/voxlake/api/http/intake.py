"""Bodies of requests: read after the guard has let the asker in, and never more than a limit."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from voxlake.platform.errors import InvalidInputError, LimitExceededError, UnsupportedError, faults

LIMIT_BYTES = 8 << 20
"""Largest body."""


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A dependency that reads the body of a request as a document.

    It stands after the guard among the parameters of a route: dependencies are asked in their
    order, while a body that FastAPI itself reads is read, and refused, before any of them.
    """

    model: type[BaseModel]

    async def __call__(self, request: Request) -> BaseModel:
        """Return the document.

        Raises
        ------
        InvalidInputError
            If the body is none.
        UnsupportedError
            If it is compressed.
        LimitExceededError
            If it is, or is said to be, longer than `LIMIT_BYTES`.
        """
        coding = request.headers.get("content-encoding", "identity")
        if coding.strip().lower() != "identity":
            raise UnsupportedError(f"the body is encoded as {coding[:40]!r}; send it as it is")
        _check_size(int(request.headers.get("content-length", 0)))
        body = bytearray()
        async for part in request.stream():
            body += part
            _check_size(len(body))
        try:
            return self.model.model_validate_json(bytes(body))
        except ValidationError as error:
            wrong = faults(error.errors()[:5], lambda place: place or "body")
            raise InvalidInputError(
                f"the body does not fit this address ({wrong}); see /openapi.json"
            ) from error


def _check_size(size: int) -> None:
    if size > LIMIT_BYTES:
        raise LimitExceededError(
            f"the body of the request has more than {LIMIT_BYTES} bytes; ask in parts"
        )
