"""Jobs beside one another: what one writes below the folder of another is its own."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.compute.fsck.mending import ListLabelsTask
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    run_job,
    start_downsample,
    start_fsck,
    start_index,
    start_ingest,
    start_repair,
)
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import list_labels
from voxlake.platform import store
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voxlake.platform.store import GrowingObject, StoreURL

IMAGE = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)
LABELS = Place(DatasetName.parse("c/e/seg"), Kind.LABELS, of="em")
OTHERS = Place(DatasetName.parse("c/e/nuclei"), Kind.LABELS, of="em")


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


@pytest.fixture
def ingest(workspace: Workspace, tmp_path: Path) -> Callable[[Place], None]:
    np.save(tmp_path / "ones.npy", np.ones((8, 8, 40), np.uint8))

    def run(place: Place) -> None:
        request = IngestRequest(
            str(tmp_path / "ones.npy"), place, VoxelSize(8, 8, 8), index=place.kind is Kind.LABELS
        )
        run_job(workspace, start_ingest(workspace, request))

    return run


def _in_the_making(workspace: Workspace, place: Place) -> list[GrowingObject]:
    """Return a shard and a sidecar that are being written, for hours by now, by a living writer."""
    lake = workspace.lake
    urls = (lake / place.key / "0/c/9/9/9", lake / place.index_key / "shards/9.9.9.parquet")
    growing = [store.grow(url) for url in urls]
    for path in lake.path.rglob("*.partial") if lake.is_local else ():
        os.utime(path, (1, 1))
    return growing


@pytest.mark.parametrize("place", [IMAGE, LABELS, OTHERS], ids=lambda place: place.name.dataset)
def test_the_end_of_a_job_leaves_what_others_are_writing(
    workspace: Workspace, ingest: Callable[[Place], None], place: Place
) -> None:
    growing = _in_the_making(workspace, place)
    ingest(IMAGE)
    ingest(LABELS)
    for made in (IMAGE, LABELS):
        run_job(workspace, start_downsample(workspace, made.name))
    run_job(workspace, start_index(workspace, LABELS.name))
    for made in (IMAGE, LABELS):
        look = start_fsck(workspace, made.name)
        run_job(workspace, look)
        run_job(workspace, start_repair(workspace, look))
    for each in growing:
        each.append([b"whole"])
        each.commit()
        assert store.read(each.url).body == b"whole"


@pytest.mark.folder
def test_what_a_dead_writer_left_in_labels_is_theirs_to_sweep(
    workspace: Workspace, ingest: Callable[[Place], None]
) -> None:
    ingest(IMAGE)
    left = workspace.lake.path / LABELS.key / "0/c/.9.00.partial"
    own = workspace.lake.path / IMAGE.key / "0/c/.9.00.partial"
    for path in (left, own):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1, 1))
    run_job(workspace, start_downsample(workspace, IMAGE.name))
    assert (left.exists(), own.exists()) == (True, False)
    ingest(LABELS)
    assert not left.exists()


def test_a_list_of_labels_that_is_mended_keeps_what_is_added_meanwhile(
    workspace: Workspace, ingest: Callable[[Place], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other labels are created between a look at what there is and the writing of the list."""
    ingest(IMAGE)
    ingest(LABELS)
    image = workspace.lake / IMAGE.key

    def update_late(url: StoreURL, change: Callable[[bytes | None], bytes]) -> None:
        store.write(image / "labels/nuclei/zarr.json", b"{}")
        list_labels(workspace.lake, OTHERS)
        update(url, change)

    monkeypatch.setattr("voxlake.compute.fsck.mending.update", update_late)
    ListLabelsTask(image)()
    listed = json.loads(store.read(image / "labels/zarr.json").body)
    assert listed["attributes"]["ome"]["labels"] == ["nuclei", "seg"]
