"""``voxlake doctor``: whether everything is there that the other commands need."""

from __future__ import annotations

from voxlake.cli.loading import loading
from voxlake.cli.manual.exit_codes import FAILURE
from voxlake.cli.options import Answering, InLake, OnCluster
from voxlake.cli.shown.output import answer, table


def doctor(
    *, lake: InLake = InLake(), cluster: OnCluster = OnCluster(), answering: Answering = Answering()
) -> int:
    """Say what is wrong with an installation, and what to do about it."""
    with loading():
        from voxlake.cli.checks import examine
        from voxlake.documents.service.lake import DoctorDocument

    checks = tuple(examine(lake, cluster))
    document = DoctorDocument(ok=all(check.state != "fail" for check in checks), checks=checks)
    rows = ((check.name, check.state, check.found, check.advice) for check in checks)
    shown = table(("", "", "found~", "what to do~"), rows)
    answer(document, [shown], json=answering.json)
    return 0 if document.ok else FAILURE
