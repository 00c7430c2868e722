"""Bodies of requests as documents: read after the guard has let the asker in."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from voxlake.platform.errors import InvalidInputError, UnsupportedError, faults


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
        """
        coding = request.headers.get("content-encoding", "identity")
        if coding.strip().lower() != "identity":
            raise UnsupportedError(f"the body is encoded as {coding[:40]!r}; send it as it is")
        body = await request.body()
        try:
            return self.model.model_validate_json(body)
        except ValidationError as error:
            wrong = faults(error.errors()[:5], lambda place: place or "body")
            raise InvalidInputError(
                f"the body does not fit this address ({wrong}); see /openapi.json"
            ) from error
