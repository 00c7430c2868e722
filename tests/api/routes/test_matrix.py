"""Every route, by everybody, by every credential: what is answered is what `decide` says.

The table is in `matrix`; a route that it does not have fails here.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route
from tests.api.asgi import Answer, InProcess
from tests.api.conftest import TOKEN
from tests.api.guards.test_datasets import every_route
from tests.api.lakes import Sample, add_sample, label_voxels
from tests.api.routes import matrix_v1
from tests.api.routes.matrix import (
    CLOSED,
    DATASET,
    DATASETS,
    LOCAL_ONLY,
    NAMES,
    OPEN,
    OTHER,
    OTHERS,
    PLACES,
    SOON,
    STANDINGS,
    VIEWS,
    Asking,
    By,
    Outcome,
    Rule,
    address,
    bearer,
    everybody,
    filled,
    from_page,
    on,
    place_of,
    targets,
)
from tests.api.routes.matrix_graphene import ASKED_WRONGLY

from voxlake.api.app import create_app
from voxlake.api.identity.cookies import Cookie
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.access import Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.catalog.identity.person import Standing
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

STATUSES = {401: Outcome.UNAUTHENTICATED, 403: Outcome.FORBIDDEN}
NO_TOKEN = 10**9
NO_GROUP = "none"
COMMON = Frame("common", (0, 0, 0), (9, 9, 9), (1.0, 1.0, 1.0))
ISSUED = Settings(
    failed_logins_per_minute=0,
    requests_per_minute=0,
    oidc_issuer="https://id.example.org",
    oidc_client_id="voxlake",
    public_url="http://localhost",
)
"""Of a gateway at whose issuer people sign in; it is not asked for anything."""


@dataclass
class Server:
    """A gateway, and all who ask it."""

    app: FastAPI
    catalog: Catalog
    local: LocalIdentity
    asked: dict[str, InProcess]
    askings: list[Asking] = field(default_factory=list)

    def outcome(self, asking: Asking, method: str, target: str, absent: str, body: Any) -> Outcome:
        """Return what an answer says, and hold that hidden and absent are told alike.

        `absent` is the same as `target`, of what is not there.
        """
        answer = self.asked[asking.at].ask(method, target, asking.headers, body)
        outcome = STATUSES.get(answer.status, Outcome.OPEN)
        if outcome is Outcome.FORBIDDEN or (outcome is Outcome.OPEN and answer.status != 404):
            return outcome
        other = self.asked[asking.at].ask(method, absent, asking.headers, body)
        is_same = told(answer, target) == told(other, absent)
        if outcome is Outcome.UNAUTHENTICATED:
            assert is_same, (method, target, asking, answer, other)
            return outcome
        return Outcome.HIDDEN if is_same else Outcome.OPEN


def told(answer: Answer, target: str) -> tuple[int, set[str], str]:
    """Return what an answer tells, but for what was asked for."""
    text = answer.body.decode()
    if text:
        text = text.replace(answer.json()["request_id"], "")
    path, _, query = target.partition("?")
    place = query.removeprefix("place=").partition("&")[0]
    for part in sorted({*re.split("[/.]", path), place} - {""}, key=len, reverse=True):
        if part not in WORDS:
            for said in (f"token {part}", f"id {part}") if part.isdigit() else (part,):
                text = text.replace(said, "NAME")
    return answer.status, {*answer.headers}, text


WORDS = {"v2", *VIEWS, "users", "groups", "tokens", "shares", "members", "labels"}
"""Parts of addresses that answers say by chance."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Roles are granted on `alps`; one dataset of it is public; `andes` is nobody's."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("matrix") / "lake"))
    settings = Settings(failed_logins_per_minute=0, requests_per_minute=0)
    local = LocalIdentity(TOKEN, "voxlake-session-test")
    with open_catalog(lake, settings) as catalog:
        for name in (OPEN, CLOSED, OTHER):
            voxels = label_voxels((8, 8, 8))
            new = Sample(name, voxels, Kind.LABELS, public=name == OPEN, levels=1)
            add_sample(lake, catalog, new)
        for name in (*NAMES, "gone", "spare"):
            catalog.people.add_user(name, administrator=name == "root")
            if name in set(Role):
                catalog.shares.share(["alps"], name, Role(name))
        session = from_page(f"{local.cookie}={local.redeem(local.new_link())}")
        owner = {By.SESSION: session, By.TOKEN: bearer(TOKEN)}
        askings = everybody(catalog, owner, Cookie.of("session", ISSUED.public_url or "").name)
        time.sleep(SOON.total_seconds())
        app = create_app(settings, lake, catalog, local)
        issued = create_app(ISSUED, lake, catalog, None)
        with InProcess(app) as asked, InProcess(issued) as at_issuer:
            yield Server(app, catalog, local, {"local": asked, "issuer": at_issuer}, askings)


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Return (method, path) of all routes; what is mounted has no method."""
    found = set()
    for route in every_route(app.routes):
        assert isinstance(route, APIRoute | Route | Mount)
        methods = route.methods or {"GET"} if isinstance(route, Route) else {"*"}
        found |= {(method, route.path) for method in methods}
        if isinstance(route, Route) and route.methods is None and "key" in route.path:
            found.add(("HEAD", route.path))
    return found


def test_every_route_has_a_row(server: Server) -> None:
    rows = {*DATASETS, *OTHERS, *PLACES}
    found = routes_of(server.app)
    missing = found - rows
    assert not missing, f"say in tests/api/routes/matrix.py who may ask {sorted(missing)}"
    assert rows - found == set()


def test_a_new_route_has_no_row(server: Server) -> None:
    app = server.app
    before = list(app.router.routes)
    app.router.routes.append(Route("/v2/new", lambda _: None))
    try:
        assert ("GET", "/v2/new") in routes_of(app) - {*DATASETS, *OTHERS, *PLACES}
    finally:
        app.router.routes[:] = before


def compare(server: Server, rule: Rule, ask: Callable[[Asking], Outcome], what: str) -> None:
    """Hold that what is answered to everybody is what a rule says."""
    wrong = [
        f"{asking}: {got.name}, not {rule(asking).name}"
        for asking in server.askings
        if not (asking.at == "issuer" and what.partition(" ")[2] in LOCAL_ONLY)
        if (got := ask(asking)) is not rule(asking)
    ]
    assert not wrong, f"{what}: {wrong}"


@pytest.mark.parametrize("row", DATASETS, ids=" ".join)
def test_datasets(server: Server, row: tuple[str, str]) -> None:
    # A parameter that no address has is refused once the guard has let somebody in; so is no body.
    method, template = row
    end = filled(template) + ("" if method == "POST" else "?none=1")
    for name in (OPEN, CLOSED, OTHER):
        target = address(end, name)
        absent = address(end, "alps/north/absent" if name == CLOSED else f"{name}s")
        compare(
            server,
            on(place_of(server.catalog, name), DATASETS[row]),
            lambda asking, one=target, other=absent: server.outcome(  # type: ignore[misc]  # in a loop
                asking, method, one, other, None
            ),
            f"{method} {target}",
        )


READING = [
    (method, path)
    for (method, path), permission in DATASETS.items()
    if method == "GET" and permission in Role.VIEWER.permissions
]


@pytest.mark.parametrize("row", READING, ids=" ".join)
def test_who_may_is_served(server: Server, row: tuple[str, str]) -> None:
    label = int(label_voxels((8, 8, 8)).max())
    key = "info" if "precomputed" in row[1] else "zarr.json"
    target = filled(row[1].replace("{key:path}", key), label)
    target += "?z=0" if row[1].endswith("/image") else ""
    viewer = next(each for each in server.askings if str(each) == "viewer by token")
    answer = server.asked["local"].ask("GET", address(target, CLOSED), viewer.headers)
    nothing = {*(f"/{view}{DATASET}" for view in VIEWS), f"/v2/datasets{DATASET}/objects/{{label}}"}
    wrong = row[1].endswith(ASKED_WRONGLY)
    leads_on = "/view/" in target or target.endswith("/thumbnail")
    status = 404 if row[1] in nothing else 400 if wrong else 302 if leads_on else 200
    assert answer.status == status


@pytest.mark.parametrize("row", PLACES, ids=" ".join)
def test_places(server: Server, row: tuple[str, str]) -> None:
    method, template = row
    for place, target, absent in targets(method, template):
        # As of datasets: what lets somebody in refuses what is asked then.
        end = "" if method in {"POST", "PUT"} else "&none=1" if "?" in target else "?none=1"
        compare(
            server,
            on(place_of(server.catalog, place), PLACES[row]),
            lambda asking, one=target + end, other=absent + end: server.outcome(  # type: ignore[misc]  # in a loop
                asking, method, one, other, None
            ),
            f"{method} {target}",
        )


def fill(server: Server, template: str) -> dict[str, str]:
    """Return what a path is filled with; what its route deletes is made anew."""
    filled = {"{group}": "team", "{collection}": "alps", "{frame}": COMMON.name}
    if "{user}" in template and "spare" not in names_of_users(server.catalog):
        server.catalog.people.add_user("spare")
    if "{group}" in template:
        make_team(server.catalog)
    if "{frame}" in template and COMMON not in map(unowned, server.catalog.frames.list_all()):
        server.catalog.frames.add(COMMON, owner="owner")
    if "{token}" in template:
        token, _ = server.catalog.tokens.make("viewer", "to be changed")
        filled["{token}"] = str(token.id)
    if "{state}" in template:
        viewer = server.catalog.people.get_user("viewer").id
        filled["{state}"] = server.catalog.viewer_states.add("{}", viewer, for_users=False).serial
    if "{deleted}" in template:
        filled["{deleted}"] = str(number_of_deleted(server.catalog))
    filled |= fill_jobs(server.catalog, template)
    if template == "/logout":
        session = server.local.redeem(server.local.new_link())
        by_session = next(each for each in server.askings if str(each) == "local by session")
        by_session.headers.update(from_page(f"{server.local.cookie}={session}"))
    return filled


def fill_jobs(catalog: Catalog, template: str) -> dict[str, str]:
    """Return what a path is filled with that is about a job."""
    if "{job}" in template:
        return {"{job}": str(number_of_upload(catalog))}
    if "{job_id}" in template:
        job = catalog.ledger.create_job("fsck", DatasetName.parse(CLOSED), {}).id
        return {"{job_id}": job, "{shard}": "0"}
    return {}


def number_of_deleted(catalog: Catalog) -> int:
    """Return the number of an experiment that is made in `alps` and deleted."""
    made = catalog.collections.add(["alps", f"deleted-{uuid4().hex}"])
    catalog.collections.remove(made.names, days=7)
    return made.node


def number_of_upload(catalog: Catalog) -> int:
    """Return the number of an upload of the user `annotator`, that is not deleted."""
    user, uploads = catalog.people.get_user("annotator").id, catalog.uploads
    begun = uploads.list_uploads(user)
    if not begun:
        job = '{"resolution":0,"extent":{"x":[0,8],"y":[0,8],"z":[0,8],"t":[0,1]},'
        job += '"tile_size":{"x":8,"y":8,"z":1}}'
        begun = [uploads.begin(DatasetName.parse(OPEN), user, job, (0, 0, 0))]
    return begun[0].id


def make_team(catalog: Catalog) -> None:
    """Make the group `team` if it is not there, and take `spare` in; one that was made goes."""
    people = catalog.people
    names = [group.name for group in people.list_groups()]
    if NO_GROUP in names:
        people.remove_group(NO_GROUP)
    if "team" not in names:
        people.add_group("team", "owner")
        for user, standing in STANDINGS.items():
            people.put_member("team", user, Standing(standing))
    people.put_member("team", "spare")


def names_of_users(catalog: Catalog) -> list[str]:
    """Return the names of all users."""
    return [user.name for user in catalog.people.list_users()]


def unowned(frame: Frame) -> Frame:
    """Return a frame without who made it."""
    return replace(frame, group=None)


@pytest.mark.parametrize("row", OTHERS, ids=" ".join)
def test_others(server: Server, row: tuple[str, str]) -> None:
    method, template = row
    method = "GET" if method == "*" else method
    of_users = template.startswith(("/v2/users", "/v1/sso"))
    user = "viewer" if method == "GET" and of_users else "spare"
    body: dict[str, str] | None = {} if method in {"PATCH", "PUT", "POST"} else None
    for part, text in matrix_v1.WORDS.items():
        template = template.replace(part, text)

    def ask(asking: Asking) -> Outcome:
        target, filled = template, fill(server, template) | {"{user}": user}
        absent = template.replace("{token}", str(NO_TOKEN)).replace("{group}", NO_GROUP)
        absent = absent.replace("{deleted}", str(NO_TOKEN))
        absent = absent.replace("{frame}", "none").replace("{state}", "x" * 22)
        absent = (
            absent.replace("{job}", str(NO_TOKEN))
            .replace("{job_id}", "0" * 25 + "Z")
            .replace("{shard}", "0")
        )
        absent = absent.replace("{user}", "none" if "{group}" not in template else user)
        for name, text in filled.items():
            target = target.replace(name, text)
        return server.outcome(asking, method, target, absent, body)

    compare(server, OTHERS[row], ask, f"{method} {template}")
