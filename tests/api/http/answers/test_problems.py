"""Every failure is a problem document with all headers, and OpenAPI says so."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from fastapi import Depends
from fastapi.routing import APIRoute, iter_route_contexts
from tests.api.conftest import Served, run_app

from voxlake.api.app import create_app
from voxlake.api.formats import FORMATS
from voxlake.api.guards.datasets import public
from voxlake.documents.problem import Problem
from voxlake.platform import errors

SECURITY = ("x-content-type-options", "referrer-policy", "content-security-policy", "x-request-id")


def check_problem(answer: httpx2.Response) -> Problem:
    """Check that an answer is a whole problem, and return it."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(answer.content)
    assert found.model_fields_set == {"type", "title", "status", "detail", "request_id"}
    assert found.status == answer.status_code
    assert found.request_id == answer.headers["x-request-id"]
    assert found.detail
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    for name in SECURITY:
        assert name in answer.headers, name
    return found


def tree(kind: type[errors.VoxlakeError]) -> list[type[errors.VoxlakeError]]:
    """Return an error class and all below it."""
    return [kind, *(each for sub in kind.__subclasses__() for each in tree(sub))]


def test_every_error_of_the_tree_becomes_its_problem(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(
        served.app.state.gateway.settings, served.lake, served.catalog, served.identity
    )
    kinds = {each.__name__: each for each in tree(errors.VoxlakeError)}

    @app.get("/raise/{name}", dependencies=[Depends(public)])
    def fail(name: str) -> None:
        raise kinds[name]("what was asked, what is so, what to do")

    with run_app(app) as url, httpx2.Client(base_url=url) as client:
        for name, kind in kinds.items():
            found = check_problem(client.get(f"/raise/{name}"))
            assert (found.status, found.type) == (kind.status, f"urn:voxlake:error:{kind.kind}")
            assert found.detail == "what was asked, what is so, what to do"
        caplog.clear()
        bug = check_problem(client.get("/raise/nothing"))
    assert (bug.status, bug.type) == (500, "urn:voxlake:error:internal")
    assert "KeyError" not in bug.detail
    assert bug.request_id
    assert bug.request_id in bug.detail
    told = [record for record in caplog.records if record.exc_info]
    assert [vars(record)["request_id"] for record in told] == [bug.request_id]
    assert [vars(record)["route"] for record in told] == ["/raise/{name}"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nonsense", 404),
        ("GET", "/v2/datasets/", 404),
        ("GET", "/v2/datasets/lab/brain/absent", 404),
        ("GET", "/v2/datasets/lab/brain/bad%20name", 400),
        ("GET", "/v2/datasets/lab/brain/cells/labels/0", 400),
        ("GET", "/v2/datasets/lab/brain/cells/labels/none", 400),
        ("GET", "/v2/datasets/lab/brain/cells/labels/77", 404),
        ("GET", "/v2/datasets/lab/brain/em/labels", 400),
        ("GET", "/v2/datasets/lab/brain/em/cutout?format=x", 406),
        ("GET", "/v2/datasets/lab/brain/vast/cutout", 413),
        ("PUT", "/v2/datasets", 405),
        ("HEAD", "/healthz", 200),
        ("GET", "/login?once=wrong", 303),
        ("GET", "/login?next=x", 400),
        ("GET", "/zarr/lab/brain/em/none", 404),
        ("GET", "/zarr/lab/brain/em/.hidden", 400),
    ],
)
def test_failures_are_problems(owner: httpx2.Client, method: str, path: str, status: int) -> None:
    answer = owner.request(method, path, follow_redirects=False)
    assert answer.status_code == status
    if method != "HEAD" and status >= 400:
        check_problem(answer)


def test_the_allowed_methods_are_named(owner: httpx2.Client) -> None:
    answer = owner.delete("/v2/datasets")
    assert "GET" in answer.headers["allow"]
    assert "GET" in check_problem(answer).detail


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return all operations of an OpenAPI document with their paths."""
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def error_of(name: str) -> tuple[str, str]:
    """Return the type and schema of an operation's errors: those that its clients know."""
    if " /segmentation/" in name:
        return "application/json", "GraphProblem"
    if " /v1/" in name or " /latest/" in name:
        return "application/json", "BossError"
    return "application/problem+json", "Problem"


def test_the_openapi_document_is_complete(served: Served, anonymous: httpx2.Client) -> None:
    document = anonymous.get("/openapi.json").json()
    paths = set(document["paths"])
    routes = [context.original_route for context in iter_route_contexts(served.app.routes)]
    for route in routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            assert route.path in paths
    assert "/zarr/{collection}/{experiment}/{dataset}/{key}" in paths
    found = operations(document)
    assert len(found) >= 10
    for name, operation in found:
        media, schema = error_of(name)
        assert operation["summary"], name
        assert "422" not in operation["responses"], name
        for status in ("400", "401", "404", "405", "500", "502", "503", "default"):
            content = operation["responses"][status]["content"]
            assert content == {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}, name
        assert "content" not in operation["responses"].get("303", {}), name
        for parameter in operation.get("parameters", []):
            assert parameter["schema"], name
    ids = [operation["operationId"] for _, operation in found]
    assert len(set(ids)) == len(ids)
    assert document["components"]["schemas"]["Problem"]["required"] == [
        "type",
        "title",
        "status",
        "detail",
        "request_id",
    ]


def test_the_statuses_that_are_answered_are_documented(anonymous: httpx2.Client) -> None:
    document = anonymous.get("/openapi.json").json()
    cutout = document["paths"]["/v2/datasets/{collection}/{experiment}/{dataset}/cutout"]["get"]
    assert {"200", "406", "413"} <= cutout["responses"].keys()
    assert set(cutout["responses"]["200"]["content"]) == {each.media_type for each in FORMATS}
    stored = document["paths"]["/zarr/{collection}/{experiment}/{dataset}/{key}"]
    assert {"200", "206", "304", "412", "416"} <= stored["get"]["responses"].keys()
