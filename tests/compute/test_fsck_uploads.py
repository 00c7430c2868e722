"""fsck finds uploads in parts that nobody ended, and its repair sweeps them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tests.ngff.datasets import Sample, create, fill
from tests.platform.store.test_multipart import NOW, begin
from tests.servers.s3_proxy import Fault, s3_proxy

from voxlake.compute.fsck.finding import Check, Finding, FsckResult
from voxlake.compute.fsck.mending import SweepTask
from voxlake.compute.fsck.objects import ObjectsTask
from voxlake.ngff.storage import leftovers
from voxlake.platform.store.s3.multipart import abandoned_uploads

if TYPE_CHECKING:
    import pytest

    from voxlake.platform.store import StoreURL


def found(url: StoreURL) -> list[Finding]:
    result = ObjectsTask(url, None, None)()
    assert isinstance(result, FsckResult)
    return list(result.findings)


def test_they_are_found_and_swept(s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        leftovers, "abandoned_uploads", partial(abandoned_uploads, older_than_s=NOW)
    )
    dataset = create(s3_store, Sample())
    fill(dataset, Sample())
    assert found(dataset.url) == []
    shard = dataset.level_url(0) / "c/0/0/0"
    begin(shard, b"half of it")
    [finding] = found(dataset.url)
    assert (finding.check, finding.where) == (Check.LEFTOVER, str(shard))
    SweepTask(dataset.url, None)()
    SweepTask(dataset.url, None)()
    assert found(dataset.url) == []


def test_a_store_that_does_not_tell_of_them_is_said_to_be_one(s3_store: StoreURL) -> None:
    dataset = create(s3_store, Sample())
    with s3_proxy(str(s3_store.endpoint)) as proxy:
        proxy.choose = lambda asked: Fault.UNKNOWN if "uploads" in asked.target else None
        [finding] = found(replace(dataset.url, endpoint=proxy.endpoint))
    assert finding.check is Check.ADVICE
    assert "NotImplemented" in finding.text
