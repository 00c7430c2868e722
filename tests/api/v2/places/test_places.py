"""Collections, experiments, frames, metadata and search over HTTP: who may, and what it does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.api.asgi import Answer, InProcess
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, add_sample, image_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.lake import discover
from voxlake.platform import store
from voxlake.platform.access import Grant, Permission, Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.catalog.identity.people import own_group
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.catalog.rights.grants import put_grant
from voxlake.platform.database import now
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.tree import ROOT
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME = {"start": [0, -5, 0], "stop": [10, 20, 9], "voxel_size": [40, 8, 8]}
BRAIN = "/v2/collections/lab/experiments/brain"


@dataclass
class Lab:
    """A gateway and its people."""

    server: InProcess
    lake: StoreURL
    catalog: Catalog
    secrets: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str, method: str, target: str, body: Any = None) -> Answer:
        """Ask with the credential of a name; of `nobody` without."""
        headers = {} if who == "nobody" else {"authorization": f"Bearer {self.secrets[who]}"}
        return self.server.ask(method, target, headers, body)

    def done(self, who: str, method: str, target: str, body: Any = None) -> Any:
        """Return what is answered to somebody who may."""
        answer = self.ask(who, method, target, body)
        assert answer.status in {200, 202, 204}, answer.body
        return json.loads(answer.body) if answer.body else None

    def names(self, who: str, target: str) -> list[str]:
        """Return the names of places that are answered."""
        return [each["name"] for each in self.done(who, "GET", target)["places"]]

    def refusals(self, method: str, target: str, body: Any = None) -> list[int]:
        """Return how nobody, a stranger, a viewer and an editor are answered."""
        asked = (self.ask(who, method, target, body) for who in ("nobody", "cy", "vic", "eve"))
        return [answer.status for answer in asked]


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Vic views all of lab, Eve edits it, Ada owns it; Max may add to the lake; Cy has nothing."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("places") / "lake"))
    with open_catalog(lake, Settings()) as catalog:
        for name in ("lab/brain/em", "lab/heart/em", "zoo/fish/em"):
            public = name.startswith("zoo")
            add_sample(
                lake, catalog, Sample(name, image_voxels((4, 4, 4)), levels=1, public=public)
            )
        app = create_app(Settings(), lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with InProcess(app) as server:
            there = Lab(server, lake, catalog, {"owner": TOKEN})
            for user in ("vic", "eve", "ada", "max", "cy"):
                catalog.people.add_user(user)
                _, there.secrets[user] = catalog.tokens.make(user, user)
            for user, role in (("vic", "viewer"), ("eve", "editor"), ("ada", "owner")):
                catalog.shares.share(["lab"], user, Role(role))
            with catalog.database.write() as connection:
                group = own_group(connection, "max")
                assert group is not None
                adding = frozenset({Permission.ADD, Permission.READ})
                put_grant(connection, Grant(group, ROOT, adding, inherits=False))
            yield there


def test_collections_are_made_by_who_may_add_to_the_lake(lab: Lab) -> None:
    new = {"name": "flyem", "description": "Flies"}
    assert lab.refusals("POST", "/v2/collections", new) == [401, 404, 404, 404]
    made = lab.done("max", "POST", "/v2/collections", new)
    assert (made["name"], made["kind"], made["created_by"]) == ("flyem", "collection", "max")
    assert lab.ask("max", "POST", "/v2/collections", new).status == 409
    assert lab.names("max", "/v2/collections") == ["flyem"]
    assert lab.names("vic", "/v2/collections") == ["lab"]
    assert lab.names("owner", "/v2/collections") == ["flyem", "lab", "zoo"]
    assert lab.names("nobody", "/v2/collections") == []
    inner = {"name": "medulla"}
    lab.done("max", "POST", "/v2/collections/flyem/experiments", inner)
    assert lab.names("max", "/v2/collections/flyem/experiments") == ["flyem/medulla"]
    changed = lab.done("max", "PATCH", "/v2/collections/flyem", {"name": "fly2"})
    assert (changed["name"], changed["description"]) == ("fly2", "Flies")
    assert lab.ask("max", "DELETE", "/v2/collections/fly2").status == 409
    lab.done("max", "DELETE", "/v2/collections/fly2?recursive=true")
    assert lab.ask("max", "GET", "/v2/collections/fly2").status == 404
    entry = lab.catalog.audit.list_entries(limit=1)[0]
    assert (entry.by, entry.action, entry.subject) == ("max", "remove collection", "fly2")


def test_who_may_do_what_to_an_experiment(lab: Lab) -> None:
    assert lab.refusals("GET", BRAIN) == [401, 404, 200, 200]
    assert lab.refusals("PATCH", BRAIN, {"description": "x"}) == [401, 404, 403, 200]
    assert lab.refusals("DELETE", BRAIN) == [401, 404, 403, 403]
    new = {"name": "new"}
    assert lab.refusals("POST", "/v2/collections/lab/experiments", new) == [401, 404, 403, 200]
    absent = "/v2/collections/lab/experiments/none"
    for method in ("GET", "DELETE"):
        assert lab.refusals(method, absent) == [401, 404, 404, 404]
    assert lab.done("vic", "GET", BRAIN)["description"] == "x"
    assert lab.ask("ada", "DELETE", BRAIN).status == 409
    lab.done("ada", "DELETE", "/v2/collections/lab/experiments/new")


def test_a_rename_is_one_row_and_is_told_to_the_store(lab: Lab) -> None:
    lab.done("eve", "PATCH", BRAIN, {"name": "cortex", "description": "c"})
    lab.done("eve", "PATCH", "/v2/collections/lab", {"name": "lab2"})
    for status, name in ((404, "lab/brain"), (200, "lab2/cortex")):
        assert lab.ask("vic", "GET", f"/v2/datasets/{name}/em").status == status
    renamed = lab.done("eve", "PATCH", "/v2/datasets/lab2/cortex/em", {"name": "raw"})
    assert renamed["name"] == "lab2/cortex/raw"
    assert lab.refusals("PATCH", "/v2/datasets/lab2/cortex/raw", {}) == [401, 404, 403, 200]
    stored = {str(place.name) for place in discover(lab.lake)}
    assert stored == {"lab2/cortex/raw", "lab2/heart/em", "zoo/fish/em"}
    taken = lab.ask("eve", "PATCH", "/v2/collections/lab2/experiments/heart", {"name": "cortex"})
    assert taken.status == 409


def test_lists_come_in_pages(lab: Lab) -> None:
    for name in ("a", "b", "c"):
        lab.done("ada", "POST", "/v2/collections/lab/experiments", {"name": name})
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = lab.done("vic", "GET", f"/v2/collections/lab/experiments?limit=2&after={after}")
        seen += [each["name"] for each in page["places"]]
        assert len(page["places"]) <= 2
        after = page["next"]
    assert seen == ["lab/a", "lab/b", "lab/brain", "lab/c", "lab/heart"]
    page = lab.done("owner", "GET", "/v2/datasets?limit=2")
    assert [each["name"] for each in page["datasets"]] == ["lab/brain/em", "lab/heart/em"]
    last = lab.done("owner", "GET", f"/v2/datasets?limit=2&after={page['next']}")
    assert [each["name"] for each in last["datasets"]] == ["zoo/fish/em"]
    assert last["next"] is None
    assert lab.done("owner", "GET", "/v2/datasets?limit=3")["next"] is None
    for wrong in ("limit=0", "limit=1001", "after=a/b/c/d", "after=.."):
        assert lab.ask("owner", "GET", f"/v2/datasets?{wrong}").status == 400


def test_frames_are_for_everybody_to_see(lab: Lab) -> None:
    new = {"name": "hemibrain", **FRAME}
    assert lab.refusals("POST", "/v2/frames", new) == [401, 404, 404, 404]
    made = lab.done("max", "POST", "/v2/frames", new)
    assert made == {**new, "unit": "nanometer", "description": ""}
    assert lab.done("nobody", "GET", "/v2/frames")["frames"] == [made]
    assert lab.done("nobody", "GET", "/v2/frames/hemibrain") == made
    assert lab.ask("nobody", "GET", "/v2/frames/none").status == 404
    change = {"description": "x"}
    assert lab.refusals("PATCH", "/v2/frames/hemibrain", change) == [401, 403, 403, 403]
    assert lab.done("max", "PATCH", "/v2/frames/hemibrain", change)["description"] == "x"
    lab.done("eve", "PATCH", BRAIN, {"frame": "hemibrain"})
    assert lab.done("vic", "GET", BRAIN)["frame"] == "hemibrain"
    assert lab.ask("eve", "PATCH", BRAIN, {"frame": "none", "name": "x"}).status == 404
    assert lab.ask("max", "DELETE", "/v2/frames/hemibrain").status == 409
    lab.done("owner", "POST", "/v2/frames", {**new, "name": "other"})
    assert lab.ask("max", "DELETE", "/v2/frames/other").status == 403
    lab.done("owner", "DELETE", "/v2/frames/other")
    for wrong in ({"unit": "parsec"}, {"stop": [0, 0, 0]}, {"voxel_size": [1, 1, 0]}, {"more": 1}):
        assert lab.ask("max", "POST", "/v2/frames", new | wrong).status == 400


def test_values_by_key(lab: Lab) -> None:
    at = "/v2/metadata/value?place=lab/brain/em&key=a%2Fb%20%26"
    assert lab.refusals("PUT", at, {"value": "1"}) == [401, 404, 403, 200]
    assert lab.refusals("GET", at) == [401, 404, 200, 200]
    assert lab.done("vic", "GET", at) == {"key": "a/b &", "value": "1"}
    assert lab.done("vic", "GET", "/v2/metadata?place=lab/brain/em") == {"keys": ["a/b &"]}
    assert lab.refusals("DELETE", at) == [401, 404, 403, 204]
    assert lab.ask("vic", "GET", at).status == 404
    assert lab.ask("eve", "PUT", "/v2/metadata/value?place=lab&key=", {"value": "1"}).status == 400
    assert lab.ask("eve", "PUT", at, {"value": "x" * 65_537}).status == 400


def test_where_a_dataset_came_from(lab: Lab) -> None:
    at = "/v2/datasets/lab/brain/em/provenance"
    said = {"sources": ["zoo/fish/em"], "related": ["lab/heart/em"]}
    assert lab.refusals("PUT", at, said) == [401, 404, 403, 200]
    assert lab.refusals("GET", at) == [401, 404, 200, 200]
    assert lab.done("vic", "GET", at) == {**said, "job": None, "read_from": None}
    lab.catalog.shares.unshare(["lab"], "vic")
    lab.catalog.shares.share(["lab", "brain"], "vic", Role.VIEWER)
    assert lab.done("vic", "GET", at)["related"] == []
    for wrong, status in (("no/such/one", 404), ("lab/brain/em", 400), ("x", 400)):
        assert lab.ask("eve", "PUT", at, {"sources": [wrong]}).status == status
    job = lab.catalog.ledger.create_job(
        "ingest", DatasetName.parse("lab/brain/em"), {"source": "/home/ada/secret.tif"}
    )
    lab.catalog.ledger.set_state(lab.catalog.ledger.claim(job.id), JobState.DONE)
    told = lab.done("owner", "GET", at)
    assert (told["job"], told["read_from"]) == (job.id, None)


def test_a_dataset_is_hidden_at_once_and_deleted_by_a_worker(lab: Lab) -> None:
    at = "/v2/datasets/lab/brain/em"
    assert lab.refusals("DELETE", at) == [401, 404, 403, 403]
    begun = lab.done("ada", "DELETE", at)
    assert (begun["removing"], begun["labels"]) == ("lab/brain/em", [])
    [job] = lab.catalog.ledger.list_jobs()
    assert (job.id, job.kind, str(job.dataset)) == (begun["job"], "remove", "lab/brain/em")
    assert lab.names("ada", "/v2/search?q=em") == ["lab/heart/em", "zoo/fish/em"]
    assert lab.ask("ada", "GET", at).status == 404
    assert lab.ask("ada", "DELETE", BRAIN).status == 204
    inside = lab.lake / "lab/heart/em.ome.zarr/labels/strange/zarr.json"
    store.write(inside, b"{}")
    assert lab.ask("ada", "DELETE", "/v2/datasets/lab/heart/em").status == 409
    lab.done("ada", "DELETE", "/v2/datasets/lab/heart/em?with_labels=true")


def test_what_was_deleted_comes_back(lab: Lab) -> None:
    at, began = "/v2/datasets/lab/heart/em", now()
    begun = lab.done("ada", "DELETE", at)
    assert datetime.fromisoformat(begun["purge_at"]) - began >= timedelta(days=7)
    assert lab.done("vic", "GET", "/v2/deleted") == {"deleted": [], "next": None}
    lab.done("owner", "DELETE", "/v2/datasets/zoo/fish/em")
    assert [each["name"] for each in lab.done("ada", "GET", "/v2/deleted")["deleted"]] == [
        "lab/heart/em"
    ]
    page = lab.done("owner", "GET", "/v2/deleted?limit=1")
    assert ([each["name"] for each in page["deleted"]], page["next"]) == (
        ["zoo/fish/em"],
        page["deleted"][0]["id"],
    )
    [place] = lab.done("owner", "GET", f"/v2/deleted?after={page['next']}")["deleted"]
    assert (place["id"], place["kind"], place["job"]) == (begun["id"], "image", begun["job"])
    back = f"/v2/deleted/{place['id']}/restore"
    assert lab.refusals("POST", back, {}) == [401, 404, 404, 404]
    refused = lab.ask("ada", "POST", f"/v2/jobs/{place['job']}/cancel")
    assert (refused.status, "/v2/deleted" in str(refused.body)) == (409, True)
    for wrong, status in (({"name": "lab"}, 400), ({"name": "../x/y"}, 400), ({"x": 1}, 400)):
        assert lab.ask("ada", "POST", back, wrong).status == status
    assert lab.ask("ada", "POST", back, {"name": "lab/brain/em"}).status == 409
    told = lab.done("ada", "POST", back, {"name": "lab/brain/heart"})
    assert told == {"restored": "lab/brain/heart", "before": "lab/heart/em", "with_it": []}
    assert lab.ask("ada", "POST", back, {}).status == 404
    assert lab.ask("vic", "GET", "/zarr/lab/brain/heart/zarr.json").status == 200
    found = {place.name for place in discover(lab.lake)}
    assert DatasetName("lab", "brain", "heart") in found


def test_what_was_deleted_is_purged_when_that_is_asked(lab: Lab) -> None:
    begun = lab.done("ada", "DELETE", "/v2/datasets/lab/brain/em")
    lab.done("ada", "DELETE", BRAIN)
    assert lab.catalog.ledger.claim_oldest() is None
    brain, em = lab.done("ada", "GET", "/v2/deleted")["deleted"]
    assert lab.refusals("POST", f"/v2/deleted/{em['id']}/purge") == [401, 404, 404, 404]
    for place in (em, brain):
        assert lab.done("ada", "POST", f"/v2/deleted/{place['id']}/purge")["id"] == place["id"]
    claim = lab.catalog.ledger.claim_oldest()
    assert claim is not None
    assert claim.job == begun["job"]
    assert lab.ask("ada", "POST", f"/v2/deleted/{em['id']}/restore", {}).status == 409
    assert lab.ask("ada", "POST", f"/v2/deleted/{brain['id']}/restore", {}).status == 404


def test_a_search_finds_what_one_may_read(lab: Lab) -> None:
    lab.catalog.metadata.describe(("zoo", "fish"), "A private EM of a fish")
    found = {who: lab.names(who, "/v2/search?q=em") for who in ("nobody", "cy", "vic", "owner")}
    assert found["nobody"] == found["cy"] == ["zoo/fish/em"]
    assert found["vic"] == ["lab/brain/em", "lab/heart/em", "zoo/fish/em"]
    assert found["owner"] == ["lab/brain/em", "lab/heart/em", "zoo/fish", "zoo/fish/em"]
    page = lab.done("vic", "GET", "/v2/search?q=em&limit=2&count=true")
    assert (page["next"], page["count"]) == ("lab/heart/em", 3)
    last = lab.done("vic", "GET", f"/v2/search?q=em&limit=2&after={page['next']}")
    assert [each["name"] for each in last["places"]] == ["zoo/fish/em"]
    assert (last["next"], last["count"]) == (None, None)
    for wrong in ("q=", "q=--", "", "q=em&after=../x"):
        assert lab.ask("vic", "GET", f"/v2/search?{wrong}").status == 400


def test_a_token_of_less_may_do_less(lab: Lab) -> None:
    node = lab.catalog.collections.get(("lab", "heart")).node
    for name, terms in (
        ("reading", TokenTerms(Role.VIEWER.permissions)),
        ("heart", TokenTerms(node=node)),
    ):
        _, lab.secrets[name] = lab.catalog.tokens.make("ada", name, terms)
    assert lab.ask("reading", "GET", BRAIN).status == 200
    assert lab.ask("reading", "PATCH", BRAIN, {"description": "x"}).status == 403
    assert lab.ask("heart", "GET", BRAIN).status == 404
    assert lab.names("heart", "/v2/collections") == []
    assert lab.names("heart", "/v2/search?q=em") == ["lab/heart/em"]
