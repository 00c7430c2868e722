"""Cutouts by the gateway, in several formats, beside TensorStore that reads them in process.

All have as much memory for decoded chunks, which is a fraction of the volume.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from io import BytesIO
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts
from numcodecs import blosc

from benchmarks.gateway_ranges import NAME, UNLIMITED, make_image
from benchmarks.gateway_rates import Query, Rate, Server, serving
from benchmarks.tables import markdown_table
from voxlake.api.gateway import divide_memory
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from benchmarks.rounds import Say

SHAPE = (256, 512, 512)
EDGE, COUNT, AT_ONCE = 128, 60, 2
CHUNK = 64
"""Extent of a chunk of the image, along each axis."""
MEMORY_BYTES = 64 << 20
PEER = "TensorStore in process"
FORMATS: dict[str, Callable[[bytes, Sequence[int]], npt.NDArray[np.uint8]]] = {
    "raw": lambda body, shape: np.frombuffer(body, np.uint8).reshape(shape),
    "npy": lambda body, _: np.load(BytesIO(body), allow_pickle=False),
    "blosc": lambda body, shape: np.frombuffer(blosc.decompress(body), np.uint8).reshape(shape),
}
"""How the voxels of each format are read back."""

type Rates = dict[str, dict[str, list[Rate]]]


def run_gateway_cutouts(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Measure, print the table and return all figures."""
    say(f"gateway cutouts: a lake of {SHAPE} voxels is made")
    lake = folder / "cutouts-lake"
    make_image(lake, SHAPE)
    rates = measure(lake, SHAPE, EDGE, COUNT, repeats)
    print(cutouts_table(rates), flush=True)
    return {
        how: {name: [asdict(one) for one in each] for name, each in by_name.items()}
        for how, by_name in rates.items()
    }


def measure(lake: Path, shape: Sequence[int], edge: int, count: int, repeats: int) -> Rates:
    """Return the rates of boxes on and off the grid of chunks; the ways take turns."""
    _, cache_bytes, _ = divide_memory(MEMORY_BYTES)
    array = opened(lake, cache_bytes)
    limits = {"VOXLAKE_GATEWAY_MEMORY_BYTES": str(MEMORY_BYTES)}
    with serving("benchmarks.gateway_process", str(lake), **UNLIMITED, **limits) as server:
        return {
            how: _take_turns(server, array, boxes_of(shape, edge, step), count, repeats)
            for how, step in (("aligned", CHUNK), ("unaligned", 1))
        }


def boxes_of(shape: Sequence[int], edge: int, step: int) -> list[Box]:
    """Return random boxes that begin at multiples of `step`."""
    chance = random.Random(edge + step)
    starts = [
        tuple(chance.randrange(0, extent - edge + 1, step) for extent in shape) for _ in range(24)
    ]
    return [Box(start, tuple(lo + edge for lo in start)) for start in starts]


def opened(lake: Path, cache_bytes: int) -> ts.TensorStore:
    """Return level 0 of the image, read in this process with so much memory for chunks."""
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{lake}/{NAME}.ome.zarr/0/"},
        "context": {"cache_pool": {"total_bytes_limit": cache_bytes}},
    }
    return ts.open(spec, open=True).result()


def _take_turns(
    server: Server, array: ts.TensorStore, boxes: Sequence[Box], count: int, repeats: int
) -> dict[str, list[Rate]]:
    queries = {form: [_query(box, form) for box in boxes] for form in FORMATS}
    for form, decode in FORMATS.items():
        for box, query in zip(boxes, queries[form], strict=True):
            found = decode(server.ask(query), box.shape)
            assert np.array_equal(found, array[box.slices].read().result()), f"{form} of {box}"
    rates = {name: list[Rate]() for name in (PEER, *FORMATS)}
    for _ in range(repeats):
        rates[PEER].append(_in_process(array, boxes, count))
        for form in FORMATS:
            rates[form].append(server.rate(queries[form], count, AT_ONCE))
    return rates


def _query(box: Box, form: str) -> Query:
    asked = "&".join(
        f"{axis}={lo}:{hi}" for axis, lo, hi in zip("zyx", box.start, box.stop, strict=True)
    )
    return Query(f"/v2/datasets/{NAME}/cutout?{asked}&format={form}", box.size, {})


def _in_process(array: ts.TensorStore, boxes: Sequence[Box], count: int) -> Rate:
    """Read so many boxes by as many threads as there are connections to the gateway."""

    def read(box: Box) -> int:
        return int(array[box.slices].read().result().nbytes)

    cpu, begun = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        nbytes = sum(threads.map(read, islice(cycle(boxes), count)))
    return Rate(nbytes, count, time.process_time() - cpu, time.perf_counter() - begun)


def cutouts_table(rates: Rates) -> str:
    """Return the best rates of each way as a Markdown table."""
    rows = [("boxes", "by", "MB per CPU s", "MB/s", "of TensorStore, per CPU s")]
    for how, by_name in rates.items():
        best = {name: max(each, key=lambda one: one.mb_per_cpu_s) for name, each in by_name.items()}
        for name, one in best.items():
            rows.append(
                (
                    how,
                    name,
                    f"{one.mb_per_cpu_s:,.0f}",
                    f"{one.nbytes / 1e6 / one.wall_s:,.0f}",
                    f"{one.mb_per_cpu_s / best[PEER].mb_per_cpu_s:.2f}",
                )
            )
    return markdown_table(f"cutouts of {EDGE}^3 voxels, {AT_ONCE} at a time", rows)
