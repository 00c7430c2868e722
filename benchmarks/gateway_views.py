"""What a chunk costs the gateway in each view: as it lies, or decoded and encoded again.

A client asks a gateway, in a process of its own, for chunks of 64^3 voxels of one shard, one after
another; ways take turns. What counts is the CPU time of the gateway's process.

``python -m benchmarks.gateway_views LAKE`` is a gateway that decodes and encodes all chunks.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import zstandard

from benchmarks import gateway_process
from benchmarks.gateway_memory import make_lake
from benchmarks.gateway_rates import Query, Rate, Server, serving
from benchmarks.gateway_requests import IMAGE, LABELS
from benchmarks.tables import markdown_table
from voxlake.api.data.stored.precomputed import PrecomputedLevel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.rounds import Say
    from voxlake.ngff.grid.box import Box

SHAPE = (128, 192, 192)
CHUNK = 64
REQUESTS = 400
"""In a row, of one way."""
AS_IT_LIES, RECODED = "precomputed, as it lies", "precomputed, decoded and encoded by zstd"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a chunk, and what it took."""

    dataset: str
    name: str
    body_bytes: float
    """Of an answer, on average."""
    requests_per_cpu_s: float
    """Requests for each second of the gateway's CPU time."""


def run_gateway_views(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Measure, print the table and return all figures."""
    say(f"gateway views: a lake of {SHAPE} voxels is made")
    lake = folder / "views-lake"
    make_lake(lake, SHAPE)
    ways = measure(lake, repeats)
    print(views_table(ways), flush=True)
    return {"ways": [asdict(way) for way in ways]}


def measure(lake: Path, repeats: int, requests: int = REQUESTS) -> list[Way]:
    """Return all ways to the chunks of the image and the labels."""
    with gateway(lake) as plain, gateway(lake, recoding=True) as recoding:
        turns = {
            (dataset, name): (server, _queries(server, paths, headers))
            for dataset, encoding in ((IMAGE, "jpeg"), (LABELS, "compressed_segmentation"))
            for name, server, paths, headers in _ways(plain, recoding, dataset, encoding)
        }
        rates = {way: list[Rate]() for way in turns}
        for _ in range(repeats):
            for way, (server, queries) in turns.items():
                rates[way].append(server.rate(queries, requests, 1))
    return [
        Way(dataset, name, each[0].nbytes / requests, requests / min(one.cpu_s for one in each))
        for (dataset, name), each in rates.items()
    ]


def _queries(server: Server, paths: Sequence[str], headers: dict[str, str]) -> list[Query]:
    """Ask for each once, which finds what is kept from then on, and return it by its bytes."""
    asked = [Query(path, 0, headers) for path in paths]
    return [replace(query, nbytes=len(server.ask(query))) for query in asked]


def _ways(
    plain: Server, recoding: Server, dataset: str, encoding: str
) -> Iterator[tuple[str, Server, list[str], dict[str, str]]]:
    cells = list(itertools.product(*(range(n // CHUNK) for n in SHAPE)))
    spans = [
        "_".join(f"{index * CHUNK}-{(index + 1) * CHUNK}" for index in cell[::-1]) for cell in cells
    ]
    zstd, gzip = {"Accept-Encoding": "zstd"}, {"Accept-Encoding": "gzip"}
    chunks = [f"/precomputed/{dataset}/0/{span}" for span in spans]
    yield AS_IT_LIES, plain, chunks, zstd
    yield RECODED, recoding, chunks, zstd
    yield "precomputed, decoded", plain, chunks, {"Accept-Encoding": "identity"}
    yield "precomputed, decoded and encoded by gzip", plain, chunks, gzip
    yield (
        f"precomputed, {encoding}",
        plain,
        [f"/precomputed/{dataset}/{encoding}/0/{span}" for span in spans],
        zstd,
    )
    yield "flat", plain, [f"/flat/{dataset}/0/c/{'/'.join(map(str, cell))}" for cell in cells], {}


def gateway(lake: Path, *, recoding: bool = False) -> AbstractContextManager[Server]:
    """Run a gateway over a lake."""
    module = "benchmarks.gateway_views" if recoding else "benchmarks.gateway_process"
    return serving(module, str(lake), VOXLAKE_REQUESTS_PER_MINUTE="0")


def check_equal(lake: Path) -> None:
    """Hold that a chunk is the same voxels, whether it was decoded and encoded or not."""
    span = f"0-{CHUNK}_0-{CHUNK}_0-{CHUNK}"
    query = Query(f"/precomputed/{LABELS}/0/{span}", 0, {"Accept-Encoding": "zstd"})
    with gateway(lake) as plain, gateway(lake, recoding=True) as recoding:
        bodies = [zstandard.decompress(server.ask(query)) for server in (plain, recoding)]
    assert bodies[0] == bodies[1]


def views_table(ways: Sequence[Way]) -> str:
    """Return the ways as a table, each beside the one that decodes and encodes again."""
    base = {way.dataset: way.requests_per_cpu_s for way in ways if way.name == RECODED}
    rows = [
        (
            way.dataset.rpartition("/")[2],
            way.name,
            f"{way.body_bytes / 1024:.0f}",
            f"{way.requests_per_cpu_s:.0f}",
            f"{way.requests_per_cpu_s / base[way.dataset]:.1f}",
        )
        for way in ways
    ]
    head = ("dataset", "way", "KiB", "requests / CPU second", "to decoded and encoded")
    return markdown_table("A chunk of 64^3 voxels by the gateway", [head, *rows])


def never(self: PrecomputedLevel, box: Box) -> bool:
    """Return that no chunk is sent as it lies."""
    del self, box
    return False


if __name__ == "__main__":
    PrecomputedLevel.lies_so = never  # type: ignore[method-assign]
    gateway_process.main()
