"""``python -m benchmarks [ingest|pyramid|cutout|memory|all]``: measure and print a table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.candidates.catalogue import CANDIDATES
from benchmarks.memory import measure_memory
from benchmarks.rounds import run_benchmark
from benchmarks.tables import memory_table, rate_table

LIBRARIES = ("voxlake", "tensorstore", "zarr", "ngff-zarr", "dask", "numpy")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=[*CANDIDATES, "memory", "all"])
    parser.add_argument("--size", type=shape_of, default="256,1024,1024", help="N or Z,Y,X voxels")
    parser.add_argument("--memory-size", type=shape_of, default="32,1024,2048", help="the smaller")
    parser.add_argument("--source", choices=["phantom", "fib25", "noise"], default="phantom")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    return parser.parse_args(arguments)


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


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks that were asked for."""
    options = parse(arguments)
    document: dict[str, Any] = {"machine": machine(), "options": vars(options).copy()}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        document |= run(options, Path(folder))
    if options.json:
        options.json.write_text(json.dumps(document, indent=2, default=str))


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run them below `folder`, print their tables and return all figures."""
    found: dict[str, Any] = {}
    rates = [name for name in CANDIDATES if options.what in {name, "all"}]
    if rates:
        from benchmarks.inputs import prepare_inputs  # brings in the libraries of all candidates

        say(f"writing the input: {options.source} of {options.size}")
        case = prepare_inputs(folder / "inputs", options.source, options.size)
    for name in rates:
        rows = run_benchmark(name, case, options.repeats, say)
        print(rate_table(name, rows), flush=True)
        found[name] = [asdict(row) for row in rows]
    if options.what in {"memory", "all"}:
        peaks = measure_memory(folder, options.memory_size, 0, say)
        print(memory_table(peaks), flush=True)
        found["memory"] = [asdict(peak) for peak in peaks]
    return found


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "versions": {name: version(name) for name in LIBRARIES},
    }


def say(text: str) -> None:
    """Tell of the progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
