"""The store self-test: against real stores, dead ones, and one that breaks its promises."""

from __future__ import annotations

import time
from asyncio import sleep
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.conftest import forget_stores
from tests.servers.faulty import closed_port, ignoring_conditions, losing_answers, silent_server
from tests.servers.s3_proxy import Fault, s3_proxy

from voxlake.platform import store
from voxlake.platform.errors import StoreReadOnlyError, StoreUnavailableError, StoreUnfitError
from voxlake.platform.store import ObjectInfo, selftest
from voxlake.platform.store.adapters import is_in_tensorstore
from voxlake.platform.store.s3.multipart import s3_client
from voxlake.platform.store.selftest import (
    Capability,
    StoreReport,
    check_store,
    require_multi_writer,
)
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CAPABILITIES = ["create-if-absent", "conditional-create", "conditional-write", "ranges", "listing"]
REMOTE = ["etag-write", "conditional-read", "one-etag"]
OFFERS = ["parts", "parts-condition", "parts-listing", "conditional-delete", "deletes"]


def test_a_good_store_passes_and_nothing_stays(any_store: StoreURL) -> None:
    report = check_store(any_store)
    assert report.failed == ()
    assert report.lacking == ()
    offers = OFFERS if any_store.scheme == "s3" else []
    more = ["locks"] if any_store.is_local else [*REMOTE, *offers]
    tried = CAPABILITIES if is_in_tensorstore(any_store) else [CAPABILITIES[0], *CAPABILITIES[3:]]
    assert [one.name for one in report.capabilities] == [*tried, *more]
    assert [one.name for one in report.capabilities if not one.needed] == more[3:]
    require_multi_writer(report)
    assert list(store.walk(any_store)) == []
    if any_store.is_local:
        assert list(any_store.path.iterdir()) == []


@pytest.mark.parametrize("says", [None, 503])
def test_a_good_store_passes_though_answers_are_lost(s3_store: StoreURL, says: int | None) -> None:
    with losing_answers(str(s3_store.endpoint), says) as endpoint:
        report = check_store(replace(s3_store, endpoint=endpoint))
    assert report.failed == ()


def test_what_lies_beside_the_test_stays(lake: StoreURL) -> None:
    store.write(lake / ".voxlake" / "catalog.sqlite", b"people")
    check_store(lake)
    assert [info.url for info in store.walk(lake)] == [lake / ".voxlake" / "catalog.sqlite"]


def test_a_store_that_ignores_conditions_is_refused_by_name_and_reason(
    s3_store: StoreURL,
) -> None:
    with ignoring_conditions(str(s3_store.endpoint)) as endpoint:
        url = StoreURL("s3", s3_store.root, s3_store.key, endpoint, s3_store.region)
        report = check_store(url)
    assert {one.name for one in report.failed} == {
        "create-if-absent",
        "conditional-create",
        "conditional-write",
        "etag-write",
        "conditional-read",
        "ranges",
    }
    assert {one.name for one in report.lacking} == {"parts-condition", "conditional-delete"}
    with pytest.raises(StoreUnfitError, match="create-if-absent") as caught:
        require_multi_writer(report)
    assert endpoint.rpartition(":")[2] in str(caught.value)
    assert "stale ETag" in str(caught.value)


def test_what_a_store_lacks_that_is_not_needed_is_said(s3_store: StoreURL) -> None:
    with s3_proxy(str(s3_store.endpoint)) as proxy:
        proxy.choose = lambda asked: Fault.UNKNOWN if "uploads" in asked.target else None
        report = check_store(replace(s3_store, endpoint=proxy.endpoint))
    assert report.failed == ()
    said = {one.name: one.text for one in report.lacking}
    assert said.keys() == {"parts", "parts-condition", "parts-listing"}
    assert "1 GiB" in said["parts"]
    require_multi_writer(report)


def test_a_bucket_that_keeps_old_versions_is_said(s3_store: StoreURL) -> None:
    bucket = f"versions-{s3_store.key[:16]}"
    url = replace(s3_store, root=bucket, key="")
    client = s3_client(url)
    client.create_bucket(Bucket=bucket)
    assert check_store(url).lacking == ()
    versioned = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}}
    client.put_bucket_versioning(**versioned)
    report = check_store(url)
    assert (report.failed, [one.name for one in report.lacking]) == ((), ["deletes"])
    assert "NoncurrentVersionExpiration" in report.lacking[0].text
    require_multi_writer(report)


WRONG: dict[str, tuple[str, Callable[..., object]]] = {
    "listing": ("list_children", lambda _: ([], ["0"])),
    "one-etag": ("head", lambda url: ObjectInfo(url, 256, "another")),
    "conditional-read": ("ask_parts", lambda *_: sleep(0)),
}
"""What of a store is wrong, that a capability is to find."""


@pytest.mark.parametrize("name", WRONG)
def test_a_store_that_is_wrong_in_one_thing(
    name: str, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, wrong = WRONG[name]
    monkeypatch.setattr(selftest, part, wrong)
    assert [one.name for one in check_store(s3_store).failed] == [name]


def test_one_failure_is_enough_to_refuse() -> None:
    report = StoreReport("s3://x", (Capability("ranges", ok=False, text="wrong bytes"),))
    with pytest.raises(StoreUnfitError, match="ranges: wrong bytes"):
        require_multi_writer(report)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_CONDITIONAL_PUT", "disabled"),
        ("AWS_SKIP_SIGNATURE", "true"),
        ("AWS_S3_EXPRESS", "true"),
    ],
)
def test_what_other_programs_are_told_of_s3_is_not_for_us(
    name: str, value: str, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    forget_stores()
    assert [each.name for each in check_store(s3_store).failed] == []


def test_a_closed_port_fails_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    url = StoreURL("s3", "bucket", "lake", closed_port(), "us-east-1")
    begin = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="endpoint"):
        check_store(url)
    assert time.monotonic() - begin < 30


def test_a_server_that_never_answers_costs_two_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_S3_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("VOXLAKE_STORE_STALL_TIMEOUT_S", "1")
    with silent_server() as endpoint:
        begin = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            check_store(StoreURL("s3", "bucket", "lake", endpoint, "us-east-1"))
        took = time.monotonic() - begin
    # Two of the default, which is 10 s a stall, take longer.
    assert 1 <= took < 20


def test_a_read_only_folder_is_said_to_be_one(read_only_folder: Path) -> None:
    with pytest.raises(StoreReadOnlyError, match="permissions"):
        check_store(StoreURL.parse(str(read_only_folder)))
