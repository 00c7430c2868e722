"""fsck: everything that is put wrong is found and named, and mended where it can be."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.datasets import Sample, create, fill
from tests.ngff.labels.writing import write_labels

from voxlake.compute.fsck.finding import Check, Finding, findings_of
from voxlake.compute.fsck.plans import FsckTarget, plan_fsck
from voxlake.compute.fsck.repair import plan_repair
from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.ingest import SourceAddress
from voxlake.compute.sources import open_source
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import seal_dataset
from voxlake.ngff.shards.format import shard_format
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.compute.plan import Plan, Result
    from voxlake.platform.jobs.record import JSON
    from voxlake.platform.store import Stored, StoreURL

SAMPLE = Sample(shape=(20, 24, 600))
"""Two shards at level 0, one at each of those above."""

LABELS = Sample(Kind.LABELS, shape=SAMPLE.shape, dtype="uint64", name="seg", of="em")


@dataclass(frozen=True)
class Lake:
    """An image with indexed labels, and what was written."""

    image: Dataset
    labels: Dataset
    index: StoreURL
    source: Path

    def look(self, dataset: Dataset | None = None, *, quick: bool = False) -> list[Finding]:
        """Return the faults of a dataset, by default of the image."""
        opened_volume.cache_clear()
        found = findings_of(results(plan_fsck(self.what(dataset, quick=quick))))
        return [finding for finding in found if finding.is_fault]

    def what(self, dataset: Dataset | None = None, *, quick: bool = False) -> FsckTarget:
        if dataset is self.labels:
            return FsckTarget(self.labels.url, self.index, self.image.url, quick)
        return FsckTarget(self.image.url, quick=quick)

    def mend(self, findings: list[Finding], dataset: Dataset | None = None, **source: str) -> None:
        address = None
        if source:
            address = SourceAddress(source["source"], open_source(source["source"]).fingerprint)
        run(plan_repair(self.what(dataset), findings, address))


def run(plans: list[Plan]) -> list[Result]:
    return [plan.task(index)() for plan in plans for index in range(len(plan))]


def results(plans: list[Plan]) -> list[dict[str, JSON]]:
    """Return what the tasks found, as the ledger keeps it."""
    return [json.loads(json.dumps(result.encode())) for result in run(plans)]


def checks(findings: list[Finding]) -> list[tuple[Check, int | None]]:
    return sorted((finding.check, finding.level) for finding in findings)


@pytest.fixture
def place(lake: StoreURL, tmp_path: Path) -> Lake:
    image, labels = create(lake, SAMPLE), create(lake, LABELS)
    levels = fill(image, SAMPLE)
    fill(labels, LABELS)
    index = lake / Place(DatasetName("lab", "brain", "seg"), Kind.LABELS, "em").index_key
    volume = labels.level(0)
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, index)
    source = tmp_path / "em.npy"
    np.save(source, levels[0])
    return Lake(image, labels, index, source)


def flip(url: StoreURL, share: float = 0.6) -> None:
    body = bytearray(store.read(url).body)
    body[int(len(body) * share)] ^= 8
    store.write(url, bytes(body))


def cut(url: StoreURL) -> None:
    store.write(url, store.read(url).body[:-7])


def empty(url: StoreURL) -> None:
    store.write(url, b"")


def everything(dataset: Dataset) -> dict[str, bytes]:
    return {str(info.url): store.read(info.url).body for info in store.walk(dataset.url)}


def test_a_sound_dataset_is_sound(place: Lake) -> None:
    for dataset in (place.image, place.labels):
        for quick in (True, False):
            assert place.look(dataset, quick=quick) == []


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("damage", [flip, cut, empty])
def test_a_damaged_shard_is_found_and_mended_to_the_same_bytes(
    place: Lake, level: int, damage: Callable[[StoreURL], None]
) -> None:
    before = everything(place.image)
    damage(place.image.level(level).shard_url((0, 0, 0)))
    [finding] = place.look(quick=True)
    assert (finding.check, finding.level, finding.cell) == (Check.DAMAGED_SHARD, level, (0, 0, 0))
    assert finding.box is not None
    place.mend([finding], source=str(place.source))
    assert place.look() == []
    assert everything(place.image) == before


@pytest.mark.folder
@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_in_the_place_of_a_shard_is_found(place: Lake, level: int) -> None:
    path = place.image.level(level).shard_url((0, 0, 0)).path
    path.unlink()
    path.mkdir()
    found = [each for each in place.look(quick=True) if each.level == level]
    [finding] = found
    assert (finding.check, finding.cell) == (Check.DAMAGED_SHARD, (0, 0, 0))
    assert "is a folder" in finding.text


def test_the_box_that_is_lost_is_that_of_the_damaged_chunk(place: Lake) -> None:
    flip(place.image.level(0).shard_url((0, 0, 0)), 0.999)
    [finding] = place.look(quick=True)
    assert finding.box is not None
    assert finding.box.shape == (20, 24, 64)  # the last chunk, clipped to the volume
    assert "1 of 8 chunks" in finding.text


def test_without_a_source_level_0_is_lost_and_nothing_over_it_is_touched(place: Lake) -> None:
    """Level 1 is the last trace of it, even where it is stale."""
    flip(place.image.level(0).shard_url((0, 0, 1)))
    damaged = everything(place.image)
    findings = place.look()
    assert checks(findings) == [(Check.DAMAGED_SHARD, 0)]
    place.mend(findings)
    assert everything(place.image) == damaged
    flip(place.image.level(1).shard_url((0, 0, 0)))
    damaged = everything(place.image)
    findings = place.look()
    assert checks(findings) == [(Check.DAMAGED_SHARD, 0), (Check.DAMAGED_SHARD, 1)]
    place.mend(findings)
    assert everything(place.image) == damaged


def test_a_lost_shard_of_level_0_is_told_by_what_lies_over_it(place: Lake) -> None:
    before = everything(place.image)
    store.delete(place.image.level(0).shard_url((0, 0, 1)))
    without = everything(place.image)
    findings = place.look()
    assert checks(findings) == [(Check.MISSING_SHARD, 0)]
    place.mend(findings)
    assert everything(place.image) == without
    place.mend(findings, source=str(place.source))
    assert place.look() == []
    assert everything(place.image) == before


def test_missing_levels_are_mended_from_below_upwards(place: Lake) -> None:
    before = everything(place.image)
    for level in (1, 2):
        store.delete(place.image.level(level).shard_url((0, 0, 0)))
    findings = place.look(quick=True)
    assert (Check.MISSING_SHARD, 1) in checks(findings)
    place.mend(findings)
    assert place.look() == []
    assert everything(place.image) == before


def test_a_damaged_level_1_comes_before_a_missing_level_2(place: Lake) -> None:
    before = everything(place.image)
    flip(place.image.level(1).shard_url((0, 0, 0)))
    store.delete(place.image.level(2).shard_url((0, 0, 0)))
    place.mend(place.look())
    assert place.look() == []
    assert everything(place.image) == before


def test_absent_shards_of_fill_are_right(lake: StoreURL) -> None:
    dataset = create(lake, SAMPLE)
    found = findings_of(results(plan_fsck(FsckTarget(dataset.url))))
    assert list(found) == []


def test_stale_levels_are_found_and_mended(place: Lake) -> None:
    volume = place.image.level(0)
    voxels = volume.read(volume.box).result()
    voxels[:8, :8, :8] ^= 64
    volume.write(volume.box, voxels).result()
    assert place.look(quick=True) == []
    findings = place.look()
    assert checks(findings) == [(Check.STALE_SHARD, 1)]
    place.mend(findings)
    assert place.look() == []


def test_bytes_that_belong_to_no_chunk_are_cut_out_and_no_voxel_changes(place: Lake) -> None:
    """What TensorStore left in the shard, when it stored the same voxels again, say."""
    before = everything(place.labels)
    for level in (0, 1):
        volume = place.labels.level(level)
        url = volume.shard_url((0, 0, 0))
        body, index = store.read(url).body, shard_format(volume).index_bytes
        store.write(url, body[:-index] + b"rest of another chunk" + body[-index:])
    findings = place.look(place.labels)
    assert checks(findings)[-2:] == [(Check.TORN_TAIL, 0), (Check.TORN_TAIL, 1)]
    place.mend(findings, place.labels)
    assert place.look(place.labels) == []
    assert everything(place.labels) == before


def test_a_patch_is_of_its_shard_and_a_stray_one_is_named(place: Lake) -> None:
    volume = place.labels.level(0)
    box = Box((0, 0, 0), (2, 2, 2))
    write_labels(volume, place.index, box, np.full(box.shape, 7, volume.dtype))
    patch = place.index / "patches" / "0.0.0.parquet"
    assert store.exists(patch)
    assert Check.STALE_SIDECAR not in {finding.check for finding in place.look(place.labels)}
    body = store.read(patch).body
    stray = place.index / "patches" / "9.9.9.parquet"
    store.write(stray, body)
    store.write(patch, body[:-1])
    found = {(finding.check, finding.where) for finding in place.look(place.labels)}
    assert (Check.STRAY_OBJECT, str(stray)) in found
    assert Check.STALE_SIDECAR in {check for check, _ in found}


def test_what_is_made_anew_has_the_bytes_that_the_ingest_wrote(place: Lake) -> None:
    """On a folder the ETag still changes: it has the number of the file and the time."""
    volumes = [place.image.level(level) for level in range(place.image.levels)]
    shards = [v.shard_url(cell) for v in volumes for cell in v.box.cells(v.shard)]
    bodies = [store.read(url).body for url in shards]
    for url in shards:
        cut(url)
    place.mend(place.look(), source=str(place.source))
    assert [store.read(url).body for url in shards] == bodies


def test_objects_that_do_not_belong_are_named_and_stay(place: Lake) -> None:
    array = place.image.level_url(0)
    strays = [array / "c/0/0/7", array / "junk"]
    for url in strays:
        store.write(url, b"x")
    findings = place.look()
    named = {(finding.check, finding.where) for finding in findings}
    assert named == {(Check.STRAY_OBJECT, str(url)) for url in strays}
    place.mend(findings)
    assert [store.read(url).body for url in strays] == [b"x"] * 2


@pytest.mark.folder
def test_files_that_dead_writers_left_go(place: Lake) -> None:
    folder = place.image.level_url(0).path / "c"
    old, young = folder / ".0.0f.partial", folder / "0_5e.__lock"
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    findings = place.look()
    assert [(finding.check, finding.where) for finding in findings] == [(Check.LEFTOVER, str(old))]
    place.mend(findings)
    assert (old.exists(), young.exists()) == (False, True)


def test_the_label_index_is_looked_at_and_mended(place: Lake) -> None:
    first, second = (place.index / "shards" / f"0.0.{n}.parquet" for n in (0, 1))
    before = {url: store.read(url).body for url in (first, second)}
    store.delete(first)
    flip(second, 0.05)
    findings = place.look(place.labels)
    assert checks(findings) == [(Check.DAMAGED_SIDECAR, 0), (Check.MISSING_SIDECAR, 0)]
    place.mend(findings, place.labels)
    assert place.look(place.labels) == []
    assert {url: store.read(url).body for url in (first, second)} == before
    volume = place.labels.level(0)
    volume.write(volume.box, volume.read(volume.box).result()[::-1]).result()
    findings = place.look(place.labels)
    stale = [(Check.STALE_SIDECAR, 0), (Check.STALE_SIDECAR, 0)]
    assert checks(findings) == [(Check.STALE_SHARD, 1), *stale]
    place.mend(findings, place.labels)
    assert place.look(place.labels) == []


def test_shards_that_were_copied_are_known_by_the_bytes_that_are_read_anyway(
    place: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = place.labels.level(0)
    shards = [volume.shard_url(cell) for cell in volume.box.cells(volume.shard)]
    for url in shards:
        store.write(url, store.read(url).body)
    reads: list[StoreURL] = []
    read = store.read_if_there

    def counted(url: StoreURL) -> Stored | None:
        reads.append(url)
        return read(url)

    monkeypatch.setattr(store, "read_if_there", counted)
    assert place.look(place.labels, quick=True) == []
    assert sorted(url.key for url in reads if url in shards) == [url.key for url in shards]


@pytest.mark.parametrize("body", [b"{", b"[]", None], ids=["no JSON", "no object", "not there"])
def test_the_list_of_labels_is_made_anew(place: Lake, body: bytes | None) -> None:
    url = place.image.url / "labels" / "zarr.json"
    before = store.read(url).body
    for dataset in (place.image, place.labels):
        if body is None:
            store.delete(url)
        else:
            store.write(url, body)
        findings = place.look(dataset)
        assert checks(findings) == [(Check.LABELS_LIST, None)]
        place.mend(findings, dataset)
        assert store.read(url).body == before


class TestMetadata:
    """A flip in metadata that leaves valid JSON is the worst: wrong voxels without an error."""

    def change(self, url: StoreURL, old: str, new: str) -> None:
        text = store.read(url).body.decode()
        assert old in text
        store.write(url, text.replace(old, new, 1).encode())

    @pytest.mark.parametrize(
        ("key", "old", "new"),
        [
            ("0/zarr.json", '"separator": "/"', '"separator": "."'),
            ("1/zarr.json", '"fill_value": 0', '"fill_value": 8'),
            ("0/zarr.json", '"seal"', '"sea|"'),
            ("zarr.json", '"path": "1"', '"path": "0"'),
            ("zarr.json", '"voxlake"', '"voxlakd"'),
            ("1/zarr.json", "{", "["),
        ],
    )
    def test_it_is_found_and_nothing_is_rebuilt_by_it(
        self, place: Lake, key: str, old: str, new: str
    ) -> None:
        self.change(place.image.url / key, old, new)
        flip(place.image.url / "2" / "c" / "0" / "0" / "0")
        damaged = everything(place.image)
        findings = place.look()
        assert Check.METADATA in {finding.check for finding in findings}
        if old not in {'"seal"', '"voxlake"'}:  # a seal that is gone harms nothing
            place.mend(findings)
            assert everything(place.image) == damaged

    def test_a_change_that_was_meant_is_sealed(self, place: Lake) -> None:
        self.change(place.image.url / "zarr.json", "10", "11")
        with pytest.raises(CorruptDataError, match="--seal"):
            open_dataset(place.image.url)
        seal_dataset(place.image.url)
        open_dataset(place.image.url)
        assert Check.METADATA not in {finding.check for finding in place.look()}

    def test_what_others_add_is_theirs(self, place: Lake) -> None:
        url = place.image.url / "zarr.json"
        document = json.loads(store.read(url).body)
        document["attributes"]["ome"]["omero"] = {"channels": []}
        document["attributes"]["lab"] = "notes"
        store.write(url, json.dumps(document).encode())
        assert place.look() == []


def test_findings_are_small_and_come_back_as_they_were(lake: StoreURL) -> None:
    url = lake / Place(DatasetName("a", "b", "c"), Kind.IMAGE).key
    result, _ = results([plan_fsck(FsckTarget(url))[0]])
    [finding] = findings_of([result, result])
    assert finding.check is Check.METADATA
    assert len(json.dumps(result)) < 1000
