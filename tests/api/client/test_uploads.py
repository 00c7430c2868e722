"""Uploads of local data by clients, of which one is killed; a worker finishes the dataset."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.data.writing import received
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Gateway, uploads
from voxlake.client.uploads import Upload, reader_of
from voxlake.compute.jobs import Workspace, run_job, start_fsck
from voxlake.compute.jobs.kinds.fsck import findings
from voxlake.compute.jobs.worker import Pace, work_off
from voxlake.documents.jobs.upload import ShardsTaken, UploadDocument
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.shards.coded import coded_shard
from voxlake.platform import store
from voxlake.platform.catalog import Catalog, DatasetState, open_catalog
from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

NEW = "lab/brain/new"
SHAPE = (16, 20, 6000)
"""Of twelve shards."""
SHARDS = 12

CLIENT = """
import sys, time
import numpy as np
from voxlake.client import Gateway
url, token, name, file, pause = sys.argv[1:]
voxels = np.load(file, mmap_mode="r")
def read(box):
    print(box, flush=True)
    time.sleep(float(pause))
    return np.asarray(voxels[box.slices])
with Gateway(url, token) as gateway:
    gateway.upload(name, read, "image", shape=voxels.shape, dtype=voxels.dtype,
                   voxel_size=[8, 8, 8], levels=2)
