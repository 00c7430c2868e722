"""Groups, permissions, users and roles by intern, asking as people of three kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from intern.resource.boss.resource import (
    ChannelResource,
    CollectionResource,
    ExperimentResource,
)
from requests import HTTPError
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels
from tests.api.v1.conftest import remote

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.access import LakeRole, Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

OF_PLACES = {"read", "add", "update", "delete", "assign_group", "remove_group"}
VOLUMETRIC = {"read_volumetric_data", "add_volumetric_data", "delete_volumetric_data"}
COLLECTION = CollectionResource("lab")
EXPERIMENT = ExperimentResource("brain", "lab")
CHANNEL = ChannelResource("em", "lab", "brain")


@dataclass
class Lab:
    """A gateway, and the interns of its people: root, ada, who made all, bob, and eve."""

    served: Served
    interns: dict[str, Any]
    secrets: dict[str, str]

    def ask(self, who: str, method: str, path: str, **rest: Any) -> httpx2.Response:
        """Ask as bossDB's clients do."""
        with self.served.client() as client:
            headers = {"Authorization": f"Token {self.secrets[who]}"} if who else {}
            return client.request(method, path, headers=headers, **rest)

    def code(self, who: str, method: str, path: str, **rest: Any) -> tuple[int, int]:
        """Return status and number of a refusal."""
        answer = self.ask(who, method, path, **rest)
        assert answer.json()["status"] == answer.status_code
        return answer.status_code, answer.json()["code"]


@pytest.fixture
def lab(tmp_path: Any) -> Iterator[Lab]:
    lake = StoreURL.parse(str(tmp_path / "lake"))
    settings = Settings(failed_logins_per_minute=0)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", image_voxels((4, 8, 8)), levels=1))
        secrets = {}
        for name in ("root", "ada", "bob", "eve"):
            catalog.people.add_user(name, administrator=name == "root")
            secrets[name] = catalog.tokens.make(name, "intern")[1]
        for place in (("lab",), ("lab", "brain"), ("lab", "brain", "em")):
            catalog.shares.share(place, "ada", Role.OWNER)
        for role in LakeRole:
            catalog.lake_roles.set("ada", role, held=True)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, catalog, identity)
        with run_app(app) as url:
            served = Served(url, lake, catalog, app, identity, {})
            interns = {name: remote(served, secret) for name, secret in secrets.items()}
            yield Lab(served, interns, secrets)


def test_groups_as_intern_knows_them(lab: Lab) -> None:
    ada, bob = lab.interns["ada"], lab.interns["bob"]
    ada.create_group("mappers")
    group = ada.get_group("mappers")
    assert (group["name"], group["owner"], group["resources"]) == ("mappers", "ada", [])
    assert set(ada.list_groups()) == {"ada-primary", "mappers", "public"}
    assert ada.list_groups("maintainer") == ["ada-primary", "mappers"]
    ada.add_group_member("mappers", "bob")
    assert ada.list_group_members("mappers") == ["ada", "bob"]
    assert bob.list_groups("maintainer") == ["bob-primary"]
    assert (
        bob.get_is_group_member("mappers", "eve"),
        bob.get_is_group_member("mappers", "bob"),
    ) == (
        False,
        True,
    )
    ada.add_group_maintainer("mappers", "bob")
    assert ada.list_group_maintainers("mappers") == ["ada", "bob"]
    # Who is more than a member stays so, whoever takes them in again.
    bob.add_group_member("mappers", "ada")
    bob.add_group_member("mappers", "eve")
    assert ada.list_group_maintainers("mappers") == ["ada", "bob"]
    with pytest.raises(HTTPError, match="403"):
        bob.add_group_maintainer("mappers", "eve")
    ada.delete_group_maintainer("mappers", "bob")
    assert not ada.get_is_group_maintainer("mappers", "bob")
    assert ada.get_is_group_member("mappers", "bob")
    for _ in range(2):
        ada.delete_group_member("mappers", "bob")
    assert ada.list_group_members("mappers") == ["ada", "eve"]
    ada.delete_group("mappers")
    with pytest.raises(HTTPError, match="404"):
        ada.get_group("mappers")


