"""Users, groups, tokens, shares and the audit over HTTP: who may, and what it does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.api.asgi import Answer, InProcess
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, add_sample, image_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.identity import TOKEN_SECONDS
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.access import Permission, Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.database import now
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.catalog.identity.tokens import Token

PLACE = "?place=lab/brain/em"


@dataclass
class Lab:
    """A gateway and its people."""

    server: InProcess
    catalog: Catalog
    secrets: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str, method: str, target: str, body: Any = None) -> Answer:
        """Ask with the credential of a name; of `nobody` without."""
        secret = self.secrets.get(who)
        headers = {} if who == "nobody" else {"authorization": f"Bearer {secret}"}
        return self.server.ask(method, target, headers, body)

    def get(self, who: str, target: str) -> Any:
        """Return what is answered to somebody who may."""
        answer = self.ask(who, "GET", target)
        assert answer.status == 200, answer.body
        return answer.json()

    def token(self, user: str, name: str = "", **terms: Any) -> Token:
        """Make a token of a user, to be asked with by its name."""
        token, self.secrets[name or user] = self.catalog.tokens.make(
            user, name or user, TokenTerms(**terms)
        )
        return token


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Ada owns lab/brain; Bob, Cy and an administrator are there too."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("people") / "lake"))
    settings = Settings()
    with open_catalog(lake, settings) as catalog:
        for name in ("lab/brain/em", "lab/heart/em"):
            add_sample(lake, catalog, Sample(name, image_voxels((4, 4, 4)), levels=1))
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with InProcess(app) as server:
            there = Lab(server, catalog, {"owner": TOKEN})
            for user in ("ada", "bob", "cy", "root"):
                catalog.people.add_user(user, administrator=user == "root")
                there.token(user)
            catalog.shares.share(["lab", "brain"], "ada", Role.OWNER)
            yield there


def test_who_am_i(lab: Lab) -> None:
    ada = lab.get("ada", "/v2/me")
    assert ada == {
        "name": "ada",
        "is_administrator": False,
        "groups": ["ada", "public"],
        "permissions": sorted(Permission),
        "place": None,
        "ends_at": None,
        "way": "token",
    }
    node = lab.catalog.shares.find_place(["lab", "brain"])
    assert node is not None
    end = now() + timedelta(hours=1)
    lab.token("ada", "less", permissions=Role.VIEWER.permissions, node=node.path[-1], ends_at=end)
    less = lab.get("less", "/v2/me")
    assert less["permissions"] == ["read", "read_volumetric_data"]
    assert (less["place"], less["ends_at"] is None) == ("lab/brain", False)
    owner = lab.get("owner", "/v2/me")
    assert (owner["name"], owner["way"], owner["is_administrator"]) == ("owner", "local", True)
    assert lab.ask("nobody", "GET", "/v2/me").status == 401


def test_administrators_look_after_users(lab: Lab) -> None:
    made = lab.ask("root", "POST", "/v2/users", {"name": "dee", "email": "dee@example.org"})
    assert (made.status, made.json()["email"]) == (200, "dee@example.org")
    assert lab.ask("root", "POST", "/v2/users", {"name": "dee"}).status == 409
    page = lab.get("root", "/v2/users?limit=2")
    assert [each["name"] for each in page["users"]] == ["ada", "bob"]
    rest = lab.get("root", f"/v2/users?after={page['next']}")
    assert [each["name"] for each in rest["users"]] == ["cy", "dee", "root"]
    assert rest["next"] is None
    lab.token("dee")
    assert lab.get("dee", "/v2/users/dee")["name"] == "dee"
    assert lab.ask("root", "PUT", "/v2/users/dee/disabled").json()["disabled_at"]
    assert lab.ask("root", "DELETE", "/v2/users/dee/disabled").json()["disabled_at"] is None
    assert lab.get("root", "/v2/audit?limit=1")["changes"][0]["by"] == "root"


def test_others_see_themselves_alone(lab: Lab) -> None:
    assert lab.get("ada", "/v2/users/ada")["name"] == "ada"
    absent, hidden = (lab.ask("ada", "GET", f"/v2/users/{name}") for name in ("zoe", "bob"))
    assert absent.status == hidden.status == 404
    assert absent.json()["detail"].replace("zoe", "bob") == hidden.json()["detail"]
    for method, target in (
        ("GET", "/v2/users"),
        ("POST", "/v2/users"),
        ("PUT", "/v2/users/ada/disabled"),
        ("DELETE", "/v2/users/bob/disabled"),
        ("GET", "/v2/audit"),
    ):
        assert lab.ask("ada", method, target, {"name": "x"}).status == 403
        assert lab.ask("nobody", method, target, {"name": "x"}).status == 401


def test_a_group_is_its_owners_and_maintainers(lab: Lab) -> None:
    assert lab.ask("ada", "POST", "/v2/groups", {"name": "team"}).json()["members"] == [
        {"user": "ada", "standing": "owner"}
    ]
    assert lab.ask("bob", "GET", "/v2/groups/team").status == 404
    assert lab.ask("bob", "DELETE", "/v2/groups/team").status == 404
    member = "/v2/groups/team/members"
    assert lab.ask("bob", "PUT", f"{member}/bob", {}).status == 404
    maintainer = {"standing": "maintainer"}
    assert lab.ask("ada", "PUT", f"{member}/bob", maintainer).status == 200
    wait_for_groups()
    assert lab.ask("bob", "PUT", f"{member}/cy", {}).status == 200
    assert lab.ask("bob", "PUT", f"{member}/cy", maintainer).status == 403
    assert lab.ask("bob", "PUT", f"{member}/bob", {"standing": "owner"}).status == 403
    assert lab.ask("bob", "DELETE", f"{member}/ada").status == 403
    assert lab.ask("bob", "DELETE", "/v2/groups/team").status == 403
    wait_for_groups()
    assert lab.ask("cy", "PUT", f"{member}/root", {}).status == 403
    assert lab.ask("cy", "DELETE", f"{member}/cy").status == 204
    assert lab.ask("ada", "DELETE", f"{member}/ada").status == 409
    assert [each["name"] for each in lab.get("bob", "/v2/groups")["groups"]] == [
        "bob", "public", "team",
    ]  # fmt: skip
    page = lab.get("root", "/v2/groups?limit=3")
    assert ([each["name"] for each in page["groups"]], page["next"]) == (["ada", "bob", "cy"], "cy")
    assert lab.ask("bob", "PUT", "/v2/groups/public/members/cy", {}).status == 403
    assert lab.ask("root", "PUT", "/v2/groups/public/members/cy", {}).status == 409
    assert lab.ask("bob", "POST", "/v2/groups", {"name": "x", "owner": "cy"}).status == 403
    assert lab.ask("owner", "POST", "/v2/groups", {"name": "x"}).status == 400
    assert lab.ask("owner", "POST", "/v2/groups", {"name": "x", "owner": "cy"}).status == 200
    assert lab.ask("ada", "DELETE", "/v2/groups/team").status == 204
    assert lab.get("root", "/v2/audit?limit=1")["changes"][0]["action"] == "remove group"


def wait_for_groups() -> None:
    """Wait until what a gateway remembers of who asks is over."""
    time.sleep(TOKEN_SECONDS + 0.05)


def test_a_token_is_shown_once_and_revoked(lab: Lab) -> None:
    made = lab.ask("ada", "POST", "/v2/tokens", {"name": "new", "role": "viewer"}).json()
    lab.secrets["new"] = made["secret"]
    assert made["token"]["permissions"] == ["read", "read_volumetric_data"]
    listed = lab.get("ada", "/v2/tokens?limit=1")
    assert [each["name"] for each in listed["tokens"]] == ["ada"]
    rest = lab.get("ada", f"/v2/tokens?after={listed['next']}")
    assert ([each["name"] for each in rest["tokens"]], rest["next"]) == (["new"], None)
    assert made["secret"] not in str(rest)
    number = made["token"]["id"]
    rotated = lab.ask("ada", "POST", f"/v2/tokens/{number}/rotate").json()
    assert rotated["token"]["permissions"] == made["token"]["permissions"]
    assert lab.ask("new", "GET", "/v2/me").status == 401
    lab.secrets["new"] = rotated["secret"]
    assert lab.get("new", "/v2/me")["name"] == "ada"
    gone = lab.ask("ada", "DELETE", f"/v2/tokens/{rotated['token']['id']}").json()
    assert gone["revoked_at"]
    wait_for_groups()
    assert lab.ask("new", "GET", "/v2/me").status == 401


def test_tokens_of_others_are_not_there(lab: Lab) -> None:
    bobs = lab.catalog.tokens.list_tokens("bob")[0].id
    absent = lab.ask("ada", "DELETE", "/v2/tokens/999")
    hidden = lab.ask("ada", "DELETE", f"/v2/tokens/{bobs}")
    assert absent.status == hidden.status == 404
    assert absent.json()["detail"].replace("999", str(bobs)) == hidden.json()["detail"]
    assert lab.ask("ada", "POST", f"/v2/tokens/{bobs}/rotate").status == 404
    assert lab.ask("ada", "GET", "/v2/tokens?user=bob").status == 404
    assert lab.ask("ada", "POST", "/v2/tokens", {"name": "x", "user": "bob"}).status == 403
    assert lab.get("root", "/v2/tokens?user=bob")["tokens"][0]["id"] == bobs
    assert len(lab.get("root", "/v2/tokens")["tokens"]) == 4
    assert lab.ask("root", "GET", "/v2/tokens?user=zoe").status == 404
    assert lab.ask("owner", "POST", "/v2/tokens", {"name": "x"}).status == 400
    made = lab.ask("owner", "POST", "/v2/tokens", {"name": "x", "user": "bob"})
    assert made.json()["token"]["user"] == "bob"
    assert lab.ask("root", "DELETE", f"/v2/tokens/{bobs}").status == 200


def test_a_token_makes_no_token_that_is_good_for_more(lab: Lab) -> None:
    place = lab.catalog.shares.find_place(["lab", "brain"])
    assert place is not None
    end = now() + timedelta(hours=1)
    full = lab.token("ada", "full")
    less = {"permissions": Role.VIEWER.permissions, "node": place.path[-1], "ends_at": end}
    lab.token("ada", "less", **less)
    make = "/v2/tokens"
    same = lab.ask("less", "POST", make, {"name": "same"}).json()["token"]
    assert same["permissions"] == ["read", "read_volumetric_data"]
    assert same["place"] == "lab/brain"
    assert same["ends_at"] == lab.get("less", "/v2/me")["ends_at"]
    later = (end + timedelta(seconds=1)).isoformat()
    for more in (
        {"role": "annotator"},
        {"permissions": ["read", "delete"]},
        {"ends_at": later},
    ):
        assert lab.ask("less", "POST", make, {"name": "x", **more}).status == 403, more
    # Of a place outside of its own it does not even learn whether it is there.
    for elsewhere in ("lab", "lab/heart", "no/such"):
        answer = lab.ask("less", "POST", make, {"name": "x", "place": elsewhere})
        assert answer.status == 404, elsewhere
    below = lab.ask("less", "POST", make, {"name": "x", "place": "lab/brain/em"})
    assert below.json()["token"]["place"] == "lab/brain/em"
    # It neither sees nor changes those that are good for more.
    assert full.id not in [each["id"] for each in lab.get("less", make)["tokens"]]
    for method, target in (("DELETE", f"{make}/{full.id}"), ("POST", f"{make}/{full.id}/rotate")):
        assert lab.ask("less", method, target).status == 404
    for method, target in (("POST", "/v2/groups"), ("DELETE", "/v2/groups/ada")):
        assert lab.ask("less", method, target, {"name": "x"}).status == 403


def test_a_limited_token_of_an_administrator_administers_nothing(lab: Lab) -> None:
    lab.token("root", "reads", permissions=Role.VIEWER.permissions)
    assert lab.ask("reads", "GET", "/v2/users").status == 403
    assert lab.ask("reads", "POST", "/v2/users", {"name": "x"}).status == 403
    assert lab.ask("reads", "GET", "/v2/users/bob").status == 404
    assert lab.ask("reads", "GET", "/v2/audit").status == 403
    assert [each["name"] for each in lab.get("reads", "/v2/tokens")["tokens"]] == ["reads"]
    assert lab.ask("reads", "PUT", f"/v2/shares/bob{PLACE}", {"role": "viewer"}).status == 403


def test_what_is_shared(lab: Lab) -> None:
    em = "/v2/datasets/lab/brain/em"
    assert lab.ask("bob", "GET", em).status == 404
    shared = lab.ask("ada", "PUT", f"/v2/shares/bob{PLACE}", {"role": "editor"}).json()
    assert (shared["group"], shared["role"], shared["place"]) == ("bob", "editor", "lab/brain/em")
    wait_for_groups()
    assert lab.ask("bob", "GET", em).status == 200
    # Who may not share sees what is theirs; nobody gives what they have not.
    assert [each["group"] for each in lab.get("bob", f"/v2/shares{PLACE}")["shares"]] == ["bob"]
    seen = [each["group"] for each in lab.get("ada", f"/v2/shares{PLACE}")["shares"]]
    assert seen == ["ada", "bob"]
    assert lab.ask("bob", "PUT", f"/v2/shares/cy{PLACE}", {"role": "viewer"}).status == 403
    assert lab.ask("bob", "DELETE", f"/v2/shares/ada{PLACE}").status == 403
    assert lab.ask("cy", "GET", f"/v2/shares{PLACE}").status == 404
    assert lab.ask("nobody", "GET", f"/v2/shares{PLACE}").status == 401
    assert lab.ask("ada", "GET", "/v2/shares").status == 404
    assert lab.ask("ada", "PUT", f"/v2/shares/zoe{PLACE}", {"role": "viewer"}).status == 404
    assert lab.ask("ada", "DELETE", f"/v2/shares/bob{PLACE}").status == 204
    assert lab.ask("ada", "DELETE", f"/v2/shares/bob{PLACE}").status == 404
    told = lab.get("ada", f"/v2/audit{PLACE}")["changes"]
    assert [each["action"] for each in told] == ["unshare", "share", "add dataset"]
    assert [each["by"] for each in told[:2]] == ["ada", "ada"]
    assert lab.ask("bob", "GET", f"/v2/audit{PLACE}").status == 404


def test_public_data_and_an_embargo(lab: Lab) -> None:
    em, public = "/v2/datasets/lab/brain/em", f"/v2/shares/public{PLACE}"
    later = {"role": "viewer", "starts_at": (now() + timedelta(days=1)).isoformat()}
    assert lab.ask("ada", "PUT", public, later).status == 200
    wait_for_groups()
    assert lab.ask("nobody", "GET", em).status == 401
    assert lab.ask("ada", "PUT", public, {"role": "viewer"}).status == 200
    wait_for_groups()
    assert lab.ask("nobody", "GET", em).status == 200
    told = lab.get("nobody", f"/v2/shares{PLACE}")["shares"]
    assert [each["group"] for each in told] == ["public"]
    assert lab.ask("ada", "PUT", public, {"role": "annotator"}).status == 400
    over = {"role": "viewer", "ends_at": (now() - timedelta(days=1)).isoformat()}
    assert lab.ask("ada", "PUT", public, over).status == 400


def test_a_place_keeps_somebody_who_can_share_it(lab: Lab) -> None:
    brain = "?place=lab/brain"
    assert lab.ask("ada", "DELETE", f"/v2/shares/ada{brain}").status == 409
    assert lab.ask("ada", "PUT", f"/v2/shares/ada{brain}", {"role": "viewer"}).status == 409
    assert lab.ask("ada", "PUT", f"/v2/shares/bob{brain}", {"role": "owner"}).status == 200
    assert lab.ask("ada", "DELETE", f"/v2/shares/ada{brain}").status == 204
    assert lab.ask("root", "DELETE", f"/v2/shares/bob{brain}").status == 204


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/v2/tokens", {"name": ""}),
        ("/v2/tokens", {"name": "a\x00b"}),
        ("/v2/tokens", {"name": "x", "ends_at": "2999-01-01T00:00:00"}),
        ("/v2/tokens", {"name": "x", "ends_at": "9999-12-31T23:59:59-23:59"}),
        ("/v2/tokens", {"name": "x", "ends_at": 4102444800}),
        ("/v2/tokens", {"name": "x", "place": "a/b/c/d"}),
        ("/v2/tokens", {"name": "x", "role": "viewer", "permissions": ["delete"]}),
        ("/v2/tokens", {"name": "x", "more": 1}),
        ("/v2/groups", {"name": "a/b"}),
        ("/v2/users", {"name": "x", "is_administrator": "yes"}),
    ],
)
def test_what_cannot_be_asked(lab: Lab, target: str, body: dict[str, Any]) -> None:
    assert lab.ask("root", "POST", target, body).status == 400
