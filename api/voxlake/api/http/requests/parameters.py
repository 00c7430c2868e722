"""Parameters of query strings: those that the OpenAPI document names, each once, and no others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import Scope

from voxlake.platform.errors import InvalidInputError


def check_parameters(request: Request) -> None:
    """Refuse parameters that the address does not have, and those that are given twice.

    An address whose parameters are those of another standard may take others, and say so by one
    that is an object of any.

    Left alone, a misspelt one would ask for something else than was meant, without a word.

    Raises
    ------
    InvalidInputError
        If there is one.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    declared = _declared(request)
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


def _declared(request: Request) -> dict[str, dict[str, Any]]:
    """Return the schemas of the parameters that the address has in its query, by name."""
    known: dict[tuple[str, str], dict[str, dict[str, Any]]] = request.app.state.query_parameters
    method = "get" if request.method == "HEAD" else request.method.lower()
    asked = method, request.scope["route"].path_format
    if asked not in known:
        known[asked] = _described(request.scope["route"], *asked)
    return known[asked]


def _described(route: BaseRoute, method: str, path: str) -> dict[str, dict[str, Any]]:
    # Of this route alone: the document of all takes a second, for which a request would wait.
    paths: dict[str, Any] = get_openapi(title="", version="", routes=[route])["paths"]
    operation = paths.get(path, {}).get(method, {})
    return {
        each["name"]: each.get("schema", {})
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    }
