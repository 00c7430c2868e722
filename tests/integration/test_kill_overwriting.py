"""Kill -9 of a command that writes over a dataset, at any moment: the old one is whole, or the new.

VOXLAKE_TEST_KILL_ROUNDS=5 tries five times as many of them.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from threading import Event, Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.view import View
from voxlake.ngff.lake import Place, index_of
from voxlake.platform import store
from voxlake.platform.errors import ConflictError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL

pytestmark = pytest.mark.timeout(600)

PLACE = Place(DatasetName.parse("faults/over/cells"), Kind.LABELS)
OLD, NEW = (70, 60, 50), (300, 60, 52)
KILLS = 4 * int(os.environ.get("VOXLAKE_TEST_KILL_ROUNDS", "1"))
PATIENCE_S = 120


class Run:
    """A lake on which the real command is run."""

    def __init__(self, lake: StoreURL, folder: Path) -> None:
        self.lake, self.folder = lake, folder
        for shape, value in ((OLD, 1), (NEW, 2)):
            np.save(folder / f"{value}.npy", np.full(shape, value, np.uint8))

    def ingest(self, value: int) -> subprocess.Popen[bytes]:
        """Start to ingest a volume of one value, over what is there."""
        words = ["ingest", f"{self.folder}/{value}.npy", str(PLACE.name), "--kind", "labels"]
        options = ["--voxel-size", "8nm", "--index", "--overwrite", "--lake", str(self.lake)]
        settings = {
            "VOXLAKE_WORKERS": "0",
            "VOXLAKE_TASK_BYTES": "1",
            "VOXLAKE_DATABASE_URL": f"sqlite:///{self.folder}/catalog.sqlite",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "voxlake.cli", *words, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | settings,
        )

    def look(self) -> int:
        """Return the value that every voxel, of every level, and the index have."""
        dataset = open_dataset(self.lake / PLACE.key)
        labels = Labels(dataset.level(0), index_of(self.lake, PLACE)).ask(View.all)
        volumes = [dataset.level(level) for level in range(dataset.levels)]
        (value,) = {int(v) for each in volumes for v in np.unique(each.read(each.box).result())}
        shape = {1: OLD, 2: NEW}[value]
        assert volumes[0].shape == shape
        assert (labels.labels.tolist(), labels.voxels.tolist()) == ([value], [np.prod(shape)])
        return value

    def stored(self) -> set[str]:
        """Return the folders of the group and of the index that hold anything."""
        keys = [info.url.key.partition("/over/")[2] for info in store.walk(self.lake / "faults")]
        return {"/".join(key.split("/")[: 3 if ".index" in key else 2]) for key in keys}


def _end(process: subprocess.Popen[bytes]) -> float:
    """Wait for a command to end, and return how many seconds that took."""
    begun = time.monotonic()
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said.decode()
    return time.monotonic() - begun


@pytest.mark.parametrize("kind", ["lake", "s3_store"])
def test_killed_while_it_writes_over(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    run = Run(request.getfixturevalue(kind), tmp_path)
    if not run.lake.is_local:
        # What `voxlake init` does on S3.
        store.write(run.lake / ".voxlake/lake.json", b"{}")
    takes_s = _end(run.ingest(1))
    assert run.look() == 1
    ended, seen, moments = Event(), [1], random.Random(os.environ.get("VOXLAKE_SEED"))

    def watch() -> None:
        while not ended.is_set():
            # Between the look at the metadata and that at the voxels the old ones may go.
            try:
                seen.append(run.look())
            except ConflictError:
                continue
            time.sleep(0.02)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        for _ in range(KILLS):
            process = run.ingest(2)
            time.sleep(takes_s * moments.uniform(0.3, 2))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert run.look() in {1, 2}
        _end(run.ingest(2))
    finally:
        ended.set()
        watcher.join()
    assert run.look() == 2
    assert seen == sorted(seen)
    (folder,) = {key.rpartition("/")[2] for key in run.stored()} - {"zarr.json"}
    assert folder == open_dataset(run.lake / PLACE.key).multiscale.folder
