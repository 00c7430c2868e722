"""Whatever is asked, of whichever route, and whatever comes of it: the headers of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from fastapi import Depends
from fastapi.routing import APIRoute, iter_route_contexts
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.routes.matrix import DATASET, VIEWS

from voxlake.api.app import create_app
from voxlake.api.guards.datasets import public
from voxlake.api.http.layers.origins import SAFE
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ORIGIN = "https://viewer.example.org"
VALUES = {"collection": "lab", "experiment": "brain", "key": "zarr.json", "label": "1"}
"""Of parameters of paths; others are asked for by a name that nobody has."""
OWN_POLICY = "/neuroglancer/"
"""The one page that scripts run on."""


def check_headers(answer: httpx2.Response, *, https: bool = False) -> None:
    """Check what every answer carries."""
    headers, where = answer.headers, f"{answer.request.method} {answer.url}: {answer.status_code}"
    assert headers["x-content-type-options"] == "nosniff", where
    # A page's forms name their origin to the gateway, and to nobody else.
    is_page = headers.get("content-type", "").startswith("text/html")
    referrer = {"no-referrer", "same-origin"} if is_page else {"no-referrer"}
    assert headers["referrer-policy"] in referrer, where
    assert "camera=()" in headers["permissions-policy"], where
    assert "x-request-id" in headers, where
    policy, frame = headers["content-security-policy"], headers["x-frame-options"]
    assert policy.startswith("default-src 'none'"), where
    if answer.url.path.startswith(OWN_POLICY) and answer.status_code == 200:
        assert "frame-ancestors 'self'" in policy, where
        assert frame == "SAMEORIGIN", where
    else:
        assert "frame-ancestors 'none'" in policy, where
        assert "unsafe" not in policy, where
        assert frame == "DENY", where
    assert ("strict-transport-security" in headers) is https, where
    data = "/segmentation/", "/v1/", "/v2/", *(f"/{view}/" for view in VIEWS)
    is_data = answer.url.path.startswith(data)
    resource = headers["cross-origin-resource-policy"]
    assert resource == ("cross-origin" if is_data else "same-origin"), where
    assert headers.get("cross-origin-opener-policy", "unsafe-none") != "same-origin", where
    assert headers.get_list("access-control-allow-origin") == ["*"], where
    assert "access-control-allow-credentials" not in headers, where
    assert "Retry-After" in headers["access-control-expose-headers"], where


def every_address(app: Any) -> list[tuple[str, str]]:
    """Return a method and a path of every operation of an application."""
    found = [
        (method, route.path)
        for context in iter_route_contexts(app.routes)
        if isinstance(route := context.original_route, APIRoute)
        for method in route.methods or ()
    ]
    return [*found, *(("GET", f"/{view}{DATASET}/{{key}}") for view in VIEWS)]


def filled(path: str, dataset: str, values: Mapping[str, str] = VALUES) -> str:
    """Return a path with values for its parameters."""
    for part in path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}").partition(":")[0]
            value = {**values, "dataset": dataset}.get(name, "nobody")
            path = path.replace(part, value)
    return path


def ask_everything(app: Any, client: httpx2.Client) -> Iterator[httpx2.Response]:
    """Yield answers of every operation, about datasets that are there, hidden, absent, misnamed.

    What changes something is asked of a collection that is not there: others read in this lake.
    """
    for method, path in every_address(app):
        values = VALUES if method in SAFE else {**VALUES, "collection": "nowhere"}
        for dataset in ("em", "cells", "secret", "absent", "bad%20name")[: 5 if "{" in path else 1]:
            yield client.request(method, filled(path, dataset, values))
        yield client.request("OPTIONS", filled(path, "em"))
        yield client.request("TRACE", filled(path, "em"))


@pytest.fixture(scope="module")
def failing(served: Served) -> Iterator[str]:
    """A gateway with a route that fails."""
    app = create_app(Settings(), served.lake, served.catalog, served.identity)

    @app.get("/v2/fail", dependencies=[Depends(public)])
    def fail() -> None:
        raise KeyError

    with run_app(app) as url:
        yield url


@pytest.mark.parametrize("who", [{}, {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "x"}])
def test_every_route_answers_with_all_headers(served: Served, who: dict[str, str]) -> None:
    seen = set()
    with served.client() as client:
        client.headers |= {"Origin": ORIGIN, **who}
        for answer in ask_everything(served.app, client):
            check_headers(answer)
            seen.add(answer.status_code)
    assert 204 in seen
    assert 401 in seen or who.get("Authorization", "").startswith("Bearer")
    assert len(every_address(served.app)) > 30


def test_every_kind_of_answer_has_all_headers(
    served: Served, owner: httpx2.Client, failing: str
) -> None:
    em, cutout = "/zarr/lab/brain/em/zarr.json", "/v2/datasets/lab/brain/em/cutout"
    etag = owner.get(em).headers["etag"]
    answers = [
        owner.get(em),
        owner.get(em, headers={"Range": "bytes=0-3"}),
        owner.get(em, headers={"If-None-Match": etag}),
        owner.get(em, headers={"If-Match": '"x"'}),
        owner.get(em, headers={"Range": "bytes=9999999-"}),
        owner.head(em),
        owner.get("/neuroglancer/"),
        owner.get("/neuroglancer/none.js"),
        owner.get("/"),
        owner.get("/favicon.ico"),
        owner.get("/view/lab/brain/em"),
        owner.get("/login?once=x"),
        owner.get(f"{cutout}?format=x"),
        owner.get("/v2/datasets/lab/brain/vast/cutout"),
        owner.get("/nonsense"),
        owner.delete("/v2/datasets"),
        owner.get("/healthz", headers={"Host": "evil.org"}),
        httpx2.get(f"{served.url}{cutout}", headers={"Authorization": "Bearer x"}),
        httpx2.get(f"{failing}/v2/fail"),
    ]
    for answer in answers:
        check_headers(answer)
    wanted = {200, 206, 302, 303, 304, 401, 404, 405, 406, 412, 413, 416, 421, 500}
    assert wanted <= {answer.status_code for answer in answers}


def test_under_https_browsers_are_told_to_stay_there(served: Served) -> None:
    chosen = Settings(public_url="https://lake.example.org")
    app = create_app(chosen, served.lake, served.catalog, served.identity)
    with run_app(app) as url:
        for path in ("/", "/nonsense", "/zarr/lab/brain/em/zarr.json", "/neuroglancer/"):
            check_headers(httpx2.get(f"{url}{path}"), https=True)
