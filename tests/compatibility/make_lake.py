"""Make the lake that today's voxlake must be able to read for ever: see README.md.

Run by the Python of the commit whose bytes are to be kept. Only commands and routes are used, so
that the same script makes a lake with any commit::

    PYTHON tests/compatibility/make_lake.py NAME
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import tensorstore as ts

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

SHAPE = (20, 36, 1600)
"""Four shards along x, the second of them nothing but background."""
IDS = np.array([0, 1, 2, 3, 2**53 + 1, 2**63 + 11], np.uint64)
EDITS = (((0, 20), (4, 12), (500, 530), 7), ((8, 12), (0, 36), (1100, 1110), 2))
"""Boxes z, y, x of level 0, and the label that another program writes there."""
OBJECTS = {
    "1": {"type": "neuron", "name": "Tm3 left", "status": "traced", "key_values": {"side": "L"}},
    "2": {"type": "synapse", "parent": "1", "confidence": 0.75},
    str(2**63 + 11): {"type": "organelle", "name": "mitochondrion"},
    "3": {"type": "segment", "name": "after the compaction"},
}
KILLED = "phantom:4,8,12000?kind=labels&seed=5"


@dataclass(frozen=True)
class Maker:
    """Makes a lake with the commands of the Python that runs this."""

    lake: str
    folder: Path
    """For sources."""

    def voxlake(self, *words: str, **settings: str) -> None:
        """Run a command."""
        subprocess.run(self.command(*words), check=True, env=os.environ | settings)

    def command(self, *words: str) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "voxlake.cli", *words, "--lake", self.lake]

    def source(self, name: str, voxels: Any) -> str:
        """Write voxels to a file and return its name."""
        np.save(self.folder / f"{name}.npy", voxels)
        return str(self.folder / f"{name}.npy")

    @contextmanager
    def served(self) -> Iterator[httpx2.Client]:
        """Serve the lake to a client of its owner."""
        command = [*self.command("serve"), "--port", "0", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                told = json.loads(b"".join(iter(process.stdout.readline, b"}\n")) + b"}")
                token = Path(told["token_file"]).read_text(encoding="ascii").strip()
                headers = {"Authorization": f"Bearer {token}"}
                with httpx2.Client(base_url=told["url"], headers=headers) as client:
                    yield client
            finally:
                process.terminate()


def image_voxels() -> Any:
    """Return blocks of grey; a corner is black."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    voxels = ((z // 4) * 37 + (y // 6) * 11 + (x // 8) * 5) % 251
    voxels[:, :, :128] = 0
    return voxels.astype(np.uint8)


def label_voxels() -> Any:
    """Return blocks of labels, ids above 2^53 and 2^63 among them; a shard has none."""
    coarse = np.random.default_rng(3).choice(IDS, (3, 4, 67))
    voxels = coarse.repeat(9, 0).repeat(9, 1).repeat(24, 2)
    voxels[:, :, 512:1024] = 0
    return np.ascontiguousarray(voxels[tuple(slice(0, n) for n in SHAPE)])


def make_image_and_labels(maker: Maker, open_level: Any) -> Any:
    """Make ``lab/brain/em`` and its labels ``cells``, indexed, edited, named and merged."""
    voxels = label_voxels()
    em, cells = maker.source("em", image_voxels()), maker.source("cells", voxels)
    image = ["lab/brain/em", "--kind", "image", "--voxel-size", "40,10,10nm", "--public"]
    maker.voxlake("ingest", em, *image)
    labels = ["lab/brain/cells", "--kind", "labels", "--of", "em", "--index"]
    maker.voxlake("ingest", cells, *labels)
    change_labels(maker, open_level, EDITS[0], voxels)
    describe(maker, dict(list(OBJECTS.items())[:3]), [["1", "2", "3"]])
    maker.voxlake("compact", "lab/brain/cells")
    change_labels(maker, open_level, EDITS[1], voxels)
    describe(maker, dict(list(OBJECTS.items())[3:]), [[str(2**53 + 1), "7"]])
    maker.voxlake("cleave", "lab/brain/cells", "1", "3")
    maker.voxlake("reserve", "lab/brain/cells", "100")
    return voxels


