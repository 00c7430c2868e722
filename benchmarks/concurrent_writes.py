"""``python -m benchmarks.concurrent_writes``: eight processes write parts of the same shards.

Each writer owns boxes of all sizes, which cross the faces of shards, and writes to them time and
again, zeros among it. A write is lost if its voxels are not there when their owner looks again, or
at the end. The same is done with zarr-python, which has no protection against it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from tests.ngff.labels.samples import new_volume
from tests.ngff.writers import CHUNK, SHAPE, SHARD, WRITERS, Writer, expected, run_together
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, run_s3

from benchmarks.tables import markdown_table
from voxlake.ngff.volume import open_volume
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator


def main(arguments: list[str] | None = None) -> None:
    """Run every library on every store and print a table."""
    parser = argparse.ArgumentParser("python -m benchmarks.concurrent_writes", description=__doc__)
    parser.add_argument("--writes", type=int, default=8000, help="of all processes together")
    options = parser.parse_args(arguments)
    rows: list[tuple[str, ...]] = [
        ("store", "library", "writes", "lost", "% lost", "wrong voxels at the end", "s")
    ]
    with tempfile.TemporaryDirectory() as folder, stores(Path(folder)) as places:
        for store, place in places.items():
            for library in ("voxlake", "zarr"):
                rows.append((store, library, *run(place, library, options.writes)))
                print(*rows[-1], flush=True)
    print(markdown_table(f"{WRITERS} processes, {SHAPE} uint8 in shards of {SHARD}", rows))


def run(place: StoreURL, library: str, writes: int) -> tuple[str, ...]:
    """Let the writers run below `place` and return the cells of a row."""
    url = place / f"{library}-{uuid4().hex[:8]}"
    new_volume(url, SHAPE, CHUNK, SHARD, dtype="uint8")
    team = [Writer(url, number, writes // WRITERS, library) for number in range(WRITERS)]
    began = time.monotonic()
    lost = sum(run_together(team))
    seconds = time.monotonic() - began
    wanted, volume = expected(team), open_volume(url)
    lost += sum(
        bool((volume.read(box).result() != wanted[box.slices]).any())
        for writer in team
        for box in {box for box, _ in writer.steps()}
    )
    wrong = np.count_nonzero(volume.read(volume.box).result() != wanted)
    share = f"{100 * lost / writes:.1f}"
    return str(writes), str(lost), share, f"{wrong} of {wanted.size}", f"{seconds:.0f}"


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, StoreURL]]:
    """Yield an empty place in a folder and one on a real S3 server."""
    (folder / "lake").mkdir()
    with run_s3(folder) as server:
        os.environ |= {
            "VOXLAKE_S3_ACCESS_KEY_ID": ACCESS_KEY,
            "VOXLAKE_S3_SECRET_ACCESS_KEY": SECRET_KEY,
        }
        yield {
            "folder": StoreURL.parse(str(folder / "lake")),
            "S3 (SeaweedFS)": StoreURL.parse(
                f"s3://{server.bucket}/lake?endpoint={server.endpoint}&region=us-east-1"
            ),
        }


if __name__ == "__main__":
    main()
