"""``voxlake doctor``: whether everything is there that the other commands need."""

from __future__ import annotations

from voxlake.cli.checks import Check, examine
from voxlake.cli.options import Answering, InLake, OnCluster, grouped
from voxlake.cli.shown.output import Document, answer, table
from voxlake.cli.shown.problem import FAILURE


class DoctorDocument(Document):
    """The outcome of all checks."""

    ok: bool
    """Whether none fails; warnings are no failures."""
    checks: tuple[Check, ...]


@grouped
def doctor(lake: InLake, cluster: OnCluster, answering: Answering) -> int:
    """Check Python, packages, store, catalog, cluster, viewer, sample and memory."""
    checks = tuple(examine(lake, cluster))
    document = DoctorDocument(
        ok=all(check.state != "fail" for check in checks),
        checks=checks,
    )
    rows = ((check.name, check.state, check.found, check.advice) for check in checks)
    answer(document, [table(("", "", "found", "what to do"), rows)], json=answering.json)
    return 0 if document.ok else FAILURE
