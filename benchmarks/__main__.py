"""Measure and print tables; draw them, if asked to."""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import platform
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks.candidates.catalogue import CANDIDATES, OF_PNG
from benchmarks.codecs import run_codecs
from benchmarks.linear import measure_growth
from benchmarks.memory import measure_memory
from benchmarks.plots import draw_all
from benchmarks.rounds import run_benchmark
from benchmarks.tables import growth_table, memory_table, rate_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measure import Candidate

LIBRARIES = (
    "voxlake",
    "acquire-zarr",
    "cloud-volume",
    "connected-components-3d",
    "dask",
    "fastremap",
    "ngff-zarr",
    "numcodecs",
    "numpy",
    "obstore",
    "ome-zarr",
    "stack-to-chunk",
    "tensorstore",
    "tinybrain",
    "zarr",
    "zarrista",
    "zarrs",
    "zstandard",
)

ALONE = {
    "label-index": ("benchmarks.label_index:run_label_index", ("repeats",)),
    "label-lookups": ("benchmarks.label_lookups:run_label_lookups", ("rows", "repeats")),
    "label-writes": ("benchmarks.label_writes:run_label_writes", ("repeats",)),
    "writes-over-http": ("benchmarks.writes_over_http:run_writes_over_http", ("repeats",)),
    "label-segments": ("benchmarks.label_segments:run_label_segments", ("rows",)),
    "gateway-memory": ("benchmarks.gateway_memory:run_gateway_memory", ()),
    "gateway-views": ("benchmarks.gateway_views:run_gateway_views", ("repeats",)),
    "gateway-hostile": ("benchmarks.gateway_hostile:run_gateway_hostile", ()),
    "gateway-layers": ("benchmarks.gateway_layers:run_gateway_layers", ("repeats",)),
    "gateway-cutouts": ("benchmarks.gateway_cutouts:run_gateway_cutouts", ("repeats",)),
    "client-reads": ("benchmarks.client_reads:run_client_reads", ("repeats",)),
    "bossdb": ("benchmarks.bossdb:run_bossdb", ("repeats",)),
    "gateway-ranges": ("benchmarks.gateway_ranges:run_gateway_ranges", ("repeats",)),
    "store-latency": ("benchmarks.store_latency:run_store_latency", ("size", "repeats")),
    "catalog": ("benchmarks.catalog:run_catalog", ("repeats",)),
    "growth": ("benchmarks.growth.report:run_growth", ("voxels", "shards", "prices")),
}
"""What measures and prints by itself, and the options it takes; imported if it is asked for."""

EVERYTHING = (
    *CANDIDATES,
    "memory",
    "linear",
    "codecs",
    *ALONE,
)
"""What can be measured; besides, ``plots`` draws the figures of ``--json``."""


LAKES = "1e12,1e13,1e14,1e15,1e16"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="what", help=f"of {', '.join(EVERYTHING)}")
    parser.add_argument("--size", type=shape_of, default="256,1024,1024", help="N or Z,Y,X voxels")
    parser.add_argument("--source", choices=["phantom", "fib25", "noise"], default="phantom")
    parser.add_argument("--input", choices=["tiff", "png"], default="tiff", help="of the slices")
    parser.add_argument("--only", help="names of candidates, or parts of them, with | between")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-size", type=shape_of, default="32,1024,2048", help="the smaller")
    parser.add_argument("--linear-size", type=int, default=256, help="edge of the smallest cube")
    parser.add_argument("--rows", type=counts_of, default="1e5,1e6,1e7", help="of label look-ups")
    parser.add_argument(
        "--voxels", type=counts_of, default="1e12,1e13,1e14,1e15,1e16", help="of lakes that grow"
    )
    parser.add_argument("--shards", type=int, default=0, help="of these that are simulated")
    parser.add_argument("--prices", type=Path, help="a table as voxlake plan --show-prices has it")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--plots", type=Path, help="draw the figures into this folder")
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    options = parser.parse_args(arguments)
    unknown = set(options.what) - {*EVERYTHING, "plots"}
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(EVERYTHING)}, plots")
    options.what = options.what or EVERYTHING
    return options


