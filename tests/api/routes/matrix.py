"""Who asks, with what, for what: the table of all routes, and what each demands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from tests.api.routes import matrix_console, matrix_graphene, matrix_v1

from voxlake.platform.access import (
    ANONYMOUS,
    PUBLIC,
    Decision,
    Permission,
    Place,
    Principal,
    Role,
    decide,
)
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.database import now

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog

NAMES = ("nobody", "viewer", "annotator", "editor", "owner", "root")
"""Users; all but the first and the last have the role of their name on everything in `alps`."""


class By(Enum):
    """What somebody asks with."""

    NOTHING = auto()
    SESSION = auto()
    TOKEN = auto()
    FEWER = auto()
    """A token of fewer permissions: those of a viewer."""
    ELSEWHERE = auto()
    """A token that is good for another collection."""
    EXPIRED = auto()
    REVOKED = auto()
    DISABLED = auto()
    """A token of a user who is disabled since."""


SOON = timedelta(seconds=1)
"""After this long a token is over that was good when it was made."""
REFUSED = {By.EXPIRED, By.REVOKED, By.DISABLED}
LIMITED = {By.FEWER, By.ELSEWHERE}


@dataclass(frozen=True)
class Asking:
    """Somebody who asks, by what, and who they are if that is right."""

    who: str
    by: By
    headers: dict[str, str]
    principal: Principal
    at: str = "local"
    """Which gateway is asked: of one owner, or the one at whose `issuer` people sign in."""

    def __str__(self) -> str:
        return f"{self.who} by {self.by.name.lower()}"


def everybody(catalog: Catalog, owner: dict[By, dict[str, str]], cookie: str) -> list[Asking]:
    """Return all who may ask.

    `owner` has the headers of the owner of a local server, `cookie` is that of others' sessions.
    """
    elsewhere = place_of(catalog, "andes")
    local = Principal("owner", is_owner=True)
    askings = [Asking("anybody", By.NOTHING, {}, ANONYMOUS)]
    askings += [Asking("local", by, headers, local) for by, headers in owner.items()]
    for name in NAMES:
        groups = frozenset({PUBLIC, catalog.people.get_group(name).id})
        user = catalog.people.get_user(name)
        full = Principal(name, name == "root", groups=groups, user=user.id)
        terms = {
            By.TOKEN: TokenTerms(),
            By.FEWER: TokenTerms(Role.VIEWER.permissions),
            By.ELSEWHERE: TokenTerms(node=elsewhere.path[-1]),
        }
        if name in {"viewer", "root"}:
            soon = TokenTerms(ends_at=now() + SOON)
            terms |= {By.EXPIRED: soon, By.REVOKED: TokenTerms()}
        for by, each in terms.items():
            token, secret = catalog.tokens.make(name, by.name, each)
            if by is By.REVOKED:
                catalog.tokens.revoke(token.id)
            principal = replace(full, permissions=each.permissions, within=each.node)
            askings.append(Asking(name, by, bearer(secret), principal))
        session = from_page(f"{cookie}={catalog.sessions.begin(name)}")
        askings.append(Asking(name, By.SESSION, session, full, "issuer"))
    _, secret = catalog.tokens.make("gone", "x")
    catalog.people.disable_user("gone")
    askings.append(Asking("gone", By.DISABLED, bearer(secret), ANONYMOUS))
    return askings


def bearer(secret: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"authorization": f"Bearer {secret}"}


def from_page(cookie: str) -> dict[str, str]:
    """Return the headers that a page of the gateway itself sends."""
    return {"cookie": cookie, "origin": "http://localhost"}


def place_of(catalog: Catalog, text: str) -> Place:
    """Return a place that there is."""
    found = catalog.shares.find_place(text.split("/") if text != "/" else [])
    assert found is not None
    return found


class Outcome(Enum):
    """What an answer says of permissions."""

    OPEN = auto()
    """It may be asked."""
    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    HIDDEN = auto()


type Rule = Callable[[Asking], Outcome]
"""What is expected to be answered to somebody, of a route that is about no dataset."""


def everyone(asking: Asking) -> Outcome:
    """It never asks who asks."""
    del asking
    return Outcome.OPEN


def never_there(asking: Asking) -> Outcome:
    """It is not there for anybody, whoever asks."""
    del asking
    return Outcome.HIDDEN


def anyone(asking: Asking) -> Outcome:
    """Everybody, but a credential that is sent has to hold."""
    return Outcome.UNAUTHENTICATED if asking.by in REFUSED else Outcome.OPEN


def signed_in(asking: Asking) -> Outcome:
    """Who is somebody."""
    unknown = asking.by in REFUSED or asking.principal.is_anonymous
    return Outcome.UNAUTHENTICATED if unknown else Outcome.OPEN


def unlimited(asking: Asking) -> Outcome:
    """Who is somebody, and asks with no less than they are."""
    known = signed_in(asking)
    return Outcome.FORBIDDEN if known is Outcome.OPEN and asking.by in LIMITED else known


def administrator(asking: Asking) -> Outcome:
    """Who looks after the lake."""
    known = unlimited(asking)
    return known if asking.who in {"root", "local"} or known is not Outcome.OPEN else _REFUSED


_REFUSED = Outcome.FORBIDDEN


def the_owner(asking: Asking) -> Outcome:
    """The owner of the server, and administrators; others are asked to be one of them."""
    allowed = administrator(asking) is Outcome.OPEN
    return Outcome.OPEN if allowed else Outcome.UNAUTHENTICATED


def watching(asking: Asking) -> Outcome:
    """Administrators who may read all of the lake, as by a token of fewer permissions."""
    known, who = signed_in(asking), asking.principal
    return known if known is not Outcome.OPEN or (who.is_owner and not who.within) else _REFUSED


def oneself(asking: Asking) -> Outcome:
    """The user `viewer`, and administrators."""
    known = signed_in(asking)
    mine = asking.who == "viewer" or administrator(asking) is Outcome.OPEN
    return known if mine or known is not Outcome.OPEN else Outcome.HIDDEN


def in_team(asking: Asking) -> Outcome:
    """Who is in the group `team`: a viewer is a member there, an editor a maintainer."""
    known = signed_in(asking)
    mine = asking.who in STANDINGS or administrator(asking) is Outcome.OPEN
    return known if mine or known is not Outcome.OPEN else Outcome.HIDDEN


STANDINGS = {"viewer": "member", "editor": "maintainer", "owner": "owner"}


def of_team(*names: str) -> Rule:
    """Return the rule for some users of the team, and administrators, without limits."""

    def rule(asking: Asking) -> Outcome:
        known, seen = unlimited(asking), in_team(asking)
        if known is not Outcome.OPEN or seen is not Outcome.OPEN:
            return seen if known is Outcome.OPEN else known
        return known if asking.who in {*names, "root", "local"} else Outcome.FORBIDDEN

    return rule


def frame_maker(asking: Asking) -> Outcome:
    """The user `owner`, who made the frame, and administrators, without limits."""
    known = unlimited(asking)
    mine = asking.who in {"owner", "root", "local"}
    return known if mine or known is not Outcome.OPEN else Outcome.FORBIDDEN


def own_token(asking: Asking) -> Outcome:
    """Whose token it is, by one that is good for as much; and administrators."""
    known = signed_in(asking)
    mine = asking.who == "viewer" and asking.by in {By.TOKEN, By.SESSION}
    mine = mine or administrator(asking) is Outcome.OPEN
    return known if mine or known is not Outcome.OPEN else Outcome.HIDDEN


def deleter(asking: Asking) -> Outcome:
    """Who may delete what lies in `alps`, and so bring it back; it is hidden from others."""
    known = signed_in(asking)
    mine = asking.who in {"owner", "root", "local"} and asking.by not in LIMITED
    return known if mine or known is not Outcome.OPEN else Outcome.HIDDEN


def own_upload(asking: Asking) -> Outcome:
    """Who began it, the user `annotator`, by what they may write with; and administrators."""
    known = signed_in(asking)
    if known is not Outcome.OPEN or administrator(asking) is Outcome.OPEN:
        return known
    if asking.who != "annotator" or asking.by is By.ELSEWHERE:
        return Outcome.HIDDEN
    return Outcome.FORBIDDEN if asking.by is By.FEWER else known


def job_watcher(asking: Asking) -> Outcome:
    """Who may read `CLOSED`, on which the job is."""
    known = signed_in(asking)
    hidden = asking.who == "nobody" or asking.by is By.ELSEWHERE
    return Outcome.HIDDEN if known is Outcome.OPEN and hidden else known


def job_manager(asking: Asking) -> Outcome:
    """Who may change `CLOSED`, on which the job is."""
    known = job_watcher(asking)
    mine = asking.who in {"editor", "owner", "root", "local"} and asking.by is not By.FEWER
    return known if mine or known is not Outcome.OPEN else Outcome.FORBIDDEN


def job_uploader(asking: Asking) -> Outcome:
    """Who may write voxels to `CLOSED`, on which the job is."""
    known = job_watcher(asking)
    mine = asking.who in {"annotator", "editor", "owner", "root", "local"}
    mine = mine and asking.by is not By.FEWER
    return known if mine or known is not Outcome.OPEN else Outcome.FORBIDDEN


def on(place: Place, permission: Permission) -> Rule:
    """Return the rule of a permission on a place, as `decide` has it."""

    def rule(asking: Asking) -> Outcome:
        if asking.by in REFUSED:
            return Outcome.UNAUTHENTICATED
        return _OUTCOMES[decide(asking.principal, permission, place.path, place.grants, now())]

    return rule


_OUTCOMES = {
    Decision.ALLOWED: Outcome.OPEN,
    Decision.UNAUTHENTICATED: Outcome.UNAUTHENTICATED,
    Decision.FORBIDDEN: Outcome.FORBIDDEN,
    Decision.HIDDEN: Outcome.HIDDEN,
}

OPEN, CLOSED, OTHER = "alps/north/sunny", "alps/north/shady", "andes/north/shady"
"""Datasets: a public one, and two private ones, the last of which nobody has a role on."""
DATASET = "/{collection}/{experiment}/{dataset}"
VIEWS = ("zarr", "flat", "precomputed")
"""Views of the bytes of datasets, by keys."""
_READ, _READ_VOXELS = Permission.READ, Permission.READ_VOLUMETRIC_DATA
_ADD, _DELETE = Permission.ADD_VOLUMETRIC_DATA, Permission.DELETE_VOLUMETRIC_DATA
_V2 = f"/v2/datasets{DATASET}"
DATASETS: dict[tuple[str, str], Permission] = {
    ("GET", _V2): _READ,
    ("PATCH", _V2): Permission.UPDATE,
    ("DELETE", _V2): Permission.DELETE,
    ("GET", f"{_V2}/provenance"): _READ,
    ("PUT", f"{_V2}/provenance"): Permission.UPDATE,
    **{
        row: _READ_VOXELS
        for view in VIEWS
        for row in (
            ("GET", f"/{view}{DATASET}"),
            ("GET", f"/{view}{DATASET}/{{key:path}}"),
            ("HEAD", f"/{view}{DATASET}/{{key:path}}"),
        )
    },
    ("GET", f"{_V2}/cutout"): _READ_VOXELS,
    ("PUT", f"{_V2}/cutout"): _ADD,
    ("GET", f"{_V2}/image"): _READ_VOXELS,
    ("GET", f"{_V2}/tiles/{{plane}}/{{level}}/{{slice}}/{{column}}/{{row}}"): _READ_VOXELS,
    ("GET", f"{_V2}/labels"): _READ_VOXELS,
    ("GET", f"{_V2}/labels/all"): _READ_VOXELS,
    ("GET", f"{_V2}/labels/top"): _READ_VOXELS,
    ("POST", f"{_V2}/labels/lookup"): _READ_VOXELS,
    ("POST", f"{_V2}/labels/points"): _READ_VOXELS,
    ("POST", f"{_V2}/labels/reserve"): _ADD,
    ("GET", f"{_V2}/labels/{{label}}"): _READ_VOXELS,
    ("GET", f"{_V2}/labels/{{label}}/chunks"): _READ_VOXELS,
    ("GET", f"{_V2}/labels/{{label}}/points"): _READ_VOXELS,
    ("GET", f"{_V2}/labels/{{label}}/sparse-volume"): _READ_VOXELS,
    ("GET", f"{_V2}/labels/{{label}}/mask"): _READ_VOXELS,
    ("GET", f"{_V2}/objects"): _READ_VOXELS,
    ("POST", f"{_V2}/objects"): _ADD,
    ("POST", f"{_V2}/objects/lookup"): _READ_VOXELS,
    ("POST", f"{_V2}/objects/delete"): _DELETE,
    ("GET", f"{_V2}/objects/segment-properties/info"): _READ_VOXELS,
    ("GET", f"{_V2}/objects/segment-properties/{{choice}}/info"): _READ_VOXELS,
    ("GET", f"{_V2}/objects/{{label}}"): _READ_VOXELS,
    ("PUT", f"{_V2}/objects/{{label}}"): _ADD,
    ("DELETE", f"{_V2}/objects/{{label}}"): _DELETE,
    ("POST", f"{_V2}/merges"): _ADD,
    ("POST", f"{_V2}/cleaves"): _ADD,
    ("GET", f"{_V2}/mapping"): _READ_VOXELS,
    ("GET", f"{_V2}/mapping/history"): _READ_VOXELS,
    ("GET", f"{_V2}/mapping/pairs"): _READ_VOXELS,
    ("POST", f"{_V2}/mapping/lookup"): _READ_VOXELS,
    ("POST", f"{_V2}/mapping/undo"): _ADD,
    ("GET", f"{_V2}/mapping/{{label}}"): _READ_VOXELS,
    ("GET", f"{_V2}/neuroglancer"): _READ_VOXELS,
    ("GET", f"{_V2}/neuroglancer/state"): _READ_VOXELS,
    ("GET", f"/view{DATASET}"): _READ_VOXELS,
    ("POST", f"/v2/credentials{DATASET}"): _READ_VOXELS,
    ("GET", f"/v2/links{DATASET}"): Permission.ASSIGN_GROUP,
    ("POST", f"/v2/links{DATASET}"): Permission.ASSIGN_GROUP,
    ("DELETE", f"/v2/links{DATASET}/{{link}}"): Permission.REMOVE_GROUP,
}
DATASETS |= matrix_v1.DATASETS | matrix_graphene.DATASETS | matrix_console.DATASETS
"""Routes about a dataset, and the permission on it that each demands."""


def filled(template: str, label: int = 1) -> str:
    """Return the template of an address with all that is in a dataset filled in."""
    parts = {"{key:path}": "zarr.json", "{label}": str(label), "{link}": "1"}
    parts["{choice}"] = "largest=5"
    parts["{plane}/{level}/{slice}/{column}/{row}"] = "xy/0/0/0/0"
    parts |= matrix_v1.FILLED | matrix_graphene.FILLED
    for part, text in parts.items():
        template = template.replace(part, text)
    return template


OTHERS: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): everyone,
    ("GET", "/readyz"): everyone,
    ("GET", "/metrics"): watching,
    ("GET", "/openapi.json"): everyone,
    ("GET", "/neuroglancer"): everyone,
    ("*", "/neuroglancer"): everyone,
    ("GET", "/login"): signed_in,
    ("GET", "/login/callback"): never_there,
    ("POST", "/login-links"): the_owner,
    ("POST", "/logout"): everyone,
    ("GET", "/v2/identity"): everyone,
    ("POST", "/v2/datasets"): administrator,
    **{
        (method, f"/zarr/{{collection}}/{document}"): never_there
        for method in ("GET", "HEAD")
        for document in ("zarr.json", ".zgroup", ".zattrs", ".zmetadata")
    },
    ("GET", "/v2/datasets"): anyone,
    ("GET", "/v2/collections"): anyone,
    ("GET", "/v2/search"): anyone,
    ("GET", "/v2/frames"): anyone,
    ("GET", "/v2/frames/{frame}"): anyone,
    ("PATCH", "/v2/frames/{frame}"): frame_maker,
    ("DELETE", "/v2/frames/{frame}"): frame_maker,
    ("PUT", "/v1/coord/{frame}"): frame_maker,
    ("DELETE", "/v1/coord/{frame}"): frame_maker,
    ("GET", "/v2/me"): signed_in,
    ("GET", "/v2/users"): administrator,
    ("POST", "/v2/users"): administrator,
    ("GET", "/v2/users/{user}"): oneself,
    ("DELETE", "/v2/users/{user}"): administrator,
    ("PUT", "/v2/users/{user}/roles/{role}"): administrator,
    ("DELETE", "/v2/users/{user}/roles/{role}"): administrator,
    ("PUT", "/v2/users/{user}/disabled"): administrator,
    ("DELETE", "/v2/users/{user}/disabled"): administrator,
    ("GET", "/v2/groups"): signed_in,
    ("POST", "/v2/groups"): unlimited,
    ("GET", "/v1/groups"): signed_in,
    ("GET", "/v1/permissions"): signed_in,
    ("POST", "/v1/permissions"): signed_in,
    ("PATCH", "/v1/permissions"): signed_in,
    ("DELETE", "/v1/permissions"): signed_in,
    ("GET", "/v1/sso/user/{user}"): oneself,
    ("POST", "/v1/sso/user/{user}"): administrator,
    ("DELETE", "/v1/sso/user/{user}"): administrator,
    ("GET", "/v1/sso/user-role/{user}"): oneself,
    ("GET", "/v1/sso/user-role/{user}/{role}"): oneself,
    ("POST", "/v1/sso/user-role/{user}/{role}"): administrator,
    ("DELETE", "/v1/sso/user-role/{user}/{role}"): administrator,
    ("GET", "/v1/metric/metrics"): administrator,
    ("PUT", "/v1/metric/metrics"): administrator,
    ("GET", "/v1/metric/thresholds"): administrator,
    ("PUT", "/v1/metric/thresholds"): administrator,
    ("GET", "/v1/metric/usage"): signed_in,
    ("GET", "/v2/status"): administrator,
    ("GET", "/v2/usage"): signed_in,
    ("GET", "/v2/usage/stored"): administrator,
    ("GET", "/v2/usage/limits"): administrator,
    ("PUT", "/v2/usage/limits"): administrator,
    ("GET", "/v1/ping"): everyone,
    **{
        (method, "/v0.{minor}/{rest:path}"): everyone
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    },
    ("GET", "/v1/groups/{group}"): in_team,
    ("POST", "/v1/groups/{group}"): unlimited,
    ("DELETE", "/v1/groups/{group}"): of_team("owner"),
    **{
        row: rule
        for kind in ("members", "maintainers")
        for row, rule in {
            ("GET", f"/v1/groups/{{group}}/{kind}"): in_team,
            ("GET", f"/v1/groups/{{group}}/{kind}/{{user}}"): in_team,
            ("POST", f"/v1/groups/{{group}}/{kind}/{{user}}"): of_team(
                "owner", *(["editor"] if kind == "members" else [])
            ),
            ("DELETE", f"/v1/groups/{{group}}/{kind}/{{user}}"): of_team("owner", "editor"),
        }.items()
    },
    ("GET", "/v2/groups/{group}"): in_team,
    ("DELETE", "/v2/groups/{group}"): of_team("owner"),
    ("PUT", "/v2/groups/{group}/members/{user}"): of_team("owner", "editor"),
    ("DELETE", "/v2/groups/{group}/members/{user}"): of_team("owner", "editor"),
    ("GET", "/v2/tokens"): signed_in,
    ("POST", "/v2/tokens"): signed_in,
    ("DELETE", "/v2/tokens/{token}"): own_token,
    ("POST", "/v2/tokens/{token}/rotate"): own_token,
    ("POST", "/v2/states"): signed_in,
    ("GET", "/v2/states"): signed_in,
    ("GET", "/v2/states/{state}"): anyone,
    ("DELETE", "/v2/states/{state}"): oneself,
    ("GET", "/s/{state}"): everyone,
    ("GET", "/segmentation/api/versions"): everyone,
    ("GET", "/v2/deleted"): signed_in,
    ("POST", "/v2/deleted/{deleted}/restore"): deleter,
    ("POST", "/v2/deleted/{deleted}/purge"): deleter,
    ("GET", "/v2/audit"): administrator,
    ("GET", "/v2/jobs"): anyone,
    ("POST", "/v2/jobs"): signed_in,
    ("POST", "/v2/jobs/look"): signed_in,
    ("POST", "/v2/jobs/plan"): signed_in,
    ("GET", "/v2/jobs/{job_id}"): job_watcher,
    ("GET", "/v2/jobs/{job_id}/events"): job_watcher,
    ("GET", "/v2/jobs/{job_id}/log"): job_manager,
    ("GET", "/v2/jobs/{job_id}/picture"): job_manager,
    ("POST", "/v2/jobs/{job_id}/retry"): job_manager,
    ("POST", "/v2/jobs/{job_id}/cancel"): job_manager,
    ("GET", "/v2/jobs/{job_id}/upload"): job_uploader,
    ("POST", "/v2/jobs/{job_id}/upload/take"): job_uploader,
    ("PUT", "/v2/jobs/{job_id}/upload/shards/{shard}"): job_uploader,
    ("POST", "/v2/jobs/{job_id}/upload/finish"): job_uploader,
    ("GET", "/auth_info"): everyone,
    **{
        (method, f"/api/v1/{path}"): signed_in
        for path, methods in {
            "authorize": ("GET", "POST"),
            "user/cache": ("GET",),
            "user/token": ("GET", "POST"),
            "app": ("GET",),
        }.items()
        for method in methods
    },
}
OTHERS |= dict.fromkeys(matrix_v1.FOR_ANYONE, anyone)
OTHERS |= dict.fromkeys(matrix_v1.BEGUN, signed_in)
OTHERS |= dict.fromkeys(matrix_v1.UPLOADS, own_upload)
OTHERS |= dict.fromkeys(matrix_console.FOR_EVERYONE, everyone)
OTHERS |= dict.fromkeys(matrix_console.FOR_ANYONE, anyone)
OTHERS |= dict.fromkeys(matrix_console.FOR_SIGNED_IN, signed_in)
OTHERS |= dict.fromkeys(matrix_console.FOR_UNLIMITED, unlimited)
OTHERS |= dict.fromkeys(matrix_console.FOR_ADMINISTRATORS, administrator)
OTHERS |= dict.fromkeys(matrix_console.FOR_TEAM, in_team)
OTHERS |= dict.fromkeys(matrix_console.FOR_JOB_WATCHERS, job_watcher)
OTHERS |= dict.fromkeys(matrix_console.FOR_JOB_MANAGERS, job_manager)
"""Routes about no dataset, and the rule of each; those of places are in `PLACES`."""

LOCAL_ONLY = {"/login/callback", "/login-links", "/logout"}
"""They are another thing where people sign in at an issuer; its tests are in `identity`."""

_COLLECTION = "/v2/collections/{collection}"
_EXPERIMENT = f"{_COLLECTION}/experiments/{{experiment}}"
PLACES: dict[tuple[str, str], Permission] = {
    ("GET", "/v2/shares"): _READ,
    ("PUT", "/v2/shares/{group}"): Permission.ASSIGN_GROUP,
    ("DELETE", "/v2/shares/{group}"): Permission.REMOVE_GROUP,
    ("GET", "/v2/metadata"): _READ,
    ("GET", "/v2/metadata/value"): _READ,
    ("PUT", "/v2/metadata/value"): Permission.UPDATE,
    ("DELETE", "/v2/metadata/value"): Permission.UPDATE,
    ("POST", "/v2/collections"): Permission.ADD,
    ("POST", "/v2/frames"): Permission.ADD,
    ("GET", _COLLECTION): _READ,
    ("PATCH", _COLLECTION): Permission.UPDATE,
    ("DELETE", _COLLECTION): Permission.DELETE,
    ("GET", f"{_COLLECTION}/experiments"): _READ,
    ("POST", f"{_COLLECTION}/experiments"): Permission.ADD,
    ("GET", _EXPERIMENT): _READ,
    ("PATCH", _EXPERIMENT): Permission.UPDATE,
    ("POST", f"/v2/datasets{DATASET}"): Permission.ADD,
    ("POST", f"/v2/uploads{DATASET}"): Permission.ADD,
    ("DELETE", _EXPERIMENT): Permission.DELETE,
}
PLACES |= matrix_v1.PLACES | matrix_console.PLACES
"""Routes about a place, and the permission on it that each demands.

