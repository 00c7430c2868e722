"""Bodies of requests as documents: read after the guard has let the asker in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from voxlake.api.http.requests.bytes_body import check_coding
from voxlake.platform.errors import InvalidInputError, faults

MOST_FIELDS = 100
"""Of a form."""


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A dependency that reads the body of a request as a document.

    It stands after the guard among the parameters of a route: dependencies are asked in their
    order, while a body that FastAPI itself reads is read, and refused, before any of them.

    What is in it is of the types of JSON that the document has: true is no number, and neither is
    7.0 a whole one or "yes" a truth. Nothing is said twice: which of both counts is nobody's rule
    (RFC 8259, 4).
    """

    model: type[BaseModel]
    media_type: ClassVar = "application/json"
    strict: ClassVar = True

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
            document = self.model.model_validate_json(body, strict=self.strict)
        except ValidationError as error:
            raise _unfit(error) from error
        json.loads(body, object_pairs_hook=_check_once)
        return document


class LaxBody(JsonBody):
    """As `JsonBody`, of clients of another server, which takes numbers and truths as text, too."""

    __slots__ = ()
    strict: ClassVar = False


@dataclass(frozen=True, slots=True)
class FormBody:
    """As `JsonBody`, of the form of a page; a field that is left empty is one that is left out."""

    model: type[BaseModel]
    media_type: ClassVar = "application/x-www-form-urlencoded"

    async def __call__(self, request: Request) -> BaseModel:
        """Return the document.

        Raises
        ------
        InvalidInputError
            If the body is none, or no form.
        UnsupportedError
            If it is compressed.
        """
        check_coding(request)
        sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent != self.media_type:
            raise InvalidInputError(f"the body is no form ({sent[:80]!r}); send {self.media_type}")
        try:
            return self.model.model_validate_strings(_fields(await request.body()))
        except ValidationError as error:
            wrong = faults(error.errors()[:5])
            raise InvalidInputError(
                f"nothing was done, as what was filled in does not fit: {wrong}; go back to the "
                "form and change that"
            ) from error


def _fields(body: bytes) -> dict[str, str]:
    """Return the fields of a form that are filled in.

    Raises
    ------
    InvalidInputError
        If it is none, or has a field twice.
    """
    try:
        fields = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InvalidInputError(
            f"the body is no form of UTF-8 with up to {MOST_FIELDS} fields"
        ) from error
    _check_once(fields)
    # Browsers send the ends of lines as CR LF.
    return {name: text.replace("\r\n", "\n") for name, text in fields}


def _check_once(fields: Sequence[tuple[str, object]]) -> None:
    """Raise InvalidInputError if two fields have one name."""
    if twice := [name for name, times in Counter(name for name, _ in fields).items() if times > 1]:
        raise InvalidInputError(f"the field {twice[0][:80]!r} was given twice; give it once")


def _unfit(error: ValidationError) -> InvalidInputError:
    wrong = faults(error.errors()[:5], lambda place: place or "body")
    return InvalidInputError(f"the body does not fit this address ({wrong}); see /openapi.json")
