"""boss-ingest uploads to a lake: all that it sent is read back equal.

The client runs as it is, but that it does not sleep as long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import numpy.typing as npt
import pytest
from botocore.session import get_session  # type: ignore[import-untyped]  # it ships no types
from tests.api.lakes import Sample, add_sample
from tests.api.test_serve import PROGRAM
from tests.servers.boss_ingest import FASTER, client_environment, run_moto

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.lake import Place
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.errors import NotFoundError
from voxlake.platform.jobs.record import UNFINISHED
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    type Process = subprocess.Popen[str]

BUCKET, PREFIX = "uploads", "boss"
PATIENCE_S = 120
UPLOADING, DELETED, COMPLETING = 1, 3, 5
SHAPE = (20, 600, 700)
START = (0, 512, 1024)
"""Of the dataset that lies in a frame: z, y, x."""
CHANNELS = {
    "em": (Kind.IMAGE, "uint8", SHAPE, ("z", "y", "x")),
    "cells": (Kind.LABELS, "uint64", SHAPE, ("z", "y", "x")),
    "tiles": (Kind.IMAGE, "uint16", (5, 130, 150), ("z", "y", "x")),
    "lost": (Kind.IMAGE, "uint8", (3, 40, 50), ("z", "y", "x")),
    "bad": (Kind.IMAGE, "uint8", (2, 40, 50), ("z", "y", "x")),
    "film": (Kind.IMAGE, "uint8", (2, 3, 40, 50), ("t", "z", "y", "x")),
}
PLUGINS = """
import io
from pathlib import Path

import numpy as np
from ingestclient.plugins.chunk import ChunkProcessor, XYZ_ORDER, ZYX_ORDER
from ingestclient.plugins.path import PathProcessor
from ingestclient.plugins.tile import TileProcessor
from PIL import Image


class Sizes:
    def setup(self, parameters):
        self.start = parameters["start"]
        self.order = parameters.get("order", "zyx")
        self.bad = parameters.get("bad")
        job = parameters["ingest_job"]
        self.size = job["chunk_size"] if "chunk_size" in job else job["tile_size"] | {"z": 1}

    def part(self, path, x, y, z, t=0):
        volume = np.load(path, mmap_mode="r")
        ends = zip((z, y, x), "zyx", self.start)
        where = [(i * self.size[n] - lo, (i + 1) * self.size[n] - lo) for i, n, lo in ends]
        assert all(lo >= 0 for lo, _ in where)
        return volume[t][tuple(slice(*each) for each in where)]


class File(PathProcessor):
    def setup(self, parameters):
        self.file = parameters["file"]

    def process(self, x_index, y_index, z_index, t_index=None):
        return self.file


class Chunk(Sizes, ChunkProcessor):
    def process(self, file_path, x_index, y_index, z_index):
        chunk = self.part(file_path, x_index, y_index, z_index)
        if self.order == "xyz":
            return np.asfortranarray(chunk.T), XYZ_ORDER
        return chunk, ZYX_ORDER


class Tile(Sizes, TileProcessor):
    def process(self, file_path, x_index, y_index, z_index, t_index=None):
        made = io.BytesIO()
        if self.bad and not Path(self.bad).exists() and z_index == 1:
            made.write(b"no image")
            return made
        tile = self.part(file_path, x_index, y_index, z_index, t_index)[0]
        Image.fromarray(np.ascontiguousarray(tile)).save(made, "png")
        return made