The place is in the path or in the query; of those that make what lies on top it is the lake.
"""


def address(template: str, name: str) -> str:
    """Return the address of a route about a dataset."""
    parts = dict(zip(("{collection}", "{experiment}", "{dataset}"), name.split("/"), strict=True))
    parts["{table}"] = name.replace("/", ".")
    for part, text in parts.items():
        template = template.replace(part, text)
    return template


def targets(method: str, template: str) -> list[tuple[str, str, str]]:
    """Return (place, address, address of what is absent) of the places that a route is about."""
    if method == "POST" and template in matrix_v1.ON_PLACE_ABOVE:
        # What is to be made is in the address, and asked is what lies above it.
        above, _, _ = template.partition(matrix_v1.ON_PLACE_ABOVE[template])
        if "{" not in above:
            return [("/", template, template)]
        template = template.replace("{experiment}", "new")
    if template in {"/v2/collections", "/v2/frames", "/collections"}:
        return [("/", template, template)]
    if "{collection}" not in template:
        at = template.replace("{group}", "spare")
        places = "/", "alps", "alps/north", OPEN, CLOSED, OTHER
        return [(place, f"{at}?place={place}", f"{at}?place=absent") for place in places]
    if "{experiment}" in template:
        there, absent = ("alps/north", "andes/north"), "alps/absent"
    else:
        there, absent = ("alps", "andes"), "absent"
    return [(place, _fill(template, place), _fill(template, absent)) for place in there]


def _fill(template: str, place: str) -> str:
    collection, _, experiment = place.partition("/")
    return template.replace("{collection}", collection).replace("{experiment}", experiment)
