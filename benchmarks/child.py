"""Run one candidate in this process and write what it took: ``python -m benchmarks.child``."""

from __future__ import annotations

import hashlib
import json
import pkgutil
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil

from benchmarks.case import Case, Prepare


@dataclass(slots=True)
class Taken:
    """What the steps of one part took."""

    megabytes: float = 0.0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    digest: Any = field(default_factory=hashlib.blake2b)

    def document(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "megabytes": self.megabytes,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "digest": self.digest.hexdigest(),
        }


def run(function: str, case: Case, options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Time every step of the candidate at `function` (``package.module:name``)."""
    prepare = cast("Prepare", pkgutil.resolve_name(function))
    parts: dict[str, Taken] = {}
    for step in prepare(case, **options):
        taken = parts.setdefault(step.part, Taken())
        cpu, began = cpu_seconds(), time.perf_counter()
        voxels = step.run()
        taken.seconds.append(time.perf_counter() - began)
        taken.cpu_seconds += cpu_seconds() - cpu
        taken.megabytes += step.megabytes
        if voxels is not None:
            taken.digest.update(str((voxels.shape, voxels.dtype)).encode())
            taken.digest.update(voxels.tobytes())
    return {name: taken.document() for name, taken in parts.items()}


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children, those that have ended too."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in used)
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended just now
            times = one.cpu_times()
            total += times.user + times.system
    return total


def peak_rss() -> int:
    """Return the peak memory of this process alone, in bytes.

    Linux hands ``ru_maxrss`` of the parent on to a program that it starts; ``VmHWM`` is its own.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Do what the JSON document on stdin asks for; the answer goes to the file that it names."""
    request = json.load(sys.stdin)
    case = Case(Path(request["inputs"]), Path(request["output"]))
    parts = run(request["function"], case, request["options"])
    answer = {"parts": parts, "peak_rss": peak_rss()}
    Path(request["answer"]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
