"""Bodies of requests as documents: read after the guard has let the asker in."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from voxlake.api.http.requests.bytes_body import check_coding
from voxlake.platform.errors import InvalidInputError, faults


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
        check_coding(request)
        body = await request.body()
        try:
            return self.model.model_validate_json(body)
        except ValidationError as error:
            wrong = faults(error.errors()[:5], lambda place: place or "body")
            raise InvalidInputError(
                f"the body does not fit this address ({wrong}); see /openapi.json"
            ) from error
