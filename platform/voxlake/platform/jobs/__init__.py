"""Jobs: what runs, how far it is, which tasks are done. The ledger lives in the catalog."""

from voxlake.platform.jobs.ledger import Ledger
from voxlake.platform.jobs.record import JSON, Job, JobState, StageRecord, TaskFailure
from voxlake.platform.jobs.runner import is_running

__all__ = ["JSON", "Job", "JobState", "Ledger", "StageRecord", "TaskFailure", "is_running"]
