"""fsck opens all that is kept beside labels, tells what is not whole, mends only what is ours."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
import zarr
from tests.ngff.labels.bulk_jobs import BulkJob
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.scenes import Scene
from tests.ngff.labels.writing import write_labels

from voxlake.compute.fsck.finding import Check, Finding, findings_of
from voxlake.compute.fsck.kept import KeptTask
from voxlake.compute.fsck.plans import FsckTarget, plan_fsck
from voxlake.compute.fsck.repair import plan_repair
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    findings,
    run_job,
    start_downsample,
    start_fsck,
    start_ingest,
)
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box, cell_box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.checking import faults, kept_beside
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.changes import import_mapping, merge, snapshot
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.writing import put_objects
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.reservation import reserve
from voxlake.ngff.lake import Place
from voxlake.ngff.metadata.seal import sealed
from voxlake.ngff.writing import write_voxels
from voxlake.platform import store
from voxlake.platform.catalog.data.record import DatasetState
from voxlake.platform.errors import CorruptDataError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import Stored, StoreURL


def write(volume: Volume, index: StoreURL, x: int) -> None:
    box = Box((0, 0, x), (1, 1, x + 4))
    write_labels(volume, index, box, np.arange(x + 1, x + 5, dtype=np.uint64).reshape(box.shape))


@pytest.fixture
def kept(memory_store: StoreURL) -> StoreURL:
    """An index with all that can lie in one; nothing of it is swept."""
    volume, index = new_volume(memory_store / "labels"), memory_store / "index"
    for x in (0, 16):
        write(volume, index, x)
        compact(Labels(volume, index))
    write(volume, index, 4)
    import_mapping(index, [1, 2], [10, 10])
    merge(index, [10, 3])
    merge(index, [4, 5])
    snapshot(index)
    put_objects(index, [LabelObject(id=1, name="a"), LabelObject(id=7)])
    put_objects(index, [LabelObject(id=2)])
    reserve(Labels(volume, index), 3)
    reserve(Labels(volume, index), 4)
    job = BulkJob(Scene(volume, index), 1)
    for _ in range(4):
        job.step()
    return index


def test_all_objects_are_opened(kept: StoreURL) -> None:
    assert list(faults(kept)) == []
    there = {info.url.key for info in store.walk(kept)}
    folders = (kept / "shards", kept / "patches")
    sidecars = {info.url.key for folder in folders for info in store.walk(folder)}
    # What a bulk job has written and not yet put in force is nobody's yet.
    named = {each.url.key for each in kept_beside(kept)}
    assert {key for key in there - sidecars - named if "/runs/" not in key} == set()
    assert len([key for key in named if "/runs/" in key]) > 6


def test_a_flip_of_any_byte_of_any_object_is_found_or_without_effect(kept: StoreURL) -> None:
    urls = sorted({each.url for each in kept_beside(kept) if store.exists(each.url)}, key=str)
    assert len(urls) > 20
    for url in urls:
        body = url.path.read_bytes()
        opens = [each.open for each in kept_beside(kept) if each.url == url]
        # The checksum of tables that are read whole is of their values: what changes none is none.
        of_values = b"crc32" in body and body.startswith(b"PAR1") and b'"groups"' not in body
        for place in range(0, len(body), 1 if len(body) < 500 else 11):
            damaged = bytearray(body)
            damaged[place] ^= 1 << place % 8
            url.path.write_bytes(damaged)
            assert any(map(is_damaged, opens)) or of_values, (url, place)
        url.path.write_bytes(body)


def is_damaged(opens: Callable[[], object]) -> bool:
    try:
        opens()
    except CorruptDataError:
        return True
    return False


@pytest.mark.parametrize("ending", ["parquet", "boxes", "cover.parquet"])
def test_a_part_of_a_segment_in_force_that_is_gone_is_found(kept: StoreURL, ending: str) -> None:
    manifest = newest_manifest(kept)
    assert manifest is not None
    segment = manifest.segments[0]
    ulid = segment.cover if ending.startswith("cover") else segment.files[0].ulid
    store.delete(kept / "runs" / f"{ulid}.{ending}")
    [(url, _)] = faults(kept)
    assert url.name == f"{ulid}.{ending}"


@pytest.mark.parametrize(
    ("folder", "which"),
    [("mapping/log", 1), ("mapping/tables", 0), ("objects/runs", 0), ("ids", 0)],
)
def test_an_object_that_is_gone_is_found(kept: StoreURL, folder: str, which: int) -> None:
    urls = sorted((info.url for info in store.walk(kept / folder)), key=str)
    store.delete(urls[which])
    assert {url for url, _ in faults(kept)} == {urls[which]}


def test_an_object_under_the_name_of_another_is_found(kept: StoreURL) -> None:
    for folder in ("mapping/log", "ids"):
        first, second = sorted((info.url for info in store.walk(kept / folder)), key=str)[:2]
        store.write(second, store.read(first).body)
        assert second in {url for url, _ in faults(kept)}


def test_tasks_share_what_is_kept(kept: StoreURL) -> None:
    urls = [info.url for info in store.walk(kept / "objects")]
    for url in urls:
        url.path.write_bytes(url.path.read_bytes()[:-3])
    found = findings_of(KeptTask(kept, part, 3)().encode() for part in range(3))
    assert {finding.where for finding in found} >= {
        str(url) for url in urls if "/runs/" not in url.key
    }


def test_tasks_read_each_entry_of_the_mapping_once_together(
    kept: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = sorted(info.url.key for info in store.walk(kept / "mapping" / "log"))
    reads: list[str] = []
    read = store.read

    def counted(url: StoreURL) -> Stored:
        reads.append(url.key)
        return read(url)

    monkeypatch.setattr(store, "read", counted)
    for part in range(3):
        KeptTask(kept, part, 3)()
    assert sorted(key for key in reads if key in log) == log


SIZE = VoxelSize(10, 10, 10)
PLACE = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)


@pytest.fixture
def workspace(lake: StoreURL, tmp_path: Path) -> Iterator[Workspace]:
    """A lake with an image of two shards."""
    voxels = np.random.default_rng(7).integers(1, 255, (8, 16, 600), np.uint8)
    np.save(tmp_path / "em.npy", voxels)
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        request = IngestRequest(str(tmp_path / "em.npy"), PLACE, SIZE)
        run_job(opened, start_ingest(opened, request))
        yield opened


def look(workspace: Workspace) -> list[Finding]:
    job = start_fsck(workspace, PLACE.name)
    run_job(workspace, job)
    return [each for each in findings(workspace, job) if each.is_fault]


def test_shards_that_are_gone_from_all_levels_are_missed(workspace: Workspace) -> None:
    assert look(workspace) == []
    for info in list(store.walk(workspace.lake / PLACE.key)):
        if "/c/0/" in info.url.key and not info.url.key.endswith("/0/c/0/0/0"):
            store.delete(info.url)
    said = [each.text for each in look(workspace) if each.check is Check.UNFINISHED]
    assert said == ["1 shards of level 0 are stored; its ingest stored 2"]
    store.delete_tree(workspace.lake / PLACE.key / "0" / "c")
    assert {each.check for each in look(workspace)} == {Check.UNFINISHED}


def test_a_shard_that_was_erased_is_not_missed(workspace: Workspace) -> None:
    volume = workspace.dataset(PLACE).level(0)
    first = cell_box((0, 0, 0), volume.shard) & volume.box
    write_voxels(volume, first, np.zeros(first.shape, np.uint8))
    run_job(workspace, start_downsample(workspace, PLACE.name, stale=True))
    assert not volume.read(first).result().any()
    assert look(workspace) == []


def test_what_its_group_says_is_not_whole_is_unfinished(workspace: Workspace) -> None:
    url = workspace.lake / PLACE.key / "zarr.json"
    document = json.loads(store.read(url).body)
    document["attributes"]["voxlake"]["whole"] = False
    store.write(url, json.dumps(sealed(document)).encode())
    [finding] = look(workspace)
    assert "its group says that it is not whole" in finding.text


@pytest.mark.parametrize("state", [DatasetState.INGESTING, DatasetState.FAILED])
def test_what_is_not_ready_is_said_to_be_unfinished(
    workspace: Workspace, state: DatasetState
) -> None:
    workspace.catalog.set_dataset_state(PLACE.name, state)
    assert [each.check for each in look(workspace)] == [Check.UNFINISHED]


def test_what_is_ready_too_early_is_unfinished(workspace: Workspace) -> None:
    ledger = workspace.catalog.ledger
    [done] = ledger.jobs_of(PLACE.name, kind="ingest")
    ledger.create_job("ingest", PLACE.name, done.spec)
    [finding] = look(workspace)
    assert "resume or cancel it" in finding.text


@pytest.fixture(params=["0.4", "0.5"])
def adopted(lake: StoreURL, request: pytest.FixtureRequest) -> StoreURL:
    """A pyramid of every second voxel and a list of labels, as another program makes them."""
    url = lake / "lab" / "e" / "foreign.ome.zarr"
    version: Literal[2, 3] = 2 if request.param == "0.4" else 3
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    scale = [[{"type": "scale", "scale": [f, f, f]}] for f in (1.0, 2.0)]
    levels = [{"path": str(n), "coordinateTransformations": each} for n, each in enumerate(scale)]
    ome: dict[str, Any] = {"multiscales": [{"axes": axes, "datasets": levels, "version": "0.4"}]}
    labels: dict[str, Any] = {"labels": ["gone"]}
    if version == 3:
        ome, labels = {"ome": {**ome, "version": "0.5"}}, {"ome": {**labels, "version": "0.5"}}
    group = zarr.create_group(as_zarr(url, read_only=False), zarr_format=version, attributes=ome)
    voxels = np.random.default_rng(1).integers(0, 255, (8, 8, 8), np.uint8)
    names: dict[str, Any] = {"dimension_names": list("zyx")} if version == 3 else {}
    for path, data in (("0", voxels), ("1", voxels[::2, ::2, ::2])):
        group.create_array(path, data=data, chunks=(4, 4, 4), **names)
    group.create_group("labels", attributes=labels)
    if url.is_local:
        (url.path / "0" / ".zarray.12.partial").touch()
        os.utime(url.path / "0" / ".zarray.12.partial", (0, 0))
    return url


def everything(url: StoreURL) -> dict[str, bytes]:
    return {info.url.key: store.read(info.url).body for info in store.walk(url)}


def test_what_another_program_made_is_never_rewritten(adopted: StoreURL) -> None:
    before, target = everything(adopted), FsckTarget(adopted)
    found = [
        finding
        for plan in plan_fsck(target)
        for number in range(len(plan))
        for finding in findings_of([plan.task(number)().encode()])
    ]
    assert Check.STALE_SHARD not in {finding.check for finding in found}
    assert any("another program made its levels" in finding.text for finding in found)
    lost = Finding(Check.STALE_SHARD, "x", "", 1, (0, 0, 0))
    cut = Finding(Check.TORN_TAIL, "x", "", 0, (0, 0, 0))
    left = Finding(Check.LEFTOVER, "x", "")
    for plan in plan_repair(target, [*found, lost, cut, left]):
        for number in range(len(plan)):
            plan.task(number)()
    assert everything(adopted) == before


@pytest.mark.parametrize("scale", [math.nan, math.inf, 0.0, 1e-9])
def test_a_scale_that_is_none_is_a_finding(adopted: StoreURL, scale: float) -> None:
    where = next(
        each for each in (adopted / ".zattrs", adopted / "zarr.json") if store.exists(each)
    )
    store.write(where, store.read(where).body.replace(b"2.0", json.dumps(scale).encode()))
    found = [
        finding
        for plan in plan_fsck(FsckTarget(adopted))
        for number in range(len(plan))
        for finding in findings_of([plan.task(number)().encode()])
    ]
    assert Check.METADATA in {finding.check for finding in found}