"""


class Beside:
    """A gateway over a lake, and a worker."""

    def __init__(self, lake: StoreURL, catalog: Catalog, url: str) -> None:
        self.lake, self.catalog, self.url = lake, catalog, url
        self.workspace = Workspace(lake, catalog, Settings(workers=0))

    def work(self) -> None:
        """Do all that is queued."""
        pace = Pace(0.01, 60)
        for _ in work_off(self.workspace, threading.Event(), jobs=None, until_idle=True, pace=pace):
            pass

    def check(self, voxels: Any) -> None:
        """Hold that the dataset is whole and ready, and has these voxels."""
        name = DatasetName.parse(NEW)
        record = self.catalog.get_dataset(name)
        assert record.state is DatasetState.READY
        volume = open_dataset(self.lake / record.url).level(0)
        np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
        look = start_fsck(self.workspace, name)
        run_job(self.workspace, look)
        assert list(findings(self.workspace, look)) == []


@pytest.fixture(params=["folder", "s3"])
def any_lake(request: pytest.FixtureRequest) -> StoreURL:
    """An empty lake in a folder, or on S3."""
    name = {"folder": "lake", "s3": "s3_store"}[request.param]
    lake: StoreURL = request.getfixturevalue(name)
    return lake


def serve(lake: StoreURL, stack: ExitStack) -> Beside:
    """Serve a lake."""
    settings = Settings(workers=0)
    catalog = stack.enter_context(open_catalog(lake, settings))
    for place in (["lab"], ["lab", "brain"]):
        catalog.collections.add(place)
    app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
    return Beside(lake, catalog, stack.enter_context(run_app(app)))


@pytest.fixture
def beside(lake: StoreURL) -> Iterator[Beside]:
    with ExitStack() as stack:
        yield serve(lake, stack)


@pytest.fixture
def gateway(beside: Beside) -> Iterator[Gateway]:
    with Gateway(beside.url, TOKEN) as opened:
        yield opened


def start_client(beside: Beside, file: Path, pause: float) -> subprocess.Popen[str]:
    """Start a client that pauses before it reads a shard."""
    words = [sys.executable, "-c", CLIENT, beside.url, TOKEN, NEW, str(file), str(pause)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


@pytest.mark.timeout(120)
def test_two_clients_of_which_one_is_killed(
    any_lake: StoreURL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "LEASE_S", 3.0)
    voxels = image_voxels(SHAPE)
    np.save(tmp_path / "em.npy", voxels)
    with ExitStack() as stack:
        beside = serve(any_lake, stack)
        # One takes as much as it can, and never sends any of it: it is killed in the midst.
        killed = start_client(beside, tmp_path / "em.npy", 1000)
        assert killed.stdout is not None
        assert killed.stdout.readline()
        other = start_client(beside, tmp_path / "em.npy", 0)
        assert other.stdout is not None
        assert other.stdout.readline()
        killed.kill()
        killed.communicate()
        # communicate() leaves out what is buffered behind the line.
        read = other.stdout.read()
        other.communicate(timeout=100)
        assert other.returncode == 0
        assert read.count("\n") == SHARDS - 1
        beside.work()
        beside.check(voxels)


@pytest.mark.timeout(60)
def test_what_is_uploaded_is_not_uploaded_again_and_what_a_client_left_is_taken_at_once(
    beside: Beside, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "LEASE_S", 3600.0)
    voxels, seen = image_voxels(SHAPE), []

    def broken(box: Any) -> Any:
        seen.append(box)
        if len(seen) > 5:
            raise OSError("the disk is gone")
        return voxels[box.slices]

    asked: dict[str, Any] = {"voxel_size": [8, 8, 8], "levels": 2}
    with pytest.raises(OSError, match="the disk is gone"):
        gateway.upload(NEW, broken, "image", shape=SHAPE, dtype=voxels.dtype, **asked)
    assert gateway.info(NEW).state == "ingesting"
    with pytest.raises(ConflictError, match="not as is asked for"):
        gateway.upload(NEW, voxels.astype(np.uint16), "image", **asked)
    left: list[int] = []
    job = gateway.upload(NEW, voxels, "image", sent=left.append, **asked)
    assert max(left) < SHARDS - 1
    beside.work()
    assert job.wait(quiet=True).state is JobState.DONE
    beside.check(voxels)
    with pytest.raises(ConflictError):
        gateway.upload(NEW, voxels, "image", **asked)


def test_labels_are_indexed_by_the_worker(beside: Beside, gateway: Gateway) -> None:
    voxels = label_voxels(SHAPE)
    voxels[:, :, :600] = 0  # A shard of nothing but fill is not stored.
    job = gateway.upload(NEW, voxels, "labels", voxel_size=[8, 8, 8])
    beside.work()
    assert job.wait(quiet=True).state is JobState.DONE
    beside.check(voxels)
    ids, counts = np.unique(voxels[voxels > 0], return_counts=True)
    assert gateway.label_counts(NEW) == dict(zip(ids.tolist(), counts.tolist(), strict=True))


def test_labels_of_an_image_are_as_large(beside: Beside, gateway: Gateway) -> None:
    size = (8, 8, 8)
    gateway.create("lab/brain/em", "image", dtype="uint8", shape=(4, 5, 6), voxel_size=size)
    for shape in ((5, 5, 6), (4, 5, 5)):
        with pytest.raises(InvalidInputError, match=r"labels of lab/brain/em have \(4, 5, 6\)"):
            gateway.upload(NEW, np.ones(shape, np.uint32), "labels", of="em")
    assert [str(each.name) for each in beside.catalog.list_datasets()] == ["lab/brain/em"]
    job = gateway.upload(NEW, np.ones((4, 5, 6), np.uint32), "labels", of="em")
    beside.work()
    assert job.wait(quiet=True).state is JobState.DONE


def begun(gateway: Gateway) -> UploadDocument:
    """Begin an upload."""
    asked = {"kind": "image", "dtype": "uint8", "shape": list(SHAPE), "voxel_size": [8, 8, 8]}
    return gateway._connection.ask(UploadDocument, f"/v2/uploads/{NEW}", "POST", json=asked)


def test_what_is_no_shard_or_another_is_refused(beside: Beside, gateway: Gateway) -> None:
    voxels, told = image_voxels(SHAPE), begun(gateway)
    own = Upload(gateway._connection, told, reader_of(voxels))
    box = (slice(0, 16), slice(0, 20), slice(0, 512))
    body = coded_shard(own.coding, np.ascontiguousarray(voxels[box]))
    assert body is not None

    def put(shard: int, content: bytes, **headers: str) -> None:
        path = f"/v2/jobs/{told.job}/upload/shards/{shard}"
        gateway._connection.send(path, "PUT", content=content, headers=headers)

    for bad in (body[:-1], body[:40] + bytes([body[40] ^ 1]) + body[41:], body + b"x", b"x"):
        with pytest.raises(InvalidInputError, match="not sound"):
            put(0, bad)
    with pytest.raises(InvalidInputError):
        put(0, body, **{"Content-Digest": f"sha-256=:{'A' * 43}=:"})
    with pytest.raises(InvalidInputError):
        put(SHARDS, body)
    put(0, body)
    put(0, body)
    other = coded_shard(own.coding, np.ascontiguousarray(voxels[box]) + 1)
    with pytest.raises(ConflictError, match="sources that differ"):
        put(0, other or b"")
    with pytest.raises(ConflictError, match="11 shards are yet to be uploaded"):
        gateway._connection.send(f"/v2/jobs/{told.job}/upload/finish", "POST")
    # A worker that is told to go on says the same.
    gateway.jobs[told.job].retry()
    beside.work()
    assert "yet to be uploaded" in gateway.jobs[told.job].status().message
    own.run()
    beside.work()
    beside.check(voxels)


def test_leases_lapse_and_are_renewed(
    beside: Beside, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "LEASE_S", 1000.0)
    told = begun(gateway)

    def take(holder: str, count: int) -> ShardsTaken:
        asked = {"holder": holder * 8, "count": count}
        path = f"/v2/jobs/{told.job}/upload/take"
        return gateway._connection.ask(ShardsTaken, path, "POST", json=asked)

    assert take("a", 5) == ShardsTaken(shards=(0, 1, 2, 3, 4), left=SHARDS)
    assert take("b", 1000).shards == tuple(range(5, SHARDS))
    assert take("b", 1).shards == ()
    monkeypatch.setattr(received, "LEASE_S", 0.0)
    take("a", 0)
    monkeypatch.setattr(received, "LEASE_S", 1000.0)
    assert take("b", 3).shards == (0, 1, 2)
    assert take("a", 0).shards == ()
    assert take("b", 9).shards == ()


def test_an_upload_that_is_given_up_leaves_nothing(beside: Beside, gateway: Gateway) -> None:
    told = begun(gateway)
    own = Upload(gateway._connection, told, reader_of(image_voxels(SHAPE)))
    own._send(3)
    gateway.jobs[told.job].cancel()
    with pytest.raises(ConflictError, match="do nothing more"):
        own.run()
    beside.work()
    assert gateway.jobs[told.job].status().state is JobState.CANCELLED
    with pytest.raises(NotFoundError):
        gateway.info(NEW)
    assert not [each for each in store.walk(beside.lake / "lab") if each.url.name == "zarr.json"]


def test_an_upload_waits_while_its_dataset_is_deleted(beside: Beside, gateway: Gateway) -> None:
    voxels, told = image_voxels(SHAPE), begun(gateway)
    own = Upload(gateway._connection, told, reader_of(voxels))
    own._send(0)
    gateway.delete(NEW)
    for refused in (own.run, partial(own._send, 1), partial(own._send, 0)):
        with pytest.raises(ConflictError, match=r"its dataset was deleted.* do nothing more"):
            refused()
    for method, path in (("GET", ""), ("POST", "/finish")):
        with pytest.raises(ConflictError, match="its dataset was deleted"):
            gateway._connection.send(f"/v2/jobs/{told.job}/upload{path}", method)
    # Another that gets the name is another, though it is uploaded, too.
    another = begun(gateway)
    assert another.job != told.job
    with pytest.raises(ConflictError, match="its dataset was deleted"):
        own._send(1)
    gateway.jobs[another.job].cancel()
    beside.work()
    [place] = gateway.deleted()
    gateway.restore(place.id)
    left: list[int] = []
    assert begun(gateway).job == told.job
    Upload(gateway._connection, told, reader_of(voxels)).run(left.append)
    assert max(left) == SHARDS - 2
    beside.work()
    beside.check(voxels)


def test_a_gateway_that_is_away_is_waited_for(
    beside: Beside, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PATIENCE_S", 30.0)
    voxels, told = image_voxels(SHAPE), begun(gateway)
    with Gateway("http://127.0.0.1:9", TOKEN) as away:
        own = Upload(away._connection, told, reader_of(voxels))
        threading.Timer(0.5, lambda: setattr(away._connection, "url", beside.url)).start()
        own.run()
    beside.work()
    beside.check(voxels)
