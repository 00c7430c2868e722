"""Usage is counted by two gateways at once, and who had all there is for a month is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.api.asgi import Answer, InProcess
from tests.api.lakes import Sample, add_sample, image_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.access import Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

CUTOUT = "/v1/cutout/lab/brain/em/0/0:8/0:8/0:4/"
META = "/v1/collection/lab/experiment/brain/channel/em"


@dataclass
class Gateways:
    """Two gateways of one lake."""

    asked: tuple[InProcess, InProcess]
    apps: tuple[Any, Any]
    catalog: Catalog
    secrets: dict[str, str]

    def ask(self, who: str, target: str, at: int = 0, body: Any = None) -> Answer:
        headers = {"authorization": f"Token {self.secrets[who]}"}
        return self.asked[at].ask("GET" if body is None else "PUT", target, headers, body)

    def settle(self) -> None:
        """Have all written that was counted, and what is remembered looked up again."""
        for app in self.apps:
            usage = app.state.gateway.usage
            usage.write()
            usage._limits.forget("")
            usage._totals = type(usage._totals)(0.0)
            usage._room = type(usage._room)(0.0)


@pytest.fixture
def gateways(tmp_path: Any) -> Iterator[Gateways]:
    lake = StoreURL.parse(str(tmp_path / "lake"))
    settings = Settings(failed_logins_per_minute=0)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", image_voxels((4, 8, 8)), levels=1))
        secrets = {}
        for name in ("root", "ada", "bob"):
            catalog.people.add_user(name, administrator=name == "root")
            catalog.shares.share(["lab"], name, Role.VIEWER)
            secrets[name] = catalog.tokens.make(name, "x")[1]
        local = LocalIdentity("token", "voxlake-session-test")
        apps = tuple(create_app(settings, lake, catalog, local) for _ in range(2))
        with InProcess(apps[0]) as one, InProcess(apps[1]) as other:
            yield Gateways((one, other), (apps[0], apps[1]), catalog, secrets)


def test_what_is_used_is_counted(gateways: Gateways) -> None:
    sent = [len(gateways.ask("ada", CUTOUT, at).body) for at in (0, 1, 0)]
    gateways.ask("bob", CUTOUT)
    gateways.settle()
    listed = gateways.ask("ada", "/v2/usage").json()
    assert listed["month"] == f"{datetime.now(UTC):%Y-%m}"
    [mine] = listed["used"]
    assert (mine["account"], mine["dataset"]) == ("ada", "lab/brain/em")
    assert (mine["requests"], mine["egress"]) == (3, sum(sent))
    all_of = gateways.ask("root", "/v2/usage").json()["used"]
    assert {each["account"] for each in all_of} == {"ada", "bob"}
    by_boss = {
        (each["metric"], each["mtype"]): each["value"]
        for each in gateways.ask("root", "/metric/usage").json()
    }
    assert by_boss["user:ada", "egress"] == sum(sent)
    assert by_boss["system", "egress"] == by_boss["api:cutout", "egress"] == sum(sent) // 3 * 4
    own = gateways.ask("ada", "/v1/metric/usage").json()
    assert {each["metric"] for each in own} == {"user:ada"}
    assert gateways.ask("ada", "/v1/metric/usage?metric=user:bob").status == 403
    assert gateways.ask("ada", "/v1/metric/thresholds").status == 403


def test_who_had_all_is_refused_until_the_next_month(gateways: Gateways) -> None:
    limits: list[dict[str, Any]] = [{"metric": "user:ada", "mtype": "egress", "limit": "1K"}]
    assert gateways.ask("root", "/v1/metric/thresholds", body=limits).status == 201
    told = gateways.ask("root", "/v1/metric/thresholds").json()
    assert told == [{"metric": "user:ada", "mtype": "egress", "units": "byte_count", "limit": 1024}]
    gateways.settle()
    had = 0
    while had < 1024:
        answer = gateways.ask("ada", "/v2/datasets/lab/brain/em/cutout?format=raw")
        assert answer.status == 200
        had += len(answer.body)
    gateways.settle()
    # By the other gateway, too.
    for at in (0, 1):
        refused = gateways.ask("ada", CUTOUT, at)
        assert refused.status == 429
        assert "User ada is throttled. Expected available" in refused.json()["message"]
        assert 0 < int(refused.headers["retry-after"]) <= 32 * 24 * 3600
    assert gateways.ask("ada", META).status == 200
    assert gateways.ask("bob", CUTOUT).status == 200
    # A kind of request, and all who have no limit of their own.
    for body, what in (
        ([{"metric": "api:cutout", "mtype": "egress", "limit": 1}], "thresholds"),
        ([{"mtype": "egress", "def_user_limit": 1}], "metrics"),
    ):
        assert gateways.ask("root", f"/v1/metric/{what}", body=body).status == 201
        gateways.settle()
        assert gateways.ask("bob", CUTOUT).status == 429
        limits = [{"metric": "api:cutout", "mtype": "egress", "limit": -1}]
        assert gateways.ask("root", "/v1/metric/thresholds", body=limits).status == 201
    metrics = {each["mtype"]: each for each in gateways.ask("root", "/metric/metrics/").json()}
    assert metrics["egress"]["def_user_limit"] == 1
    assert metrics["compute"]["def_user_limit"] == -1


def test_of_a_place_no_more_is_had_than_there_is(gateways: Gateways) -> None:
    gateways.ask("ada", CUTOUT)
    limit = {"subject": "place:lab/brain", "metric": "egress", "limit": 1}
    listed = gateways.ask("root", "/v2/usage/limits", body=limit).json()["limits"]
    assert listed == [limit]
    gateways.settle()
    for who in ("ada", "bob"):
        refused = gateways.ask(who, CUTOUT)
        assert refused.status == 429
        assert "Place lab/brain is throttled. Expected available" in refused.json()["message"]
        assert int(refused.headers["retry-after"]) > 0
    assert gateways.ask("root", "/metric/usage").status == 200
    gateways.ask("root", "/v2/usage/limits", body=limit | {"limit": None})
    gateways.settle()
    assert gateways.ask("ada", CUTOUT).status == 200


def test_where_all_is_stored_that_may_be_nothing_is_written(gateways: Gateways) -> None:
    catalog = gateways.catalog
    catalog.shares.share(["lab"], "ada", Role.EDITOR)
    record = catalog.list_datasets()[0]
    catalog.stored.put(record.node, 1, 1000)
    listed = gateways.ask("root", "/v2/usage/stored").json()["stored"]
    assert [(each["dataset"], each["bytes"]) for each in listed] == [("lab/brain/em", 1000)]
    limit = {"subject": "place:lab", "metric": "stored", "limit": 1000}
    assert gateways.ask("root", "/v2/usage/limits", body=limit).status == 200
    gateways.settle()
    target = "/v2/datasets/lab/brain/em/cutout?format=raw"
    refused = gateways.ask("ada", target, body="x")
    assert refused.status == 507
    assert refused.json()["type"].endswith("storage-quota")
    assert "lab holds 1000 bytes, and may hold 1000" in refused.json()["detail"]
    assert gateways.ask("ada", target).status == 200
    catalog.stored.put(record.node, 1, 999)
    gateways.settle()
    assert gateways.ask("ada", target, body="x").status != 507


@pytest.mark.parametrize("limit", ["10X", "lots", -2])
def test_what_is_no_limit_is_refused(gateways: Gateways, limit: object) -> None:
    body = [{"metric": "user:ada", "mtype": "egress", "limit": limit}]
    assert gateways.ask("root", "/v1/metric/thresholds", body=body).json()["code"] == 1003
    assert gateways.catalog.usage.limits() == {}
