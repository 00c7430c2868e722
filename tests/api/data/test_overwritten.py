"""A dataset is written over while it is read: at the gateway, by zarr, and on the store itself."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.conftest import TOKEN, Served, run_app

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Lake
from voxlake.client.arrays.group import open_group
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.jobs.kinds import overwriting
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.view import View
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

EM, SEG = DatasetName.parse("lab/brain/em"), DatasetName.parse("lab/brain/seg")
OLD, NEW = (70, 40, 50), (75, 44, 41)
READS_AFTER = 5

type Seen = tuple[frozenset[int], int]
"""The values, or labels, that were found, and how many voxels."""


@pytest.fixture(params=["lake", "s3_store"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    monkeypatch.setattr(overwriting, "LINGER_S", 1.5)
    lake: StoreURL = request.getfixturevalue(request.param)
    settings = Settings(workers=0, database_url=f"sqlite:///{tmp_path}/catalog.sqlite")
    with Workspace.opened(lake, settings) as workspace:
        _ingest(workspace, tmp_path, OLD, 1)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, workspace.catalog, identity)
        with run_app(app) as url:
            yield Served(url, lake, workspace.catalog, app, identity, {})


@pytest.fixture
def late(lake: StoreURL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A gateway that hears of nothing that happens to what it has open."""
    monkeypatch.setattr(overwriting, "LINGER_S", 0)
    monkeypatch.setattr("voxlake.api.app.RECORD_SECONDS", 3600)
    monkeypatch.setattr("voxlake.api.app.OPENED_SECONDS", 3600)
    settings = Settings(workers=0)
    with Workspace.opened(lake, settings) as workspace:
        _ingest(workspace, tmp_path, OLD, 1)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, workspace.catalog, identity)
        with run_app(app) as url:
            yield Served(url, lake, workspace.catalog, app, identity, {})


def _ingest(workspace: Workspace, folder: Path, shape: tuple[int, ...], value: int) -> None:
    path = folder / f"{value}.npy"
    np.save(path, np.full(shape, value, np.uint8))
    for place in (Place(EM, Kind.IMAGE), Place(SEG, Kind.LABELS)):
        is_labels = place.kind is Kind.LABELS
        request = IngestRequest(
            str(path), place, VoxelSize(8, 8, 8), index=is_labels, overwrite=True
        )
        run_job(workspace, start_ingest(workspace, request))


def _seen(voxels: Any) -> Seen:
    return frozenset(np.unique(voxels).tolist()), int(np.size(voxels))


def _cutout(served: Served) -> Seen:
    with served.client(owner=True) as client:
        answer = client.get(f"/v2/datasets/{EM}/cutout?format=npy")
        assert answer.status_code == 200, answer.text
        return _seen(np.load(io.BytesIO(answer.content)))


def _by_zarr(served: Served) -> Seen:
    return _seen(open_group(served.zarr(str(EM)).rstrip("/"), TOKEN).array(0)[...])


def _on_the_store(served: Served) -> Seen:
    volume = open_dataset(served.lake / Place(EM, Kind.IMAGE).key).level(0)
    return _seen(volume.read(volume.box).result())


def _labels(served: Served) -> Seen:
    with served.client(owner=True) as client:
        answer = client.get(f"/v2/datasets/{SEG}/labels/top?n=5")
        assert answer.status_code == 200, answer.text
        found = answer.json()["labels"]
    return frozenset(int(each["label"]) for each in found), sum(
        int(each["voxels"]) for each in found
    )


def _labels_on_the_store(served: Served) -> Seen:
    table = Lake.at(str(served.lake)).open_labels(str(SEG)).ask(View.all)
    return frozenset(table.labels.tolist()), int(table.voxels.sum())


READERS: tuple[Callable[[Served], Seen], ...] = (
    _cutout,
    _by_zarr,
    _on_the_store,
    _labels,
    _labels_on_the_store,
)


def test_readers_see_the_old_one_whole_and_then_the_new_one(served: Served, tmp_path: Path) -> None:
    begun, ended = Semaphore(0), Event()
    old: Seen = (frozenset({1}), int(np.prod(OLD)))
    new: Seen = (frozenset({2}), int(np.prod(NEW)))

    def read(reader: Callable[[Served], Seen]) -> list[Seen]:
        seen, left = [reader(served)], READS_AFTER
        begun.release()
        while left:
            left -= ended.is_set()
            seen.append(reader(served))
        return seen

    with ThreadPoolExecutor(len(READERS)) as pool:
        reading = [pool.submit(read, reader) for reader in READERS]
        try:
            for _ in READERS:
                assert begun.acquire(timeout=60)
            settings = Settings(workers=0, database_url=f"sqlite:///{tmp_path}/catalog.sqlite")
            with Workspace.opened(served.lake, settings) as workspace:
                _ingest(workspace, tmp_path, NEW, 2)
        finally:
            ended.set()
        for future in reading:
            seen = future.result()
            first = seen.index(new)
            assert first > 0
            assert set(seen[:first]) == {old}
            assert set(seen[first:]) == {new}


def test_what_was_replaced_is_neither_read_nor_changed(late: Served, tmp_path: Path) -> None:
    """What is read is refused, as its answer would be of both; what is written is of the new."""
    labels = f"/v2/datasets/{SEG}/labels"
    asked: dict[str, object] = {
        f"/v2/datasets/{EM}/cutout?format=npy": None,
        f"{labels}/top": None,
        f"{labels}/1": None,
        f"{labels}/reserve": {"count": 3},
    }
    fills = {f"/v2/datasets/{name}/cutout?z=1:3&fill=1": "fill" for name in (EM, SEG)}
    asked |= fills
    with late.client(owner=True) as client:

        def ask(path: str, body: object) -> int:
            if body == "fill":
                return client.put(path).status_code
            sent = client.get(path) if body is None else client.post(path, json=body)
            return sent.status_code

        assert {ask(path, body) for path, body in asked.items()} == {200}
        with Workspace.opened(late.lake, Settings(workers=0)) as workspace:
            _ingest(workspace, tmp_path, NEW, 2)
        reads = [path for path, body in asked.items() if body is None]
        assert {path: ask(path, None) for path in reads} == dict.fromkeys(reads, 409)
        new: Seen = (frozenset({2}), int(np.prod(NEW)))
        assert (_on_the_store(late), _labels_on_the_store(late)) == (new, new)
        writes = {path: body for path, body in asked.items() if body is not None}
        assert {path: ask(path, body) for path, body in writes.items()} == dict.fromkeys(
            writes, 200
        )
    written: Seen = (frozenset({1, 2}), int(np.prod(NEW)))
    assert (_on_the_store(late), _labels_on_the_store(late)) == (written, written)
