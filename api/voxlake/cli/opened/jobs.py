"""The jobs that a command looks after: those of a lake, or of a gateway."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from cyclopts import Parameter

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import InLake, OnCluster
from voxlake.documents.jobs.job import JobDocument, JobList, JobLog, job_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.client import GatewayJobs
    from voxlake.platform.catalog import Catalog

LOOK_S = 0.5
"""Seconds between two looks at a job of a lake that is watched."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class AtJobs(InLake):
    """Whose jobs a command is about."""

    gateway: Annotated[
        str | None,
        Parameter(
            metavar="URL",
            help="A gateway, instead of a lake: its workers run jobs, and one may have signed in "
            "(voxlake login).",
        ),
    ] = None


class Jobs(Protocol):
    """Jobs, wherever they are."""

    def list(self) -> JobList:
        """Return the jobs, newest first."""

    def get(self, job: str) -> JobDocument:
        """Return how far a job is."""

    def log(self, job: str) -> JobLog:
        """Return which of its tasks failed, with their tracebacks."""

    def events(self, job: str) -> Iterator[JobDocument]:
        """Yield how far it is whenever that changes, until nobody works on it."""

    def retry(self, job: str) -> JobDocument:
        """Leave a job that failed or was cut off to a worker."""

    def cancel(self, job: str) -> JobDocument:
        """Give a job up."""


@contextmanager
def opened_jobs(whose: AtJobs) -> Iterator[Jobs]:
    """Open the jobs that a command is about."""
    if whose.gateway is None:
        with opened_catalog(whose) as catalog:
            yield _OfLake(whose, catalog)
        return
    # Takes as long to load as all else, and lakes do without.
    from voxlake.client.connecting import gateway_at

    with gateway_at(whose.gateway) as gateway:
        yield _OfGateway(gateway.jobs)


@dataclass(frozen=True, slots=True)
class _OfLake:
    lake: InLake
    catalog: Catalog

    def list(self) -> JobList:
        ledger = self.catalog.ledger
        return JobList(
            jobs=tuple(job_document(ledger, job, whole=False) for job in ledger.list_jobs())
        )

    def get(self, job: str) -> JobDocument:
        return job_document(self.catalog.ledger, self.catalog.ledger.get_job(job))

    def log(self, job: str) -> JobLog:
        return JobLog(failures=tuple(self.catalog.ledger.failures(job)))

    def events(self, job: str) -> Iterator[JobDocument]:
        before = None
        while True:
            seen = self.get(job)
            if seen != before:
                yield seen
            if seen.at_rest:
                return
            before = seen
            time.sleep(LOOK_S)

    def retry(self, job: str) -> JobDocument:
        return job_document(self.catalog.ledger, self.catalog.ledger.enqueue(job))

    def cancel(self, job: str) -> JobDocument:
        # What works on a job loads much that those who look at jobs do without.
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.compute.jobs.cancelling import cancel_job

        with opened_workspace(self.lake, OnCluster()) as workspace:
            return job_document(workspace.catalog.ledger, cancel_job(workspace, job))


@dataclass(frozen=True, slots=True)
class _OfGateway:
    jobs: GatewayJobs

    def list(self) -> JobList:
        return JobList(jobs=self.jobs.list())

    def get(self, job: str) -> JobDocument:
        return self.jobs[job].status()

    def log(self, job: str) -> JobLog:
        return self.jobs[job].log()

    def events(self, job: str) -> Iterator[JobDocument]:
        return self.jobs[job].events()

    def retry(self, job: str) -> JobDocument:
        return self.jobs[job].retry().seen

    def cancel(self, job: str) -> JobDocument:
        return self.jobs[job].cancel().seen
