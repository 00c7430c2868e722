"""Every route is guarded; who may see what; and nothing tells absent from hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import httpx2
import pytest
from fastapi import Depends, FastAPI, params
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from tests.api.conftest import TOKEN, Served
from tests.api.routes.matrix import VIEWS

from voxlake.api.guards.askers import GUARDS, RequiresPlace
from voxlake.api.guards.datasets import Granted, Lists, PublicApp, Requires, public
from voxlake.api.guards.jobs import RequiresJob
from voxlake.api.guards.places import RequiresNamed, anybody
from voxlake.api.views.zarr import StoredBytes
from voxlake.platform.access import Read, ReadVoxels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.dependencies.models import Dependant
    from starlette.types import Receive, Scope, Send


def every_route(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield all routes, those inside included routers and mounted applications too."""
    for context in iter_route_contexts(routes):
        route = context.original_route
        inner = getattr(route, "routes", None)
        if inner and not (isinstance(route, Mount) and isinstance(route.app, PublicApp)):
            yield from every_route(list(inner))
        else:
            yield route


def calls(dependant: Dependant) -> Iterator[Any]:
    """Yield everything that a route depends on."""
    for each in dependant.dependencies:
        yield each.call
        yield from calls(each)


DEMANDS = Requires, Lists, RequiresPlace, RequiresNamed, RequiresJob


def is_guarded(route: BaseRoute) -> bool:
    """Return whether a guard stands on a route, or `public`."""
    if isinstance(route, APIRoute):
        demands = calls(route.dependant)
        return any(isinstance(c, DEMANDS) or c in (public, anybody, *GUARDS) for c in demands)
    if isinstance(route, Mount):
        return isinstance(route.app, PublicApp)
    if isinstance(route, Route):
        app = route.app
        return isinstance(app, StoredBytes) and isinstance(app.guard, Requires)
    return False


def test_every_route_is_guarded(served: Served) -> None:
    routes = list(every_route(served.app.routes))
    paths = {route.path for route in routes if isinstance(route, APIRoute | Route | Mount)}
    assert {"/healthz", "/v2/datasets", "/neuroglancer"} <= paths
    assert any(path.startswith("/zarr/") for path in paths)
    assert any(path.endswith("/cutout") for path in paths)
    assert [route for route in routes if not is_guarded(route)] == []


def rights(route: APIRoute) -> Iterator[tuple[Any, Any]]:
    """Yield the right that a route is handed, by its types, and that which its guard demands."""
    for name, hint in get_type_hints(route.endpoint, include_extras=True).items():
        guards = [each.dependency for each in getattr(hint, "__metadata__", ()) if is_depends(each)]
        for guard in guards:
            if isinstance(guard, DEMANDS):
                handed = get_args(hint)[0]
                handed = get_args(handed)[0] if isinstance(guard, Lists) else handed
                yield (name, get_args(handed)[0]), (name, guard.right)


def is_depends(each: Any) -> bool:
    """Return whether a part of an annotation is a dependency."""
    return isinstance(each, params.Depends)


def test_a_route_is_handed_the_right_that_its_guard_demands(served: Served) -> None:
    routes = [route for route in every_route(served.app.routes) if isinstance(route, APIRoute)]
    pairs = [pair for route in routes for pair in rights(route)]
    assert len(pairs) > 20
    for handed, demanded in pairs:
        assert handed == demanded


def test_the_walk_finds_a_route_that_is_handed_another_right() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/{collection}/{experiment}/{dataset}")
    def handler(granted: Annotated[Granted[ReadVoxels], Depends(Requires(Read))]) -> None:
        del granted

    route = next(each for each in app.routes if isinstance(each, APIRoute))
    assert list(rights(route)) == [(("granted", ReadVoxels), ("granted", Read))]