"""


@dataclass
class Lake:
    """A lake whose gateway takes ingest jobs, with a worker, and the voxels to be uploaded."""

    lake: StoreURL
    folder: Path
    endpoint: str
    voxels: dict[str, npt.NDArray[Any]]
    url: str = ""
    token: str = ""
    gateway: Process | None = None
    workers: list[Process] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What gateway and workers are set to."""
        return os.environ | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "VOXLAKE_S3_ACCESS_KEY_ID": "server",
            "VOXLAKE_S3_SECRET_ACCESS_KEY": "server-secret",
            "VOXLAKE_UPLOAD_STORE": f"s3://{BUCKET}/{PREFIX}",
            "VOXLAKE_UPLOAD_ACCESS_KEY_ID": "client",
            "VOXLAKE_UPLOAD_SECRET_ACCESS_KEY": "client-secret",
            "VOXLAKE_WORKERS": "0",
        }

    def start_gateway(self) -> None:
        """Start the gateway in a process of its own."""
        command = [sys.executable, "-c", PROGRAM, str(self.lake), str(self.folder / "state")]
        self.gateway = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
        )
        assert self.gateway.stdout is not None
        self.url, _, token_file = json.loads(self.gateway.stdout.readline())
        self.token = Path(token_file).read_text(encoding="ascii")

    def start_worker(self) -> Process:
        """Start a worker."""
        options = ["--lake", str(self.lake), "--poll", "0.1", "--json"]
        worker = subprocess.Popen(
            [sys.executable, "-m", "voxlake.cli", "worker", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
        )
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        """End all processes."""
        for process in [self.gateway, *self.workers]:
            if process is not None:
                process.kill()
                process.communicate()

    def config(self, channel: str, kind: str, size: tuple[int, int, int], **params: Any) -> Any:
        """Return the configuration of boss-ingest for a channel; `size` of a piece is x, y, z."""
        voxels = self.voxels[channel]
        start = START if channel == "cells" else (0, 0, 0)
        ends = [(0, len(voxels))]
        ends += [(lo, lo + n) for lo, n in zip(start, voxels.shape[1:], strict=True)]
        extent = dict(zip("tzyx", map(list, ends), strict=True))
        file = str(self.folder / f"{channel}.npy")
        processor = {"volumetric": "chunk", "tile": "tile"}[kind]
        host = self.url.removeprefix("http://")
        sizes = dict(zip("xyz", size, strict=True)) | ({"t": 1} if kind == "tile" else {})
        return {
            "schema": {"name": "boss-v0.2-schema", "validator": "BossValidatorV02"},
            "client": {
                "backend": {
                    "name": "boss",
                    "class": "BossBackend",
                    "host": host,
                    "protocol": "http",
                },
                "path_processor": {"class": "mine.File", "params": {"file": file}},
                f"{processor}_processor": {
                    "class": f"mine.{processor.title()}",
                    "params": {"start": start, **params},
                },
            },
            "database": {"collection": "lab", "experiment": place_of(channel), "channel": channel},
            "ingest_job": {
                "ingest_type": kind,
                "resolution": 0,
                "extent": extent,
                f"{processor}_size": sizes,
            },
        }

    def client(self, name: str, config: Any, *words: str) -> Process:
        """Start boss-ingest."""
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(config))
        program = client_environment() / "bin" / "boss-ingest"
        log = self.folder / f"{name}.log"
        return subprocess.Popen(
            [program, "-f", "-a", self.token, "-l", log, *words, file],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=os.environ
            | {"AWS_ENDPOINT_URL": self.endpoint, "PYTHONPATH": str(self.folder / "plugins")},
        )

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Ask the gateway as boss-ingest does."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        return httpx2.request(
            method, f"{self.url}/latest/ingest/{path}", headers=headers, timeout=30, **options
        )

    def wait_for(self, number: int, status: int) -> dict[str, Any]:
        """Return what is said of an ingest job once it is so far."""
        deadline = time.monotonic() + PATIENCE_S
        while (said := self.ask("GET", f"{number}/status").json())["status"] != status:
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        return dict(said)

    def check(self, channel: str) -> None:
        """Check that a channel holds what was uploaded, and nothing is left of the upload."""
        level = open_dataset(self.lake / self.place(channel).key).level(0)
        stored = level.read(level.box).result()
        assert (stored.reshape(self.voxels[channel].shape) == self.voxels[channel]).all()

    def place(self, channel: str) -> Place:
        """Return where a channel lies."""
        name = DatasetName("lab", place_of(channel), channel)
        return Place(name, CHANNELS[channel][0])

    def aws(self, service: str) -> Any:
        """Return a client of S3 or SQS."""
        return get_session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def place_of(channel: str) -> str:
    """Return the experiment of a channel."""
    return "framed" if channel == "cells" else "plain"


def ended(client: Process) -> str:
    """Return what a client has said once it has ended, well."""
    output, _ = client.communicate(timeout=PATIENCE_S)
    assert client.returncode == 0, output
    return output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("boss-ingest")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "mine.py").write_text(PLUGINS)
    (folder / "plugins" / "sitecustomize.py").write_text(FASTER)
    lake, rng, voxels = StoreURL.parse(str(folder / "lake")), np.random.default_rng(3), {}
    with open_catalog(lake, Settings()) as catalog:
        for name, (kind, dtype, shape, axes) in CHANNELS.items():
            empty = Sample(
                f"lab/{place_of(name)}/{name}",
                np.zeros(1, dtype),
                kind,
                axes=axes,
                small=kind is Kind.IMAGE and shape != SHAPE,
                shape=shape,
                levels=2,
            )
            add_sample(lake, catalog, empty)
            full = (1, *shape) if len(shape) == 3 else shape
            voxels[name] = rng.integers(0, 200, full).astype(dtype)
            np.save(folder / f"{name}.npy", voxels[name])
        stop = tuple(lo + n for lo, n in zip(START, SHAPE, strict=True))
        assert len(stop) == 3
        catalog.frames.add(Frame("far", START, stop, (1.0, 1.0, 1.0), "nanometer", ""))
        catalog.collections.set_frame(("lab", "framed"), "far")
    with run_moto(folder) as endpoint:
        found = Lake(lake, folder, endpoint, voxels)
        found.aws("s3").create_bucket(Bucket=BUCKET)
        try:
            found.start_gateway()
            found.start_worker()
            yield found
        finally:
            found.stop()


