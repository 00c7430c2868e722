"""Jobs of a gateway: planned, started, and waited for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

from voxlake.client.arrays.shown import Listed, link_html, table_html, text_html
from voxlake.client.http.pages import listed
from voxlake.client.http.server_events import events_of
from voxlake.documents.jobs.job import JobDocument, JobList, JobLog
from voxlake.platform.errors import JobFailedError, StoreError
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from voxlake.client.http.connection import Connection
    from voxlake.documents.jobs.job_plan import JobPlan
    from voxlake.documents.jobs.look import SourceLook

type KindOfJob = Literal["ingest", "downsample", "index", "verify", "fsck", "delete"]
type Shown = Callable[[JobDocument], None]


class GatewayJobs:
    """The jobs of a gateway; `Gateway.jobs` has them.

    Every method raises the error that the server raised.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def look(self, dataset: str, source: str, axes: str = "") -> SourceLook:
        """Return what lies where a source is said to be, once a worker has looked.

        Parameters
        ----------
        dataset
            ``collection/experiment/dataset`` that may be made of it.
        source
            A folder, file or pattern of them, or an address of ``s3://``, ``gs://`` or ``az://``,
            as the server sees it.
        axes
            A letter for each axis of the source; empty: as it says itself.

        Raises
        ------
        JobFailedError
            If it could not be found out.
        StoreForbiddenError
            If the server does not read sources from there.
        NotFoundError, ForbiddenError
            If the asker may not.
        """
        asked = {"dataset": dataset, "source": source, "axes": axes}
        begun = self._connection.ask(JobDocument, "/v2/jobs/look", "POST", json=asked)
        job = RemoteJob(self._connection, begun)
        found = job.wait(quiet=True).look
        if found is None:
            raise StoreError(f"look job {job.id} is done and tells nothing; ask for it again")
        return found

    def plan(self, kind: KindOfJob, dataset: str, **more: Any) -> JobPlan:
        """Return what a job would do and take, once a worker has found it out; nothing is begun.

        Parameters
        ----------
        kind
            Of the job.
        dataset
            ``collection/experiment/dataset`` that it is to work on.
        more
            As of ``POST /v2/jobs``: of an ingest `source`, `as_kind`, `voxel_size`, say.

        Raises
        ------
        JobFailedError
            If it could not be found out.
        """
        asked = self._ask("/v2/jobs/plan", kind, dataset, more)
        plan = asked.wait(quiet=True).plan
        if plan is None:
            raise StoreError(f"plan job {asked.id} is done and has no plan; ask for it again")
        return plan

    def start(self, kind: KindOfJob, dataset: str, **more: Any) -> RemoteJob:
        """Start a job, which a worker checks and runs; parameters are those of `plan`.

        Raises
        ------
        ConflictError
            If the dataset is not ready, or is there and was to be made.
        NotFoundError, ForbiddenError
            If the asker may not.
        """
        return self._ask("/v2/jobs", kind, dataset, more)

    def list(
        self,
        dataset: str | None = None,
        states: Iterable[JobState] = (),
        *,
        limit: int | None = None,
    ) -> Listed[JobDocument]:
        """Return the jobs on datasets that the asker may read, newest first; all, or so many."""
        which: dict[str, Any] = {"state": [*map(str, states)]}
        which |= {} if dataset is None else {"dataset": dataset}

        def ask(part: dict[str, Any]) -> JobList:
            return self._connection.ask(JobList, "/v2/jobs", params=which | part)

        jobs = listed(ask, lambda page: page.jobs, limit)
        return Listed.of(jobs, "id", "kind", "dataset", "state", "updated_at")

    def __getitem__(self, job: str) -> RemoteJob:
        """Return the job of an id."""
        there = self._connection.ask(JobDocument, f"/v2/jobs/{job}")
        return RemoteJob(self._connection, there)

    def _ask(self, path: str, kind: str, dataset: str, more: dict[str, Any]) -> RemoteJob:
        asked = {"kind": kind, "dataset": dataset, **more}
        begun = self._connection.ask(JobDocument, path, "POST", json=asked)
        return RemoteJob(self._connection, begun)


