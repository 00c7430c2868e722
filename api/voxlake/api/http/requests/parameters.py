"""What a request may say beside its body: what the OpenAPI document names, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import Scope

from voxlake.platform.errors import InvalidInputError, UnsupportedError

CONDITIONS = ("if-match", "if-none-match", "content-range")
"""Headers without which a change would be another: done whatever is there, or of all for a part."""


def check_parameters(request: Request) -> None:
    """Refuse parameters and conditions that the address does not have, and any given twice.

    An address whose parameters are those of another standard may take others, and say so by one
    that is an object of any.

    Left alone, a misspelt one would ask for something else than was meant, without a word; and so
    would a condition of a change, or a range of a body (RFC 9110, 13.2.1 and 14.5).

    Raises
    ------
    InvalidInputError
        If there is one.
    UnsupportedError
        If there is such a condition.
    """
    if request.method not in {"GET", "HEAD"}:
        _refuse_conditions(request)
    _check_query(request)


def _refuse_conditions(request: Request) -> None:
    sent = [name for name in CONDITIONS if name in request.headers]
    if sent and (unknown := set(sent) - set(_declared(request, "header"))):
        name = min(unknown).title()
        raise UnsupportedError(
            f"{request.method} with {name} was asked for, which this address does not heed; "
            f"nothing was done, ask without {name}"
        )


def _check_query(request: Request) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    declared = _declared(request, "query")
    if not any(schema.get("additionalProperties") for schema in declared.values()):
        _refuse_unknown(given, declared)
    for name, schema in declared.items():
        if given.count(name) > 1 and schema.get("type") != "array":
            raise InvalidInputError(f"{name} was given {given.count(name)} times; give it once")


def refuse_parameters(scope: Scope) -> None:
    """Refuse any parameter, at an address that has none.

    Raises
    ------
    InvalidInputError
        If there is one.
    """
    if scope["query_string"]:
        _refuse_unknown(list(Request(scope).query_params), ())


def _refuse_unknown(given: Iterable[str], declared: Collection[str]) -> None:
    if unknown := sorted(set(given) - set(declared)):
        there = ", ".join(declared) or "none"
        raise InvalidInputError(
            f"the parameter {unknown[0][:80]!r} was given; this address has {there}"
        )


def _declared(request: Request, place: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of the parameters of the address in its query, or header, by name."""
    known: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = request.app.state.parameters
    method = "get" if request.method == "HEAD" else request.method.lower()
    asked = method, request.scope["route"].path_format, place
    if asked not in known:
        known[asked] = _described(request.scope["route"], *asked)
    return known[asked]


def _described(route: BaseRoute, method: str, path: str, place: str) -> dict[str, dict[str, Any]]:
    # Of this route alone: the document of all takes a second, for which a request would wait.
    paths: dict[str, Any] = get_openapi(title="", version="", routes=[route])["paths"]
    operation = paths.get(path, {}).get(method, {})
    return {
        each["name"]: each.get("schema", {})
        for each in operation.get("parameters", ())
        if each["in"] == place
    }