def test_all_kinds_of_jobs_are_read_back_equal(made: Lake) -> None:
    clients = {
        "em": made.client("em", made.config("em", "volumetric", (512, 512, 16)), "-p", "3"),
        "cells": made.client(
            "cells", made.config("cells", "volumetric", (512, 512, 32), order="xyz")
        ),
        "tiles": made.client("tiles", made.config("tiles", "tile", (64, 50, 1))),
        "film": made.client("film", made.config("film", "tile", (50, 40, 1))),
    }
    for name, client in clients.items():
        output = ended(client)
        made.check(name)
        assert "Cleanup Done" in output, output
    cells = made.place("cells")
    labels = open_labels(made.lake / cells.key, made.lake / cells.index_key)
    counts = np.unique(made.voxels["cells"], return_counts=True)
    for label, count in zip(*counts, strict=True):
        if label:
            assert labels.view().extent(int(label)).voxels == count
            break
    listed = made.aws("s3").list_objects_v2(Bucket=BUCKET)
    assert listed["KeyCount"] == 0


def test_what_got_lost_on_the_way_is_asked_for_again(made: Lake) -> None:
    config = made.config("lost", "tile", (50, 40, 1))
    begun = made.ask("POST", "", json=config)
    assert begun.status_code == 201, begun.text
    number = begun.json()["id"]
    assert made.wait_for(number, UPLOADING)["current_message_count"] == 3
    queue = made.ask("GET", str(number)).json()["ingest_job"]["upload_queue"]
    sqs = made.aws("sqs")
    taken = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
    assert made.gateway is not None
    made.gateway.kill()
    made.gateway.communicate()
    made.start_gateway()
    made.workers[-1].kill()
    client = made.client("lost", made.config("lost", "tile", (50, 40, 1)), "-j", str(number))
    made.wait_for(number, COMPLETING)
    made.start_worker()
    ended(client)
    made.check("lost")
    assert made.ask("POST", f"{number}/complete").status_code == 204
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=queue)


def test_a_tile_that_does_not_decode_is_told_and_asked_for_again(made: Lake) -> None:
    mended = made.folder / "mended"
    config = made.config("bad", "tile", (50, 40, 1), bad=str(mended))
    client = made.client("bad", config)
    output, _ = client.communicate(timeout=PATIENCE_S)
    number = int(output.partition("CREATED INGEST JOB: ")[2].split()[0])
    # The client's last act is to complete the job once more.
    assert "Unknown status from engine.complete" in output
    said = made.wait_for(number, UPLOADING)
    assert said["current_message_count"] == 1
    assert "the tile at index x 0, y 0, z 1, t 0" in said["message"]
    assert "was deleted" in said["message"]
    mended.touch()
    ended(made.client("bad", config, "-j", str(number)))
    made.check("bad")
    assert made.ask("GET", f"{number}/status").json()["message"] == ""


def test_a_cancelled_job_leaves_nothing(made: Lake) -> None:
    config = made.config("film", "tile", (10, 8, 1))
    number = made.ask("POST", "", json=config).json()["id"]
    assert made.wait_for(number, UPLOADING)["current_message_count"] == 150
    joined = made.ask("GET", str(number)).json()
    assert joined["credentials"] == {"access_key": "client", "secret_key": "client-secret"}
    jobs = made.ask("GET", "").json()["ingest_jobs"]
    assert number in [each["id"] for each in jobs]
    folder = f"{PREFIX}/{number}-"
    sqs, s3 = made.aws("sqs"), made.aws("s3")
    queue = joined["ingest_job"]["upload_queue"]
    message = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert message["tile_key"].startswith(folder)
    s3.put_object(Bucket=BUCKET, Key=message["tile_key"], Body=b"")
    output = ended(made.client("cancelled", config, "-c", "-j", str(number)))
    assert "successfully cancelled" in output
    assert made.ask("GET", f"{number}/status").json()["status"] == DELETED
    deadline = time.monotonic() + PATIENCE_S
    while s3.list_objects_v2(Bucket=BUCKET, Prefix=folder)["KeyCount"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=queue)
    assert made.ask("POST", f"{number}/complete").status_code == 409


def test_a_deleted_dataset_takes_its_open_uploads_along(made: Lake) -> None:
    number = made.ask("POST", "", json=made.config("film", "tile", (10, 8, 1))).json()["id"]
    made.wait_for(number, UPLOADING)
    queue = made.ask("GET", str(number)).json()["ingest_job"]["upload_queue"]
    sqs, s3 = made.aws("sqs"), made.aws("s3")
    message = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    s3.put_object(Bucket=BUCKET, Key=message["tile_key"], Body=b"")
    asked = {"Authorization": f"Bearer {made.token}"}
    address = f"{made.url}/v2/datasets/lab/plain/film"
    deleted = httpx2.delete(address, headers=asked, timeout=30).json()
    purge = f"{made.url}/v2/deleted/{deleted['id']}/purge"
    job = httpx2.post(purge, headers=asked, timeout=30).json()["job"]
    assert number not in [each["id"] for each in made.ask("GET", "").json()["ingest_jobs"]]
    assert made.ask("GET", f"{number}/status").status_code == 409
    with open_catalog(made.lake, Settings()) as catalog:
        deadline = time.monotonic() + PATIENCE_S
        while catalog.ledger.get_job(job).state in UNFINISHED:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(NotFoundError):
            catalog.uploads.get(number)
    folder = f"{PREFIX}/{number}-"
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=folder)["KeyCount"] == 0
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=queue)