def shape_of(text: str) -> tuple[int, int, int]:
    """Return the shape that ``N`` or ``Z,Y,X`` stands for.

    Examples
    --------
    >>> shape_of("64")
    (64, 64, 64)
    """
    extents = [int(part) for part in text.split(",")]
    z, y, x = extents * 3 if len(extents) == 1 else extents
    return z, y, x


def counts_of(text: str) -> list[int]:
    """Return the counts that a text with commas stands for.

    Examples
    --------
    >>> counts_of("1e5,20")
    [100000, 20]
    """
    return [int(float(part)) for part in text.split(",")]


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks that were asked for."""
    options = parse(arguments)
    if "plots" in options.what:
        draw_all(json.loads(options.json.read_text()), options.plots)
        return
    document: dict[str, Any] = {"machine": machine(), "options": vars(options).copy()}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        document |= run(options, Path(folder))
    if options.json:
        options.json.write_text(json.dumps(document, indent=2, default=str))
    if options.plots:
        draw_all(document, options.plots)
    if document.get("failed"):
        sys.exit("".join(f"\n{who} dropped out: {why}" for who, why in document["failed"].items()))


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run them below `folder`, print their tables and return all figures."""
    found: dict[str, Any] = {}
    rates = [name for name in CANDIDATES if name in options.what]
    if rates:
        found |= run_rates(rates, options, folder)
    if "memory" in options.what:
        peaks = measure_memory(folder, options.memory_size, 0, say)
        print(memory_table(peaks), flush=True)
        found["memory"] = [asdict(peak) for peak in peaks]
    if "linear" in options.what:
        growth = measure_growth(folder, options.linear_size, options.repeats, say)
        print(growth_table(growth), flush=True)
        found["linear"] = asdict(growth)
    if "codecs" in options.what:
        found["codecs"] = run_codecs(say)
    for name, (function, given) in ALONE.items():
        if name in options.what:
            measure = cast("Callable[..., Any]", pkgutil.resolve_name(function))
            found[name] = measure(folder, *(getattr(options, each) for each in given), say)
    return found


def run_rates(names: list[str], options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the benchmarks of several candidates, all on the same input."""
    from benchmarks.inputs import Wanted, prepare_inputs  # brings in what the candidates need

    say(f"writing the input: {options.source} of {options.size}, {options.input}")
    suffix = {"tiff": ".tif", "png": ".png"}[options.input]
    taking_part = {name: chosen(name, options) for name in names}
    preparers = {one.prepare for some in taking_part.values() for one in some if one.prepare}
    wanted_input = Wanted(options.source, options.size, suffix)
    case = prepare_inputs(folder / "inputs", wanted_input, sorted(preparers))
    found: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for name, candidates in taking_part.items():
        outcome = run_benchmark(name, candidates, case, options.repeats, say)
        print(rate_table(name, outcome.rows), flush=True)
        found[name] = [asdict(row) for row in outcome.rows]
        failed |= {f"{name}, {who}": why for who, why in outcome.failed.items()}
    return found | {"failed": failed}


def chosen(name: str, options: argparse.Namespace) -> list[Candidate]:
    """Return the candidates that are wanted and installed; the first always takes part."""
    first, *others = CANDIDATES[name]
    if options.input == "png":
        others = [one for one in others if one.name in OF_PNG or name != "ingest"]
    if options.only:
        others = [one for one in others if any(part in one.name for part in wanted(options))]
    for one in others:
        if not one.is_installed:
            say(f"{name}: {one.name} is left out, for {one.needs} is not installed")
    return [first, *(one for one in others if one.is_installed)]


def wanted(options: argparse.Namespace) -> list[str]:
    """Return the parts of names that were asked for."""
    return [part.strip() for part in options.only.split("|")]


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "versions": {name: found for name in LIBRARIES if (found := installed(name))},
    }


def installed(name: str) -> str | None:
    """Return the version of a distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def say(text: str) -> None:
    """Tell of the progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
