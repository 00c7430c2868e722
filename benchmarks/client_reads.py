"""Boxes read by a Python client, one after another: through a gateway, and on the store.

The voxlake client and intern ask the same gateway; TensorStore, and the client without a gateway,
read the store in this process.
Ways take turns, and what they read is compared before it is measured. TensorStore, the client on
the store and the gateway have as much memory for decoded chunks, a fraction of the image.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from benchmarks.bossdb_client import ranges_of, remote_of
from benchmarks.gateway_cutouts import boxes_of, opened
from benchmarks.gateway_ranges import NAME, UNLIMITED, make_image
from benchmarks.gateway_rates import serving
from benchmarks.tables import markdown_table
from voxlake.api.gateway import divide_memory
from voxlake.client import Gateway, Lake
from voxlake.ngff.dataset import open_dataset
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from benchmarks.rounds import Say
    from voxlake.client.arrays.dataset_array import DatasetArray
    from voxlake.ngff.grid.box import Box

    type Read = Callable[[Box], npt.NDArray[Any]]

SHAPE = (384, 512, 512)
EDGE, COUNT = 256, 12
MEMORY_BYTES = 128 << 20
PEER, DIRECT, CLIENT, INTERN = (
    "TensorStore on the store",
    "client, on the store",
    "client, by the gateway",
    "intern, by the gateway",
)


@dataclass(slots=True)
class Rounds:
    """What rounds of reading all boxes took, of one way."""

    way: str
    nbytes: int
    """Of a round."""
    seconds: list[float] = field(default_factory=list)

    @property
    def mb_per_s(self) -> float:
        """Megabytes of voxels in a second of the median round."""
        return self.nbytes / 1e6 / statistics.median(self.seconds)


def run_client_reads(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Measure, print the table and return all figures."""
    say(f"client reads: a lake of {SHAPE} voxels is made")
    lake = folder / "client-reads-lake"
    make_image(lake, SHAPE)
    rounds = measure(lake, boxes_of(SHAPE, EDGE, 1)[:COUNT], repeats)
    load = psutil.getloadavg()[0]
    print(reads_table(rounds, load), flush=True)
    return {"load": load, "rounds": [asdict(each) for each in rounds]}


def measure(lake: Path, boxes: Sequence[Box], repeats: int) -> list[Rounds]:
    """Return what it takes to read the boxes, way by way.

    Raises
    ------
    RuntimeError
        If the ways do not read the same voxels.
    """
    _, cache_bytes, _ = divide_memory(MEMORY_BYTES)
    array, direct = opened(lake, cache_bytes), on_the_store(lake, cache_bytes)
    limits = {"VOXLAKE_GATEWAY_MEMORY_BYTES": str(MEMORY_BYTES)}
    with (
        serving("benchmarks.gateway_process", str(lake), **UNLIMITED, **limits) as server,
        Gateway(f"http://{server.address}", "") as gateway,
    ):
        image, (remote, channel) = gateway[str(NAME)], remote_of(server.address, "public")
        intern = partial(remote.get_cutout, channel, 0)
        ways: dict[str, Read] = {
            PEER: lambda box: np.asarray(array[box.slices].read().result()),
            DIRECT: lambda box: np.asarray(direct[box.slices]),
            CLIENT: lambda box: np.asarray(image[box.slices]),
            INTERN: lambda box: np.asarray(intern(*ranges_of(box))),
        }
        for box in boxes:
            want, *others = (read(box) for read in ways.values())
            if not all(np.array_equal(each, want) for each in others):
                raise RuntimeError(f"the ways do not read the same voxels of {box}")
        nbytes = sum(box.size for box in boxes)
        found = {way: Rounds(way, nbytes) for way in ways}
        for _ in range(repeats):
            for way, read in ways.items():
                began = time.perf_counter()
                for box in boxes:
                    read(box)
                found[way].seconds.append(time.perf_counter() - began)
        return list(found.values())


def on_the_store(lake: Path, cache_bytes: int) -> DatasetArray:
    """Return the image as the client has it on the store, with so much memory for chunks."""
    found = Lake.at(str(lake))[str(NAME)]
    level = open_dataset(StoreURL.parse(found.address)).level(0, cache_bytes)
    return replace(found, read_box=lambda _, box: level.read(box).result())


def reads_table(rounds: Sequence[Rounds], load: float) -> str:
    """Return the rates as a Markdown table."""
    rates = {each.way: each.mb_per_s for each in rounds}
    rows = [("by", "MB/s", "of TensorStore", "of intern")]
    rows += [
        (way, f"{rate:,.0f}", f"{rate / rates[PEER]:.2f}", f"{rate / rates[INTERN]:.1f}")
        for way, rate in rates.items()
    ]
    return markdown_table(f"boxes of {EDGE}^3 voxels, one after another (load {load:.1f})", rows)
