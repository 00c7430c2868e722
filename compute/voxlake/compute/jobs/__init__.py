"""Jobs: recorded runs of plans that survive the death of any process that works on them."""

from voxlake.compute.jobs.events import Event, Report, StageStarted, TaskFinished, TasksUnderWay
from voxlake.compute.jobs.kinds.downsample import start_downsample
from voxlake.compute.jobs.kinds.fsck import findings, start_fsck
from voxlake.compute.jobs.kinds.index import start_index
from voxlake.compute.jobs.kinds.ingest import start_ingest
from voxlake.compute.jobs.kinds.ingest_spec import IngestRequest
from voxlake.compute.jobs.kinds.remove import start_remove
from voxlake.compute.jobs.kinds.repair import start_repair
from voxlake.compute.jobs.kinds.verify import start_verify
from voxlake.compute.jobs.report import write_report
from voxlake.compute.jobs.running import run_job
from voxlake.compute.jobs.summary import JobSummary
from voxlake.compute.jobs.workspace import Workspace

__all__ = [
    "Event",
    "IngestRequest",
    "JobSummary",
    "Report",
    "StageStarted",
    "TaskFinished",
    "TasksUnderWay",
    "Workspace",
    "findings",
    "run_job",
    "start_downsample",
    "start_fsck",
    "start_index",
    "start_ingest",
    "start_remove",
    "start_repair",
    "start_verify",
    "write_report",
]
