"""Jobs: recorded runs of plans that survive the death of any process that works on them."""

from voxlake.compute.jobs.events import Event, Report, StageStarted, TaskFinished
from voxlake.compute.jobs.looking import findings, start_fsck, start_repair
from voxlake.compute.jobs.report import Totals, write_report
from voxlake.compute.jobs.running import JobSummary, StageSummary, resume_job, run_job
from voxlake.compute.jobs.spec import DownsampleSpec, IndexSpec, IngestSpec, VerifySpec
from voxlake.compute.jobs.starting import (
    IngestRequest,
    start_downsample,
    start_index,
    start_ingest,
    start_verify,
)
from voxlake.compute.jobs.workspace import Workspace

__all__ = [
    "DownsampleSpec",
    "Event",
    "IndexSpec",
    "IngestRequest",
    "IngestSpec",
    "JobSummary",
    "Report",
    "StageStarted",
    "StageSummary",
    "TaskFinished",
    "Totals",
    "VerifySpec",
    "Workspace",
    "findings",
    "resume_job",
    "run_job",
    "start_downsample",
    "start_fsck",
    "start_index",
    "start_ingest",
    "start_repair",
    "start_verify",
    "write_report",
]
