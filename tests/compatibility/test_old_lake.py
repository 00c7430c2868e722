"""A lake and a catalog of before: opened, migrated, asked, verified, mended and gone on with."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.cli.conftest import Command, command_on

from voxlake.compute.sources import open_source
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.mapping import bodies_of, open_mapping
from voxlake.ngff.labels.objects.reading import get_object
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.upkeep.auditing import audit
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.reservation import reserve
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState, open_catalog
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
from voxlake.platform.store import url as store_url

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume

pytestmark = pytest.mark.folder

HERE, NAME = Path(__file__).parent, "lake-ba67131"
FACTS: dict[str, Any] = json.loads((HERE / f"{NAME}.json").read_text(encoding="utf-8"))
CELLS = Place(DatasetName("lab", "brain", "cells"), Kind.LABELS, "em")
KILLED = Place(DatasetName("lab", "phantom", "killed"), Kind.LABELS)
NAMES = ("lab/brain/em", "lab/brain/cells", "lab/brain/several", "lab/phantom/bodies")


@pytest.fixture
def old(lake: StoreURL) -> StoreURL:
    """A copy of the lake in another folder."""
    with zipfile.ZipFile(HERE / f"{NAME}.zip") as packed:
        packed.extractall(lake.path)
    return lake


@pytest.fixture
def voxlake(
    old: StoreURL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command on the lake."""
    return command_on(str(old), tmp_path, monkeypatch, capsys)


@pytest.fixture
def remote(s3_store: StoreURL) -> StoreURL:
    """The objects of the lake on S3, with the ETags that they had."""
    with zipfile.ZipFile(HERE / f"{NAME}-s3.zip") as packed:
        for name in packed.namelist():
            if not name.endswith("/"):
                store.write(s3_store / name, packed.read(name))
    return s3_store


def cells(lake: StoreURL) -> tuple[Volume, StoreURL]:
    """Return level 0 of the labels, and where their index lies."""
    return open_dataset(lake / CELLS.key).level(0), lake / CELLS.index_key


def digests(dataset: Dataset) -> list[dict[str, Any]]:
    """Return what is so of each level, as FACTS has it."""
    found = []
    for volume in map(dataset.level, range(dataset.levels)):
        voxels = np.ascontiguousarray(volume.read(volume.box).result())
        raw = voxels.astype(voxels.dtype.newbyteorder("<")).tobytes()
        digest = hashlib.sha256(raw).hexdigest()
        name = voxels.dtype.name
        found.append({"shape": list(voxels.shape), "dtype": name, "sha256": digest})
    return found


def check_labels(lake: StoreURL) -> None:
    """Ask for every label, for all, for those of boxes, for objects and for bodies."""
    volume, index = cells(lake)
    voxels = volume.read(volume.box).result()
    cells_now = Labels(volume, index)
    view = cells_now.view()
    for label, fact in FACTS["labels"].items():
        extent = view.extent(int(label))
        assert (extent.voxels, extent.box) == (fact["voxels"], Box(*map(tuple, fact["box"])))
    table = view.all()
    found = zip(table.labels.tolist(), table.voxels.tolist(), strict=True)
    assert dict(found) == {int(label): fact["voxels"] for label, fact in FACTS["labels"].items()}
    for box in (volume.box, Box((3, 5, 480), (9, 30, 1105)), Box((0, 0, 600), (20, 36, 700))):
        labels, counts = np.unique(voxels[box.slices], return_counts=True)
        answer = cells_now.in_box(box, counts=True)
        assert answer.labels.tolist() == labels[labels > 0].tolist()
        assert answer.voxels is not None
        assert answer.voxels.tolist() == counts[labels > 0].tolist()
    for label, wanted in FACTS["objects"].items():
        fields = get_object(index, int(label)).model_dump(mode="json")
        assert {key: fields[key] for key in wanted if key != "parent"} == {
            key: value for key, value in wanted.items() if key != "parent"
        }
        assert int(fields["parent"] or 0) == int(wanted.get("parent", 0))
    supervoxels = np.array([int(label) for label in FACTS["bodies"]], np.uint64)
    bodies = [int(body) for body in FACTS["bodies"].values()]
    assert bodies_of(open_mapping(index), supervoxels).tolist() == bodies


def index_locations(dataset: Dataset) -> set[str]:
    """Return where the shards of a dataset have their index."""
    volumes = map(dataset.level, range(dataset.levels))
    return {volume.metadata["codecs"][0]["configuration"]["index_location"] for volume in volumes}


@pytest.mark.parametrize("path", FACTS["levels"])
def test_every_voxel_is_read(old: StoreURL, path: str) -> None:
    dataset = open_dataset(old / path)
    assert index_locations(dataset) == {"start"}
    assert digests(dataset) == FACTS["levels"][path]


