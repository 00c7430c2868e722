"""Jobs: what runs, how far it is, which tasks are done. The ledger lives in the catalog."""

from voxlake.platform.jobs.leases import LEASE_S
from voxlake.platform.jobs.ledger import Ledger
from voxlake.platform.jobs.record import (
    ENDED,
    JSON,
    UNFINISHED,
    Claim,
    Job,
    JobState,
    StageProgress,
    StageRecord,
    TaskFailure,
)
from voxlake.platform.jobs.runner import is_running

__all__ = [
    "ENDED",
    "JSON",
    "LEASE_S",
    "UNFINISHED",
    "Claim",
    "Job",
    "JobState",
    "Ledger",
    "StageProgress",
    "StageRecord",
    "TaskFailure",
    "is_running",
]
