"""Ranges of stored shards by the gateway, beside Starlette's files and streams of obstore."""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.gateway_rates import Query, Rate, Server, serving
from benchmarks.tables import markdown_table
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.rounds import Say

NAME = DatasetName("bench", "phantom", "em")
SHAPE = (256, 512, 512)
SPANS = {64_000: 2000, 200_000: 1200, 2_000_000: 200}
"""Bytes of a range, and how many of them are asked for in a round."""
CONNECTIONS = 4
GATEWAY = "voxlake"
UNLIMITED = {"VOXLAKE_REQUESTS_PER_MINUTE": str(10**12), "VOXLAKE_BYTES_PER_MINUTE": str(10**18)}
"""All is counted, and nobody is refused."""

type Rates = dict[int, dict[str, list[Rate]]]


def run_gateway_ranges(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Measure, print the table and return all figures."""
    say(f"gateway ranges: a lake of {SHAPE} voxels is made")
    lake = folder / "ranges-lake"
    make_image(lake, SHAPE)
    rates = measure(lake, SPANS, repeats)
    print(ranges_table(rates), flush=True)
    return {
        str(span): {name: [asdict(one) for one in each] for name, each in by_name.items()}
        for span, by_name in rates.items()
    }


def make_image(lake: Path, shape: Sequence[int]) -> None:
    """Make a lake with a public image."""
    lake.mkdir(parents=True)
    size = ",".join(map(str, shape))
    with Workspace.opened(StoreURL.parse(str(lake)), Settings(workers=0)) as workspace:
        place = Place(NAME, Kind.IMAGE)
        request = IngestRequest(f"phantom:{size}", place, levels=1, public=True)
        run_job(workspace, start_ingest(workspace, request))


def measure(lake: Path, spans: Mapping[int, int], repeats: int) -> Rates:
    """Return the rates of all servers, which take turns; their answers are compared first."""
    image = lake / f"{NAME}.ome.zarr"
    files = sorted(file for file in (image / "0" / "c").rglob("*") if file.is_file())
    keys = {str(file.relative_to(image)): file.stat().st_size for file in files}
    with ExitStack() as stack:
        start = stack.enter_context
        servers = {
            GATEWAY: (start(serving(_GATEWAY, str(lake), **UNLIMITED)), f"/zarr/{NAME}"),
            "FileResponse": (start(serving(_PEERS, "file-response", str(image))), ""),
            "obstore": (start(serving(_PEERS, "obstore", str(image))), ""),
        }
        return {
            span: _take_turns(servers, keys, span, count, repeats) for span, count in spans.items()
        }


_GATEWAY = "benchmarks.gateway_process"
_PEERS = "benchmarks.range_servers"


def _take_turns(
    servers: Mapping[str, tuple[Server, str]],
    keys: Mapping[str, int],
    span: int,
    count: int,
    repeats: int,
) -> dict[str, list[Rate]]:
    chance, ranges = random.Random(span), list[tuple[str, int, int]]()
    for _ in range(64):
        key, size = chance.choice(list(keys.items()))
        begin = chance.randrange(max(size - span, 1))
        ranges.append((key, begin, min(begin + span, size)))
    asked = {
        name: [
            Query(f"{prefix}/{key}", stop - start, {"Range": f"bytes={start}-{stop - 1}"})
            for key, start, stop in ranges
        ]
        for name, (_, prefix) in servers.items()
    }
    for queries in zip(*asked.values(), strict=True):
        bodies = {
            name: servers[name][0].ask(query) for name, query in zip(asked, queries, strict=True)
        }
        assert len(set(bodies.values())) == 1, f"{queries[0]} differs"
        assert len(bodies[GATEWAY]) == queries[0].nbytes
    rates = {name: list[Rate]() for name in servers}
    for _ in range(repeats):
        for name, (server, _) in servers.items():
            rates[name].append(server.rate(asked[name], count, CONNECTIONS))
    return rates


def ranges_table(rates: Rates) -> str:
    """Return the best rates of each server as a Markdown table."""
    head = ("range", "server", "MB per CPU s", "requests per CPU s", "MB/s", "voxlake is faster by")
    rows = [head]
    for span, by_name in rates.items():
        best = {name: max(each, key=lambda one: one.mb_per_cpu_s) for name, each in by_name.items()}
        for name, one in best.items():
            rows.append(
                (
                    f"{span // 1000} kB",
                    name,
                    f"{one.mb_per_cpu_s:,.0f}",
                    f"{one.requests / one.cpu_s:,.0f}",
                    f"{one.nbytes / 1e6 / one.wall_s:,.0f}",
                    f"{best[GATEWAY].mb_per_cpu_s / one.mb_per_cpu_s:.1f}",
                )
            )
    cpus = os.cpu_count()
    return markdown_table(f"ranges of shards, {CONNECTIONS} connections, {cpus} cores", rows)