async def raw_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve anything to anybody."""
    await PlainTextResponse("open")(scope, receive, send)


def add_plain_route(app: FastAPI) -> None:
    @app.get("/open")
    def handler() -> str:
        return "open"


def add_route_with_other_dependency(app: FastAPI) -> None:
    @app.get("/open", dependencies=[Depends(lambda: None)])
    def handler() -> str:
        return "open"


OPENINGS = [
    add_plain_route,
    add_route_with_other_dependency,
    lambda app: app.mount("/open", raw_app),
    lambda app: app.router.routes.append(Route("/open", lambda _: PlainTextResponse("open"))),
    lambda app: app.router.routes.append(Mount("/open", routes=[Mount("/deep", raw_app)])),
    lambda app: app.router.add_websocket_route("/open", raw_app),
]


@pytest.mark.parametrize("add", OPENINGS)
def test_the_walk_finds_a_route_without_a_guard(add: Any) -> None:
    app = FastAPI(openapi_url=None)
    assert all(map(is_guarded, every_route(app.routes)))
    add(app)
    assert not all(map(is_guarded, every_route(app.routes)))


def test_the_walk_accepts_guards_however_deep() -> None:
    app = FastAPI(openapi_url=None)

    def deeper(granted: Annotated[Any, Depends(Requires(Read))]) -> Any:
        return granted

    @app.get("/{collection}/{experiment}/{dataset}", dependencies=[Depends(deeper)])
    def handler() -> str:
        return "guarded"

    assert all(map(is_guarded, every_route(app.routes)))


PUBLIC_PAGES = ["/healthz", "/readyz", "/openapi.json", "/v2/datasets"]
BELOW = [
    "",
    "/cutout",
    "/cutout?bodies=true",
    "/image?z=0",
    "/tiles/xy/0/0/0/0",
    "/labels",
    "/labels/top",
    "/labels/1",
    "/labels/1/chunks",
    "/labels/1/points",
    "/labels/1/sparse-volume",
    "/labels/1/mask",
    "/mapping",
    "/mapping/1",
    "/neuroglancer",
    "/objects",
    "/objects/segment-properties/info",
]


def below(name: str) -> list[str]:
    """Return every address that is about a dataset."""
    v2 = [f"/v2/datasets/{name}{end}" for end in BELOW]
    keys = [
        "zarr.json",
        "info",
        "0/0-16_0-16_0-16",
        "0/zarr.json",
        "0/c/0/0/0",
        "nonsense",
        "labels/cells/zarr.json",
    ]
    return [*v2, f"/view/{name}", *(f"/{view}/{name}/{key}" for view in VIEWS for key in keys)]


def without_ids(answer: httpx2.Response) -> dict[str, Any]:
    """Return a problem without what differs from request to request."""
    body = answer.json()
    assert isinstance(body, dict)
    assert body.pop("request_id") == answer.headers["x-request-id"]
    return body


def test_everybody_sees_what_is_public(anonymous: httpx2.Client) -> None:
    for path in PUBLIC_PAGES:
        assert anonymous.get(path).status_code == 200, path
    names = [each["name"] for each in anonymous.get("/v2/datasets").json()["datasets"]]
    assert names == ["lab/brain/cells", "lab/brain/em", "lab/brain/vast", "lab/light/dyes"]
    for path in below("lab/brain/cells"):
        status = anonymous.get(path).status_code
        assert (status == 401) == ("labels/cells" in path), path


def test_nobody_in_particular_learns_what_is_there(anonymous: httpx2.Client) -> None:
    hidden, absent = below("lab/brain/secret"), below("lab/brain/absent")
    strange = [
        *below("no/such/thing"),
        *below("x/../y/z"),
        "/nonsense",
        "/v2",
        "/zarr/a/b",
        "/v9/x",
    ]
    for path in (*hidden, *absent, *strange):
        answer = anonymous.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    for there, not_there in zip(hidden, absent, strict=True):
        one, other = anonymous.get(there), anonymous.get(not_there)
        same = {
            key: str(value).replace("secret", "absent") for key, value in without_ids(one).items()
        }
        assert same == {key: str(value) for key, value in without_ids(other).items()}
        assert one.headers.keys() == other.headers.keys()


def test_methods_do_not_tell_either(anonymous: httpx2.Client) -> None:
    for path in ("/v2/datasets/lab/brain/secret", "/v2/datasets/no/such/thing", "/nonsense"):
        assert anonymous.post(path).status_code == 401
        assert anonymous.head(path).status_code == 401


def test_the_owner_sees_everything(owner: httpx2.Client) -> None:
    names = [each["name"] for each in owner.get("/v2/datasets").json()["datasets"]]
    assert len(names) == 7
    narrowed = owner.get("/v2/datasets", params={"collection": "lab", "experiment": "light"})
    assert [each["name"] for each in narrowed.json()["datasets"]] == ["lab/light/dyes"]
    for path in ("", "/cutout", "/neuroglancer"):
        assert owner.get(f"/v2/datasets/lab/brain/secret{path}").status_code == 200
    for path in below("no/such/thing"):
        assert owner.get(path).status_code == 404, path
    assert owner.get("/nonsense").status_code == 404


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, ""],
)
def test_a_wrong_token_is_refused_everywhere_but_on_open_pages(
    anonymous: httpx2.Client, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    for path in ("/v2/datasets", *below("lab/brain/em"), *below("lab/brain/secret"), "/nonsense"):
        assert anonymous.get(path, headers=headers).status_code == 401, path
    assert anonymous.get("/healthz", headers=headers).status_code == 200


def test_what_is_hidden_answers_a_stranger_as_what_is_absent(served: Served) -> None:
    served.catalog.people.add_user("stranger")
    _, token = served.catalog.tokens.make("stranger", "test")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=served.url, headers=headers) as client:
        assert client.get("/v2/datasets/lab/brain/em").status_code == 200
        for there, absent in zip(below("lab/brain/secret"), below("lab/brain/absent"), strict=True):
            one, other = client.get(there), client.get(absent)
            assert one.status_code == other.status_code == 404
            same = {
                key: str(value).replace("secret", "absent")
                for key, value in without_ids(one).items()
            }
            assert same == {key: str(value) for key, value in without_ids(other).items()}
            assert one.headers.keys() == other.headers.keys()