class RemoteJob:
    """A job of a gateway."""

    def __init__(self, connection: Connection, seen: JobDocument) -> None:
        self._connection = connection
        self.seen = seen
        """How far it was when it was looked at last."""

    @property
    def id(self) -> str:
        """Its id, by which `GatewayJobs` finds it again."""
        return self.seen.id

    def status(self) -> JobDocument:
        """Return how far it is now."""
        self.seen = self._connection.ask(JobDocument, self._path)
        return self.seen

    def events(self) -> Iterator[JobDocument]:
        """Yield how far it is, whenever that changes, until nobody works on it.

        A connection that breaks is made again, and what was told is not told twice.
        """
        for event in events_of(self._connection, f"{self._path}/events"):
            self.seen = JobDocument.model_validate_json(event.data)
            yield self.seen

    def wait(self, shown: Shown | None = None, *, quiet: bool = False) -> JobDocument:
        """Wait until it is done, and return it.

        A deletion that can be brought back is not waited for, but returned as it waits.

        Parameters
        ----------
        shown
            Called with each change; None: a line on stderr tells how far it is.
        quiet
            Whether nothing is shown.

        Raises
        ------
        JobFailedError
            If it ends otherwise: it failed, was cancelled or interrupted.
        """
        show = ProgressLine() if shown is None else shown
        for seen in self.events():
            if not quiet:
                show(seen)
        ended = self.status()
        if ended.state is not JobState.DONE and ended.waits_until is None:
            raise JobFailedError(
                f"{ended.kind} job {ended.id} on {ended.dataset} is {ended.state}: "
                f"{ended.message or 'its log may tell more'}"
            )
        return ended

    def log(self) -> JobLog:
        """Return the tasks that failed and have not been done since, with their tracebacks.

        They are its `failures`; of very many the first, and `more` is true.
        """
        return self._connection.ask(JobLog, f"{self._path}/log")

    def retry(self) -> RemoteJob:
        """Have a worker go on with it after it failed; what is done is not done again."""
        return self._changed("retry")

    def cancel(self) -> RemoteJob:
        """Give it up; what an unfinished ingest has written is removed."""
        return self._changed("cancel")

    def __repr__(self) -> str:
        there = f", Dask at {self.seen.dashboard}" if self.seen.dashboard else ""
        return f"RemoteJob({self.id}: {summary_of(self.seen)}{there})"

    def _repr_html_(self) -> str:
        """Return how far it was when it was looked at last, for notebooks; nothing is asked."""
        seen = self.seen
        share = 1.0 if seen.state is JobState.DONE else seen.share or 0.0
        bar = f'<progress max="1" value="{share:.4f}"></progress>'
        columns = ("stage", "tasks", "done", "failed")
        rows = [(each.name, each.tasks, each.done, each.failed) for each in seen.stages]
        words = text_html(f"{self.id}: {summary_of(seen)}")
        why = f"<p>{text_html(seen.message)}</p>" if seen.message else ""
        there = f"<p>{link_html(seen.dashboard, 'Dask dashboard')}</p>" if seen.dashboard else ""
        table = table_html(columns, rows) if rows else ""
        return f"<div><p>{bar} {words}</p>{why}{there}{table}</div>"

    @property
    def _path(self) -> str:
        return f"/v2/jobs/{self.id}"

    def _changed(self, what: str) -> RemoteJob:
        self.seen = self._connection.ask(JobDocument, f"{self._path}/{what}", "POST")
        return self


def summary_of(job: JobDocument) -> str:
    """Return in a few words how far a job is."""
    words = f"{job.kind} {job.dataset}, {job.state}"
    if job.state is JobState.QUEUED and job.queued:
        return f"{words}, waits for a worker"
    if job.share is not None and job.state is not JobState.DONE:
        words += f", {100 * job.share:.0f} %"
    return words if not job.seconds_left else f"{words}, {job.seconds_left:.0f} s left"


class ProgressLine:
    """Shows how far a job is on one line of stderr, in terminals and notebooks alike."""

    def __init__(self) -> None:
        self._width = 0

    def __call__(self, job: JobDocument) -> None:
        """Show it in the place of what was shown before."""
        text = summary_of(job)
        sys.stderr.write(f"\r{text.ljust(self._width)}" + ("\n" if job.at_rest else ""))
        sys.stderr.flush()
        self._width = len(text)
