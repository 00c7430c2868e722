"""What a job as a whole has found out, for who asked: the plan of a job, what differs, say.

The ledger keeps it as the result of a stage of one task, which no plan has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.platform.errors import NotFoundError
from voxlake.platform.jobs.record import ANSWER, StageRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.jobs.record import JSON, Claim


def record_answer(ledger: Ledger, claim: Claim, answer: Mapping[str, JSON]) -> None:
    """Record what a job has found out, in the place of what it had before.

    Raises
    ------
    LeaseLostError
        If the claim is not the newest.
    """
    ledger.begin_stage(claim, StageRecord(ANSWER, 1, ""))
    ledger.record_done(claim, ANSWER, {0: answer})


def answer_of(ledger: Ledger, job: str) -> dict[str, JSON] | None:
    """Return what a job has found out; None if it has not yet, or never does."""
    try:
        return next(ledger.results(job, ANSWER), None)
    except NotFoundError:
        return None