def test_the_catalog_is_migrated(old: StoreURL) -> None:
    with open_catalog(old, Settings()) as catalog:
        records = {str(record.name): record for record in catalog.list_datasets()}
        assert [name for name, record in records.items() if record.public] == ["lab/brain/em"]
        unfinished = {name for name, one in records.items() if one.state is not DatasetState.READY}
        assert {*records} == {*NAMES, str(KILLED.name)}
        assert unfinished == {str(KILLED.name)}
        jobs = catalog.ledger.list_jobs()
    assert [job.state for job in jobs] == [JobState.RUNNING, *[JobState.DONE] * 6]


def test_labels_of_a_copy_whose_sidecars_are_all_stale(old: StoreURL) -> None:
    volume, index = cells(old)
    status = index_status(Labels(volume, index))
    assert (status.indexed, status.stale) == (0, status.shards)
    check_labels(old)
    assert len(audit(Labels(volume, index)).marked) == status.shards
    check_labels(old)
    compact(Labels(volume, index))
    assert index_status(Labels(volume, index)).indexed == status.shards
    check_labels(old)
    assert reserve(Labels(volume, index), 3).start == 2**63 + 112


def test_labels_of_a_copy_whose_index_holds(remote: StoreURL) -> None:
    volume, index = cells(remote)
    status = index_status(Labels(volume, index))
    assert (status.stale, status.missing) == (1, 0)  # what another program wrote last
    check_labels(remote)
    assert audit(Labels(volume, index)).marked == ((0, 0, 2),)
    compact(Labels(volume, index))
    status = index_status(Labels(volume, index))
    assert (status.stale, status.missing) == (0, 0)
    check_labels(remote)
    assert digests(open_dataset(remote / CELLS.key)) == FACTS["levels"][CELLS.key]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_verified_and_what_a_copy_made_stale_is_mended(voxlake: Command, name: str) -> None:
    compared = voxlake("verify", name)  # one level has nothing to be compared with
    assert compared.kind == "invalid-input" if name == "lab/brain/several" else compared.ok()
    assert voxlake("fsck", name, "--repair").code == 0
    assert voxlake("fsck", name).code == 0


def test_it_is_written_to_and_its_levels_are_built_anew(voxlake: Command, old: StoreURL) -> None:
    dataset = open_dataset(old / CELLS.key)
    volume = dataset.level(0)
    voxels = volume.read(volume.box).result()
    box = Box((1, 2, 500), (7, 9, 1300))
    voxels[box.slices] = 99
    volume.write(box, voxels[box.slices]).result()
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    voxlake("downsample", CELLS.name).ok()
    voxlake("verify", CELLS.name).ok()
    assert index_locations(dataset) == {"start"}


def test_a_torn_tail_behind_an_index_at_the_start_is_cut_off(
    voxlake: Command, old: StoreURL
) -> None:
    volume = open_dataset(old / "lab/phantom/bodies.ome.zarr").level(0)
    path = volume.shard_url((0, 0, 0)).path
    body = path.read_bytes()
    path.write_bytes(body + b"rest of a longer shard")
    [found] = voxlake("fsck", "lab/phantom/bodies").document["datasets"]
    assert "torn-tail" in [finding["check"] for finding in found["findings"]]
    assert voxlake("fsck", "lab/phantom/bodies", "--repair").code == 0
    assert path.read_bytes() == body


def test_what_is_lost_is_made_anew(voxlake: Command, old: StoreURL) -> None:
    before = FACTS["levels"]["lab/phantom/bodies.ome.zarr"]
    dataset = open_dataset(old / "lab/phantom/bodies.ome.zarr")
    for level in (0, 1):
        path = dataset.level(level).shard_url((0, 0, 0)).path
        path.write_bytes(path.read_bytes()[:-100])
    assert voxlake("fsck", "lab/phantom/bodies", "--repair").code == 0
    assert digests(open_dataset(dataset.url)) == before
    assert index_locations(dataset) == {"start"}


def test_a_killed_ingest_is_gone_on_with(
    old: StoreURL, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What is planned is bound to the address that it is planned for.
    folder = old.path.parent
    monkeypatch.setattr(store_url, "_memory_folder", lambda: folder)
    old.path.rename(folder / NAME)
    old = StoreURL.parse(f"memory://{NAME}")
    voxlake = command_on(str(old), folder, monkeypatch, capsys)
    with open_catalog(old, Settings()) as catalog:
        job = catalog.ledger.list_jobs()[0]
        done = catalog.ledger.count_done(job.id, "ingest")
    assert done > 0
    voxlake("jobs", "resume", job.id).ok()
    dataset = open_dataset(old / KILLED.key)
    volume = dataset.level(0)
    voxels = open_source(FACTS["killed"]).read(volume.box)
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    assert index_locations(dataset) == {"start"}
    voxlake("verify", KILLED.name).ok()
    labels, counts = np.unique(voxels[voxels > 0], return_counts=True)
    table = Labels(volume, old / KILLED.index_key).view().all()
    assert (table.labels.tolist(), table.voxels.tolist()) == (labels.tolist(), counts.tolist())
