"""Errors as answers: problem details (RFC 9457) for everything that goes wrong."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from voxlake.api.gateway import gateway_of
from voxlake.api.http.answers.boss_errors import number_of
from voxlake.api.http.layers.boss_paths import is_boss
from voxlake.api.http.layers.exchange import exchange_of, template_of
from voxlake.api.http.layers.public_address import inner_path
from voxlake.documents.bossdb.resources import BossError
from voxlake.documents.problem import GraphProblem, Problem, naming
from voxlake.platform.errors import QuotaError, UnauthenticatedError, VoxlakeError, faults

MEDIA_TYPE = "application/problem+json"
NO_SUCH_PAGE = "there is nothing at this address; GET /openapi.json lists what there is"

GRAPHS = "/segmentation/"
"""Below it clients of CAVE look for the words of an error in `message`, and not in a problem."""

AWAY_S = 2
"""Seconds after which clients are told to ask again, where store or catalog did not answer."""

_log = logging.getLogger(__name__)


def problem(
    scope: Scope,
    kind: str,
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    error: VoxlakeError | None = None,
) -> Response:
    """Return the answer for one error; to clients of bossDB and CAVE in their form.

    `error` is what was raised, if anything was.
    """
    request_id = exchange_of(scope).request_id
    sent = {"Cache-Control": "no-store", **(headers or {})}
    if status == HTTPStatus.UNAUTHORIZED:
        # RFC 6750, 3.1: an error only to those who sent what should have let them in.
        wrong = ', error="invalid_token"' if "authorization" in Headers(scope=scope) else ""
        sent["WWW-Authenticate"] = f'Bearer realm="voxlake"{wrong}'
    if is_boss(scope):
        number = number_of(kind, status, error)
        told = BossError(status=status, code=number, message=detail, request_id=request_id)
        return Response(told.model_dump_json(), status, sent, "application/json")
    trace_id = exchange_of(scope).trace_id
    traced = {} if trace_id is None else {"trace_id": trace_id}
    body = Problem(**naming(kind), status=status, detail=detail, request_id=request_id, **traced)
    if inner_path(scope).startswith(GRAPHS):
        spoken = GraphProblem(**body.model_dump(exclude_unset=True), message=detail)
        content = spoken.model_dump_json(exclude_unset=True)
        return Response(content, status, sent, "application/json")
    return Response(body.model_dump_json(exclude_unset=True), status, sent, MEDIA_TYPE)


def from_error(scope: Scope, error: VoxlakeError) -> Response:
    """Return the answer for an error that voxlake raised on purpose."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log_failure(scope, error, error.kind)
    return problem(scope, error.kind, error.status, str(error), _when_again(error), error)


def _when_again(error: VoxlakeError) -> dict[str, str]:
    """Return the header that says when to ask again, of what passes by itself."""
    if isinstance(error, QuotaError):
        return {"Retry-After": str(error.seconds)}
    away = error.status == HTTPStatus.SERVICE_UNAVAILABLE
    return {"Retry-After": str(AWAY_S)} if away else {}


def from_bug(scope: Scope, error: Exception) -> Response:
    """Return the answer for an error that nobody foresaw; its text goes to the log alone."""
    _log_failure(scope, error, "internal")
    return problem(
        scope,
        "internal",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the server failed in a way it should not; its log has more under "
        f"{exchange_of(scope).request_id}",
    )


def _log_failure(scope: Scope, error: Exception, kind: str) -> None:
    """Log an error with its traceback, once; never the address, which may hold secrets."""
    facts = {
        "request_id": exchange_of(scope).request_id,
        "kind": kind,
        "method": scope["method"],
        "route": template_of(scope),
    }
    _log.error("failed: %s", error, exc_info=error, extra=facts)


async def on_voxlake_error(request: Request, error: Exception) -> Response:
    """Answer a VoxlakeError."""
    assert isinstance(error, VoxlakeError)
    return from_error(request.scope, error)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Answer parameters that do not have their declared types."""
    assert isinstance(error, RequestValidationError)
    detail = f"the request does not fit this address ({faults(error.errors())}); see /openapi.json"
    return problem(request.scope, "invalid-input", HTTPStatus.BAD_REQUEST, detail)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such page, or no such method on a page.

    Without credentials every address that is not public answers 401, there or not.
    """
    assert isinstance(error, HTTPException)
    identity = gateway_of(request.scope).identity
    try:
        principal = await identity.identify(request.scope)
    except UnauthenticatedError as wrong_token:
        return from_error(request.scope, wrong_token)
    if principal.is_anonymous:
        return from_error(request.scope, identity.unknown())
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not possible here; use {headers.get('Allow', 'GET')}"
    else:
        detail = NO_SUCH_PAGE if error.status_code == HTTPStatus.NOT_FOUND else str(error.detail)
    return problem(request.scope, kind, error.status_code, detail, headers)


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (
        (400, "The request cannot mean anything, or asks for voxels that are not there."),
        (401, "Credentials are missing or not valid."),
        (404, "It does not exist, or not for you."),
        (405, "Not with this method."),
        (500, "Stored bytes are damaged, or the server failed."),
        (502, "The store failed or refused."),
        (503, "The store, or the issuer of a token, cannot be reached in time."),
        ("default", "Any other failure, of the same form."),
    )
}
"""The errors that every operation documents."""


def documented(status: int, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of one more error of an operation."""
    return {status: {**DOCUMENTED["default"], "description": description}}


FORBIDDEN = documented(403, "It is there, and not for you.")
NOT_ALLOWED = documented(403, "Reading is allowed, and this is not.")
BINARY = {"schema": {"type": "string", "format": "binary"}}
"""A body of bytes, in the documentation of an operation."""
