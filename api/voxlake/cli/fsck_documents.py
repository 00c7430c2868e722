"""What ``voxlake fsck`` answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from rich.console import RenderableType

from voxlake.cli.shown.output import Document, facts, table
from voxlake.cli.shown.problem import PARTIAL

if TYPE_CHECKING:
    from voxlake.compute.fsck import Finding
    from voxlake.compute.jobs import JobSummary

SHOWN = 100
"""Findings that are shown to people; ``--json`` has all."""


class Found(Document):
    """One finding."""

    check: str
    """Stable name of what was looked at."""
    where: str
    text: str
    level: int | None = None
    box: str | None = None
    """Voxels that are lost with it."""
    mended: bool = False

    @classmethod
    def of(cls, finding: Finding, *, mended: bool) -> Self:
        """Return the finding as it is told."""
        return cls(
            check=finding.check.value,
            where=finding.where,
            text=finding.text,
            level=finding.level,
            box=None if finding.box is None else str(finding.box),
            mended=mended,
        )


class DatasetReport(Document):
    """A dataset that was looked at."""

    dataset: str
    job: str
    """Of the last look."""
    shards: int
    voxels: int
    seconds: float
    findings: tuple[Found, ...]
    advice: tuple[Found, ...]
    """What is not wrong and worth knowing."""


class FsckReport(Document):
    """All datasets that were looked at."""

    datasets: tuple[DatasetReport, ...]

    @property
    def exit_code(self) -> int:
        """0, or that of faults that are not mended."""
        left = any(not found.mended for each in self.datasets for found in each.findings)
        return PARTIAL if left else 0


def looked_at(summary: JobSummary, found: list[Found]) -> DatasetReport:
    """Return the report of one dataset."""
    return DatasetReport(
        dataset=summary.dataset,
        job=summary.job,
        shards=sum(stage.tasks for stage in summary.stages if stage.stage != "fsck-objects"),
        voxels=summary.voxels,
        seconds=summary.seconds,
        findings=tuple(each for each in found if each.check != "advice"),
        advice=tuple(each for each in found if each.check == "advice" and not each.mended),
    )


def shown_report(report: FsckReport) -> Iterable[RenderableType]:
    """Yield the report as tables for people."""
    yield facts((each.dataset, _verdict(each)) for each in report.datasets)
    for each in report.datasets:
        listed = [*each.findings, *each.advice]
        if listed:
            rows = [(f.check, _state(f), f.where, f.text, f.box) for f in listed[:SHOWN]]
            yield table(("found", "", "where", "what", "voxels lost"), rows)
        if len(listed) > SHOWN:
            yield f"and {len(listed) - SHOWN:,} more; --json has all"


def _verdict(report: DatasetReport) -> str:
    mended = sum(found.mended for found in report.findings)
    said = f"{report.shards:,} shards looked at"
    if not report.findings:
        return f"sound; {said}"
    return f"{len(report.findings):,} found, {mended:,} mended; {said}"


def _state(found: Found) -> str:
    if found.check == "advice":
        return ""
    return "mended" if found.mended else "not mended"
