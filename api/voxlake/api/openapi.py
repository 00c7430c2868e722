"""The OpenAPI document: what FastAPI derives, and what it cannot see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from voxlake.api.guards.datasets import public
from voxlake.api.http.answers.problems import BINARY, DOCUMENTED, documented
from voxlake.api.http.layers.public_address import outer_path
from voxlake.api.http.requests.intake import FormBody, JsonBody
from voxlake.api.views.keys import PART
from voxlake.documents.bossdb.resources import BossError
from voxlake.documents.problem import GraphProblem, Problem
from voxlake.platform.names import NAME

DESCRIPTION = """
Reads datasets of a voxlake lake: volumetric images and labels. Names labels and merges them.

Boxes are half-open ranges of voxels, named by axis. Every error is a problem document (RFC 9457).
Credentials are the session cookie of who signed in (under https `__Host-voxlake-session`), or a
bearer token; GET /v2/identity tells where people sign in.
"""

router = APIRouter(dependencies=[Depends(public)], include_in_schema=False)

_SCHEMA = "#/components/schemas/"
_STORED: dict[str, Any] = {
    "application/octet-stream": BINARY,
    "application/json": {},
    "image/jpeg": BINARY,
}
"""Chunks and shards, and documents."""


@router.get("/openapi.json")
async def get_document(request: Request) -> JSONResponse:
    """Return the description of this API."""
    document = request.app.openapi()
    if root := outer_path(request.scope, ""):
        document = {**document, "servers": [{"url": root}]}
    return JSONResponse(document)


def install_openapi(app: FastAPI) -> None:
    """Make ``app.openapi()`` return the whole document, built at its first call."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = build(app)
        return app.openapi_schema

    app.state.parameters = {}
    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def build(app: FastAPI) -> dict[str, Any]:
    """Return the document of all routes, those outside FastAPI included."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    models: set[type[BaseModel]] = {
        Problem,
        BossError,
        GraphProblem,
        *_describe_bodies(app, document),
    }
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template=_SCHEMA + "{model}"
    )
    components = document.setdefault("components", {})
    known = components.setdefault("schemas", {})
    known.update(_renamed(schemas["$defs"], known))
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "voxlake-session-PORT"},
    }
    document["security"] = [{"token": []}, {"session": []}, {}]
    zarr = "An object of the dataset's OME-Zarr group, or a single range of it."
    flat = (
        "A document or a chunk of the dataset as zarr without shards, v3 and v2, or a single range "
        "of it: chunks as they lie in the shards."
    )
    precomputed = (
        "`info`, or a chunk as `0/0-64_0-64_0-64`, of the dataset in Neuroglancer's precomputed "
        "format; below `jpeg/` and `compressed_segmentation/` in these encodings. Chunks as they "
        "are stored are sent with `Content-Encoding: zstd` to who takes it."
    )
    for view, description in (("zarr", zarr), ("flat", flat), ("precomputed", precomputed)):
        path = f"/{view}/{{collection}}/{{experiment}}/{{dataset}}/{{key}}"
        document["paths"][path] = _stored_bytes(view, description)
    return document


def _renamed(asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
    """Return schemas of what is asked, renamed where what is answered has another of that name.

    Labels are answered as text, and taken as numbers too.
    """
    text = json.dumps(asked)
    names = {name: name for name in asked}
    for name in asked:
        if name in answered and answered[name] != asked[name]:
            names[name] = f"{name}-Input"
            text = text.replace(f'"{_SCHEMA}{name}"', f'"{_SCHEMA}{names[name]}"')
    return {names[name]: schema for name, schema in json.loads(text).items()}


def _describe_bodies(app: FastAPI, document: dict[str, Any]) -> Iterator[type[BaseModel]]:
    """Describe bodies that FastAPI does not see, as it does not read them; yield their models."""
    routes = (context.original_route for context in iter_route_contexts(app.routes))
    for route in (each for each in routes if isinstance(each, APIRoute)):
        for read in (each.call for each in route.dependant.dependencies):
            if isinstance(read, JsonBody | FormBody):
                content = {"schema": {"$ref": _SCHEMA + read.model.__name__}}
                body = {"required": True, "content": {read.media_type: content}}
                for method in route.methods or ():
                    document["paths"][route.path_format][method.lower()]["requestBody"] = body
                yield read.model


_SUMMARIES = {
    "zarr": "Read stored bytes",
    "flat": "Read stored chunks without shards",
    "precomputed": "Read the precomputed format",
}
_REDIRECT = "The store has it, at an address for this moment: `Prefer: redirect` was sent."


def _stored_bytes(view: str, description: str) -> dict[str, Any]:
    """Describe a route of stored bytes."""
    patterns = dict.fromkeys(("collection", "experiment", "dataset"), f"^{NAME}$")
    patterns["key"] = f"^{PART}$"
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": pattern},
        }
        for name, pattern in patterns.items()
    ]
    parameters += [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in ("Range", "If-Range", "If-Match", "If-None-Match", "Prefer")
    ]
    errors: dict[int | str, dict[str, Any]] = {
        **DOCUMENTED,
        **documented(412, "The object is not the one that `If-Match` names."),
        **documented(416, "The range begins after the end of the object."),
    }
    responses = {str(status): description for status, description in errors.items()}
    voxels = {
        "200": {"description": "The object.", "content": _STORED},
        "206": {"description": "The range that was asked for.", "content": _STORED},
        "304": {"description": "The client has this very object."},
    }
    get: dict[str, Any] = {
        "tags": ["voxels"],
        "summary": _SUMMARIES[view],
        "description": description,
        "parameters": parameters,
        "responses": {**voxels, "307": {"description": _REDIRECT}, **responses},
    }
    head = {**get, "summary": f"Size and ETag: {_SUMMARIES[view].lower()}"}
    head["responses"] = {"200": {"description": "No body."}, "304": voxels["304"], **responses}
    return {
        "get": {**get, "operationId": f"get_{view}"},
        "head": {**head, "operationId": f"head_{view}"},
    }
