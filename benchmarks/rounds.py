"""Run all candidates of a benchmark in turn, several times, and check what they wrote and read."""

from __future__ import annotations

import pkgutil
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from benchmarks.case import Case
from benchmarks.measure import Candidate, CandidateFailedError, Measured, measure
from benchmarks.reference import largest_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.written import Level, Written

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate in one part of a benchmark: medians over the rounds."""

    part: str
    candidate: str
    seconds: float
    """Of all steps of the part."""
    step_ms: float
    """Median of its steps, in 10^-3 s."""
    mb_per_s: float
    mb_per_cpu_s: float
    peak_rss_mib: float
    ratio: float
    """Rate over that of the first candidate, of the same round."""
    output: str
    """``equal``, or how far from equal."""
    note: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one candidate, and what its output was."""

    measured: Measured
    difference: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A benchmark that was run."""

    rows: list[Row]
    failed: dict[str, str]
    """Candidates that dropped out, and why."""


class WrongOutputError(Exception):
    """A candidate did not write or read the voxels that it had to."""


def run_benchmark(
    name: str, candidates: Sequence[Candidate], case: Case, repeats: int, say: Say
) -> Outcome:
    """Run the candidates A B C, A B C, ...; a peer that fails drops out.

    Raises
    ------
    CandidateFailedError, WrongOutputError
        If the first candidate fails, to which the others are held, or one of ours.
    """
    runs: dict[str, list[Run]] = {candidate.name: [] for candidate in candidates}
    failed: dict[str, str] = {}
    for number in range(repeats):
        for candidate in candidates:
            if candidate.name in failed:
                continue
            say(f"{name}, round {number + 1} of {repeats}: {candidate.name}")
            try:
                run = _run(name, candidate, case)
                _check_same_reads(name, candidate, run, (runs[candidates[0].name] or [run])[0])
                runs[candidate.name].append(run)
            except (CandidateFailedError, WrongOutputError) as error:
                if candidate.name.startswith("voxlake") or candidate is candidates[0]:
                    raise
                failed[candidate.name] = str(error)
                say(f"{name}: {error}")
    whole = [candidate for candidate in candidates if candidate.name not in failed]
    return Outcome(_rows(whole, runs), failed)


def _run(name: str, candidate: Candidate, case: Case) -> Run:
    output = case.inputs / "output"
    output.mkdir()
    try:
        here = Case(case.inputs, output)
        measured = measure(candidate, here)
        return Run(measured, _check_written(name, candidate, here))
    finally:
        shutil.rmtree(output)


def _check_written(name: str, candidate: Candidate, case: Case) -> int:
    written = cast("Written", pkgutil.resolve_name(candidate.written))
    worst = 0
    for level in _levels_written(name, case, candidate.options.get("levels")):
        found = written(case, level)
        if found is None or not _has_shape(found, case.documents[level]["shape"]):
            if level >= (candidate.at_least_levels or len(case.documents)):
                break
            raise WrongOutputError(f"{candidate.name} did not write level {level} in its shape")
        difference = largest_difference(case, level, found)
        if difference > candidate.tolerance * level:
            raise WrongOutputError(
                f"{candidate.name} wrote voxels at level {level} that are off by {difference}"
            )
        worst = max(worst, difference)
    return worst


def _has_shape(level: Level, shape: list[int]) -> bool:
    """Say whether a level has a shape: ngff-zarr drops the last voxel of an odd extent."""
    return all(n - 1 <= found <= n for found, n in zip(level.shape, shape, strict=True))


def _levels_written(name: str, case: Case, levels: int | None) -> range:
    """Return the levels that a candidate must have written; `levels`: how many it was asked for."""
    match name:
        case "cutout":
            return range(0)
        case "pyramid":
            return range(1, len(case.documents))
        case "fused":
            return range(levels or len(case.documents))
        case _:
            return range(1)


def _check_same_reads(name: str, candidate: Candidate, run: Run, first: Run) -> None:
    """Hold what was read to what the first read; of nothing read, all digests are the same."""
    for part, taken in run.measured.parts.items():
        if taken["digest"] != first.measured.parts[part]["digest"]:
            raise WrongOutputError(
                f"{name}: {candidate.name} read other voxels of {part} than the first candidate"
            )


def _rows(candidates: Sequence[Candidate], runs: dict[str, list[Run]]) -> list[Row]:
    first = runs[candidates[0].name]
    return [
        _row(part, candidate, runs[candidate.name], first)
        for part in first[0].measured.parts
        for candidate in candidates
    ]


def _row(part: str, candidate: Candidate, runs: list[Run], first: list[Run]) -> Row:
    taken = [run.measured.parts[part] for run in runs]
    rates = [_rate(one) for one in taken]
    base = [_rate(run.measured.parts[part]) for run in first]
    median = statistics.median
    worst = max(run.difference for run in runs)
    return Row(
        part=part,
        candidate=candidate.name,
        seconds=median(sum(one["seconds"]) for one in taken),
        step_ms=1000 * median(s for one in taken for s in one["seconds"]),
        mb_per_s=median(rates),
        mb_per_cpu_s=median(one["megabytes"] / max(one["cpu_seconds"], 1e-6) for one in taken),
        peak_rss_mib=median(run.measured.peak_rss / 2**20 for run in runs),
        ratio=median(rate / ours for rate, ours in zip(rates, base, strict=True)),
        output=f"within {worst}" if worst else "equal",
        note=candidate.note,
    )


def _rate(taken: dict[str, Any]) -> float:
    return float(taken["megabytes"] / sum(taken["seconds"]))