def change_labels(maker: Maker, open_level: Any, edit: Any, voxels: Any) -> None:
    """Write as another program does, which tells nobody; then build the levels anew, and audit."""
    *ranges, label = edit
    box = tuple(slice(lo, hi) for lo, hi in ranges)
    voxels[box] = label
    open_level("lab/brain/em.ome.zarr/labels/cells", 0)[box].write(np.uint64(label)).result()
    maker.voxlake("downsample", "lab/brain/cells")
    maker.voxlake("audit", "lab/brain/cells")


def describe(maker: Maker, objects: dict[str, Any], merges: list[list[str]]) -> None:
    """Put objects and merge bodies through the gateway."""
    with maker.served() as client:
        below = "/v2/datasets/lab/brain/cells"
        for label, document in objects.items():
            client.put(f"{below}/objects/{label}", json=document).raise_for_status()
        for labels in merges:
            client.post(f"{below}/merges", json={"labels": labels}).raise_for_status()


def make_others(maker: Maker) -> None:
    """Make an image with time and channels, indexed labels of their own, and a killed ingest."""
    rng = np.random.default_rng(4)
    voxels = rng.integers(0, 5000, (2, 3, 4, 5, 6)).repeat(4, 2).repeat(4, 3).repeat(4, 4)
    several = maker.source("several", voxels.astype(np.uint16))
    maker.voxlake("ingest", several, "lab/brain/several", "--kind", "image", "--voxel-size", "10nm")
    phantom = "phantom:8,12,1100?kind=labels&seed=4&ids=extreme"
    maker.voxlake("ingest", phantom, "lab/phantom/bodies", "--kind", "labels", "--index")
    command = maker.command("ingest", KILLED, "lab/phantom/killed", "--kind", "labels", "--index")
    process = subprocess.Popen(command, env=os.environ | {"VOXLAKE_TASK_BYTES": "1"})
    catalog = folder_of(maker.lake) / ".voxlake" / "catalog.sqlite"
    while count_done(catalog) < 8:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    process.kill()
    process.wait()


def count_done(catalog: Path) -> int:
    """Return how many tasks of the last job are done."""
    query = """select count(*) from done_tasks join stages on stages.id = done_tasks.stage
               where stages.job = (select id from jobs where dataset = 'lab/phantom/killed')"""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True, timeout=60)) as database:
        return int(database.execute(query).fetchone()[0])


def forget_machine(catalog: Path) -> None:
    """Leave no name of this machine behind, and fold what SQLite wrote beside the file into it."""
    with closing(sqlite3.connect(catalog)) as database:
        changes = "host = 'elsewhere', machine = 'elsewhere'"
        database.execute(f"update jobs set {changes} where host is not null")
        database.execute("update jobs set spec = replace(spec, ?, '/data')", [str(HERE_SOURCES)])
        database.commit()
        database.execute("pragma journal_mode = delete")
        database.execute("vacuum")


def facts(open_level: Any, voxels: Any) -> dict[str, Any]:
    """Return what must be so, found by counting voxels."""
    labels, sizes = np.unique(voxels, return_counts=True)
    found: dict[str, Any] = {"levels": {}, "labels": {}}
    for path in DATASETS:
        found["levels"][path] = list(map(digest, levels_of(open_level, path)))
    for label, size in zip(labels.tolist(), sizes.tolist(), strict=True):
        if label:
            places = np.argwhere(voxels == label)
            box = [places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()]
            found["labels"][str(label)] = {"voxels": size, "box": box}
    found["objects"] = OBJECTS
    found["bodies"] = {"1": "1", "2": "1", "3": "3", str(2**53 + 1): str(2**53 + 1)}
    found["bodies"] |= {"7": str(2**53 + 1), str(2**63 + 11): str(2**63 + 11)}
    found["killed"] = KILLED
    return found