def test_what_groups_and_users_are_not_there(lab: Lab) -> None:
    lab.interns["ada"].create_group("mappers")
    assert lab.code("ada", "GET", "/v1/groups/none/") == (404, 4001)
    # That of others is as absent.
    assert lab.code("bob", "GET", "/v1/groups/mappers/") == (404, 4001)
    assert lab.code("", "GET", "/v1/groups/mappers/") == (401, 3004)
    assert lab.code("ada", "POST", "/v1/groups/mappers/") == (404, 6001)
    for kind in ("members", "maintainers"):
        for method in ("GET", "POST", "DELETE"):
            path = f"/v1/groups/mappers/{kind}/none"
            assert lab.code("ada", method, path) == (404, 4002)
    assert lab.code("bob", "DELETE", "/v1/groups/bob-primary") == (409, 4003)


def test_permissions_as_intern_knows_them(lab: Lab) -> None:
    ada, eve = lab.interns["ada"], lab.interns["eve"]
    for resource, more in ((COLLECTION, set()), (EXPERIMENT, set()), (CHANNEL, VOLUMETRIC)):
        [only] = ada.list_permissions(resource=resource)
        assert (only["group"], set(only["permissions"])) == ("ada-primary", OF_PLACES | more)
    # As bossDB should: what experiments and channels have is theirs.
    told = {each.get("channel", ""): set(each["permissions"]) for each in ada.list_permissions()}
    assert told == {"": OF_PLACES, "em": OF_PLACES | VOLUMETRIC}
    ada.create_group("mappers")
    ada.add_group_member("mappers", "eve")
    ada.add_permissions("mappers", CHANNEL, ["read"])
    ada.add_permissions("mappers", CHANNEL, ["add_volumetric_data", "update"])
    assert set(eve.get_permissions("mappers", CHANNEL)) == {"read", "add_volumetric_data", "update"}
    ada.update_permissions("mappers", CHANNEL, ["read", "read_volumetric_data"])
    assert set(ada.get_permissions("mappers", CHANNEL)) == {"read", "read_volumetric_data"}
    ada.add_permissions("mappers", COLLECTION, ["read"])
    # It is of the collection alone.
    assert eve.list_experiments("lab") == []
    assert ada.get_group("mappers")["resources"] == [
        {"collection": "lab"},
        {"collection": "lab", "experiment": "brain", "channel": "em"},
    ]
    assert eve.get_cutout(eve.get_project(CHANNEL), 0, [0, 8], [0, 8], [0, 4]).shape == (4, 8, 8)
    ada.delete_permissions("mappers", CHANNEL)
    assert ada.get_permissions("mappers", CHANNEL) == []
    ada.delete_permissions("mappers", CHANNEL)


def test_permissions_that_are_refused(lab: Lab) -> None:
    ada = lab.interns["ada"]
    for resource in (COLLECTION, EXPERIMENT):
        with pytest.raises(HTTPError, match=r"400.*1003"):
            ada.add_permissions("bob-primary", resource, ["read", "add_volumetric_data"])
    with pytest.raises(HTTPError, match=r"400.*1003"):
        ada.add_permissions("public", CHANNEL, ["update"])
    with pytest.raises(HTTPError, match=r"404.*4001"):
        ada.add_permissions("none", CHANNEL, ["read"])
    with pytest.raises(HTTPError, match=r"404.*4000"):
        lab.interns["bob"].add_permissions("bob-primary", CHANNEL, ["read"])
    # A group that is called like somebody's own is never taken for it.
    ada.create_group("eve-primary")
    ada.add_permissions("eve-primary", CHANNEL, ["read"])
    assert lab.interns["eve"].list_permissions() == [
        {
            "group": "eve-primary",
            "collection": "lab",
            "experiment": "brain",
            "channel": "em",
            "permissions": ["read"],
        }
    ]
    with pytest.raises(HTTPError, match=r"403.*3001"):
        lab.interns["eve"].add_permissions("eve-primary", CHANNEL, ["update"])
    assert lab.code("ada", "GET", "/v1/permissions/?channel=em") == (400, 1003)
    assert lab.code("eve", "GET", "/v1/permissions/?group=ada-primary") == (404, 4001)
    assert lab.code("ada", "DELETE", "/v1/permissions/?group=bob") == (400, 1003)


