"""Run a candidate in a process of its own, so that memory and CPU time are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from benchmarks.case import Case

SAMPLE_S = 0.1
"""Between two looks at the memory of all processes of a candidate."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to do the work."""

    name: str
    function: str
    """Where its `Prepare` is: ``package.module:name``; only its own process imports it."""
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    """What is not equal to the others."""
    tolerance: int = 0
    """By how much its voxels may differ for each level, if it rounds another way."""
    needs: str = ""
    """Module that must be installed for it to take part."""
    written: str = "benchmarks.written:own_levels"
    """Where the `Written` is that finds the levels that it wrote."""

    prepare: str = ""
    """Where the function is that adds to the inputs what only it needs, before any run."""
    at_least_levels: int | None = None
    """Levels that it must have written where it may stop before the top; None: all."""

    @property
    def is_installed(self) -> bool:
        """Whether it can take part."""
        return not self.needs or find_spec(self.needs) is not None


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a candidate."""

    parts: dict[str, dict[str, Any]]
    """For each part: ``megabytes``, ``seconds`` of each step, ``cpu_seconds``, ``digest``."""
    peak_rss: int
    """Bytes, of all processes together."""


class CandidateFailedError(Exception):
    """A candidate's process ended with an error."""


def measure(candidate: Candidate, case: Case) -> Measured:
    """Run the candidate once.

    Raises
    ------
    CandidateFailedError
        If it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        request = {
            "function": candidate.function,
            "options": candidate.options,
            "inputs": str(case.inputs),
            "output": str(case.output),
            "answer": str(answer),
        }
        peak_rss, printed = _watch(request, Path(folder) / "printed")
        if not answer.exists():
            raise CandidateFailedError(f"{candidate.name} failed:\n{printed}")
        document = json.loads(answer.read_text())
        return Measured(document["parts"], max(peak_rss, document["peak_rss"]))


def _watch(request: dict[str, Any], printed: Path) -> tuple[int, str]:
    """Run the child and return the peak memory of it and its children, and what it printed."""
    with printed.open("w+b") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child"],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[1],
            env=_environment(),
        )
        assert process.stdin
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        peak = _peak_of_tree(process)
        file.seek(0)
        return peak, file.read().decode(errors="replace")


def _environment() -> dict[str, str]:
    """Return ours, but compiled modules are kept, as wherever the libraries are installed."""
    environment = {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "benchmarks-pycache")}
    environment |= os.environ
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _peak_of_tree(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process and return the peak memory of it and its children, as sampled."""
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        peak = max(peak, _rss(watched))
        time.sleep(SAMPLE_S)
    return peak


def _rss(process: psutil.Process) -> int:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.Error:
        pass  # it ended while it was looked at; the next look will tell
    return total