DATASETS = (
    "lab/brain/em.ome.zarr",
    "lab/brain/em.ome.zarr/labels/cells",
    "lab/brain/several.ome.zarr",
    "lab/phantom/bodies.ome.zarr",
)


def levels_of(open_level: Any, path: str) -> Iterator[Any]:
    """Yield the levels of a dataset."""
    with suppress(ValueError):  # there is none of that number
        for level in count():
            yield open_level(path, level)


def digest(level: Any) -> dict[str, Any]:
    """Return the shape of a level, and the SHA-256 of its voxels, little-endian in C order."""
    voxels = np.ascontiguousarray(level.read().result())
    found = hashlib.sha256(voxels.astype(voxels.dtype.newbyteorder("<")).tobytes()).hexdigest()
    return {"shape": list(voxels.shape), "dtype": voxels.dtype.name, "sha256": found}


def folder_of(lake: str) -> Path:
    """Return the folder of a lake in memory."""
    return Path(f"/dev/shm/voxlake-memory-{os.getuid()}") / lake.removeprefix("memory://")


def opener(kvstore: Any) -> Any:
    """Return what opens a level below a store."""

    def open_level(path: str, level: int) -> Any:
        place = {**kvstore, "path": f"{kvstore['path']}{path}/{level}/"}
        spec = {"driver": "zarr3", "kvstore": place, "recheck_cached_data": "open"}
        return ts.open(spec, open=True, context=ts.Context()).result()

    return open_level


def make_local(folder: Path, name: str) -> None:
    """Make the lake in memory, whose address is the same on every machine."""
    lake = f"memory://{name}"
    shutil.rmtree(folder_of(lake), ignore_errors=True)
    maker = Maker(lake, folder)
    maker.voxlake("init")
    open_level = opener({"driver": "file", "path": f"{folder_of(lake)}/"})
    voxels = make_image_and_labels(maker, open_level)
    make_others(maker)
    forget_machine(folder_of(lake) / ".voxlake" / "catalog.sqlite")
    known = facts(open_level, voxels)
    (HERE / f"{name}.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    shutil.make_archive(str(HERE / name), "zip", folder_of(lake))
    shutil.rmtree(folder_of(lake))


def make_remote(folder: Path, name: str) -> None:
    """Make image and labels on S3, where an ETag is a hash of the bytes: a copy is not stale."""
    from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, run_s3

    with run_s3(folder) as server:
        keys = {"VOXLAKE_S3_ACCESS_KEY_ID": ACCESS_KEY, "VOXLAKE_S3_SECRET_ACCESS_KEY": SECRET_KEY}
        keys |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        keys |= {"VOXLAKE_S3_ENDPOINT": server.endpoint}
        keys |= {"VOXLAKE_DATABASE_URL": f"sqlite:///{folder}/remote.sqlite"}
        os.environ.update(keys)
        maker = Maker(f"s3://{server.bucket}/{name}", folder)
        maker.voxlake("init")
        kvstore = {"driver": "s3", "bucket": server.bucket, "path": f"{name}/"}
        open_level = opener(kvstore | {"endpoint": server.endpoint, "aws_region": "us-east-1"})
        make_image_and_labels(maker, open_level)
        kept = ts.KvStore.open(kvstore | {"endpoint": server.endpoint, "aws_region": "us-east-1"})
        store, copy = kept.result(), folder / "remote"
        for key in store.list().result():
            target = copy / key.decode()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(store.read(key).result().value)
    shutil.make_archive(str(HERE / f"{name}-s3"), "zip", copy)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        HERE_SOURCES = Path(temporary)
        make_local(HERE_SOURCES, sys.argv[1])
        make_remote(HERE_SOURCES, sys.argv[1])