def test_users_as_intern_knows_them(lab: Lab) -> None:
    ada = lab.interns["ada"]
    ada.add_user("jo", "Jo Ann", "Doe", "jo@example.org", "swordfish")
    jo = ada.get_user("jo")
    told = [jo[key] for key in ("username", "firstName", "lastName", "email", "realmRoles")]
    assert told == ["jo", "Jo Ann", "Doe", "jo@example.org", []]
    with pytest.raises(HTTPError, match=r"409.*7001"):
        ada.add_user("jo", "Jo", "Doe", "jo@example.org", "swordfish")
    with pytest.raises(HTTPError, match=r"404.*4002"):
        ada.get_user("none")
    assert lab.interns["bob"].get_user("bob")["username"] == "bob"
    assert lab.code("bob", "GET", "/v1/sso/user/jo") == (404, 4002)
    for who in ("ada", "bob"):
        with pytest.raises(HTTPError, match="403"):
            lab.interns[who].delete_user("jo")
    lab.interns["root"].delete_user("jo")
    with pytest.raises(HTTPError, match="404"):
        lab.interns["root"].get_user("jo")


def test_roles_as_intern_knows_them(lab: Lab) -> None:
    ada, root = lab.interns["ada"], lab.interns["root"]
    assert ada.get_user_roles("bob") == []
    assert root.get_user_roles("root") == ["admin"]
    ada.add_user_role("bob", "resource-manager")
    assert lab.interns["bob"].get_user_roles("bob") == ["resource-manager"]
    assert lab.ask("ada", "GET", "/v1/sso/user-role/bob/resource-manager").json() is True
    assert lab.ask("ada", "GET", "/v1/sso/user-role/bob/admin").json() is False
    ada.delete_user_role("bob", "resource-manager")
    assert ada.get_user_roles("bob") == []
    for who, role in (("ada", "user-manager"), ("root", "admin"), ("root", "none")):
        for change in (lab.interns[who].add_user_role, lab.interns[who].delete_user_role):
            with pytest.raises(HTTPError, match=r"403.*(7002|3001)"):
                change("bob", role)
    root.add_user_role("eve", "user-manager")
    lab.interns["eve"].add_user_role("bob", "resource-manager")
    with pytest.raises(HTTPError, match="404"):
        ada.add_user_role("none", "resource-manager")


def test_roles_by_the_native_api(lab: Lab) -> None:
    made = lab.ask("ada", "POST", "/v2/users", json={"name": "jo"})
    assert made.status_code == 200
    refused = lab.ask("ada", "POST", "/v2/users", json={"name": "x", "is_administrator": True})
    assert refused.status_code == 403
    given = lab.ask("ada", "PUT", "/v2/users/jo/roles/resource-manager")
    assert given.json()["roles"] == ["resource-manager"]
    assert lab.ask("ada", "PUT", "/v2/users/jo/roles/user-manager").status_code == 403
    taken = lab.ask("root", "DELETE", "/v2/users/jo/roles/resource-manager")
    assert taken.json()["roles"] == []
    assert lab.ask("ada", "DELETE", "/v2/users/jo").status_code == 403
    assert lab.ask("root", "DELETE", "/v2/users/jo").status_code == 204
    assert {each["name"] for each in lab.ask("ada", "GET", "/v2/users").json()["users"]} == {
        *lab.interns
    }


@pytest.mark.parametrize("path", ["/ping", "/ping/", "/v1/ping", "/latest//ping/"])
def test_it_is_there(lab: Lab, path: str) -> None:
    answer = lab.ask("", "GET", path)
    assert (answer.status_code, answer.json()["server"]) == (200, "voxlake")


@pytest.mark.parametrize("version", ["v0.1", "v0.8"])
def test_what_bossdb_gave_up_is_refused(lab: Lab, version: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert lab.code("", method, f"/{version}/collection/") == (400, 9003)
