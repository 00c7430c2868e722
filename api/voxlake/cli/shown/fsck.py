"""What fsck found, as people see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.shown.output import Shown, facts, table
from voxlake.documents.jobs.fsck import ADVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.documents.jobs.fsck import CheckedDataset, FindingDocument, FsckDocument

SHOWN = 100
"""Findings that are shown to people; ``--json`` has all."""


def shown_fsck(report: FsckDocument) -> Shown:
    """Yield what people see of the datasets that were looked at."""
    yield facts((each.dataset, _verdict(each)) for each in report.datasets)
    for each in report.datasets:
        yield from shown_findings([*each.findings, *each.advice])


def shown_findings(findings: Sequence[FindingDocument]) -> Shown:
    """Yield a table of findings, if there are any."""
    if findings:
        rows = [
            (each.check, _state(each), each.where, each.text, each.box and str(each.box.box))
            for each in findings[:SHOWN]
        ]
        yield table(("found", "", "where", "what~", "voxels lost"), rows)
    if len(findings) > SHOWN:
        yield f"and {len(findings) - SHOWN:,} more; --json has all"


def _verdict(report: CheckedDataset) -> str:
    shards = f"{report.shards:,} shards looked at"
    if not report.findings:
        return f"sound; {shards}"
    mended = sum(each.mended for each in report.findings)
    return f"{len(report.findings):,} found, {mended:,} mended; {shards}"


def _state(finding: FindingDocument) -> str:
    if finding.check == ADVICE:
        return ""
    return "mended" if finding.mended else "not mended"
