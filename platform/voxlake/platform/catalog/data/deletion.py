"""Datasets are hidden at once, and deleted from the store by a worker when their time has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select, update

from voxlake.platform.access import Permission
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import (
    find_record,
    hidden_records,
    hide_record,
    list_records,
)
from voxlake.platform.catalog.data.forgetting import forget_node
from voxlake.platform.catalog.data.jobs import asked_by
from voxlake.platform.catalog.data.record import DatasetState
from voxlake.platform.catalog.data.uploads import give_up_uploads, pause_uploads
from voxlake.platform.catalog.rights.grants import is_allowed
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, ForbiddenError, NotFoundError
from voxlake.platform.jobs.histories import give_up_jobs, jobs_about
from voxlake.platform.jobs.leases import change_job, locked_job
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runner import is_running
from voxlake.platform.nodes.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from voxlake.platform.access import Principal
    from voxlake.platform.catalog.data.record import DatasetRecord
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.jobs.record import JSON, Job
    from voxlake.platform.names import DatasetName

KIND = "remove"
"""Kind of the jobs that delete datasets."""


@dataclass(frozen=True, slots=True)
class Deletion(Writer):
    """Deletes datasets of a lake by its workers. Its methods may be called from any thread."""

    ledger: Ledger

    def begin(
        self, name: DatasetName, principal: Principal, *, with_labels: bool = False, days: int = 0
    ) -> tuple[Job, list[DatasetRecord]]:
        """Hide a dataset from this moment on, and queue the job that deletes it from the store.

        Its name is free at once; where it lies is not, until a worker has deleted it. Return the
        job, and the labels that go along.

        Parameters
        ----------
        name
            The dataset, which the asker may delete.
        principal
            Who asks.
        with_labels
            Whether the labels of an image are deleted with it.
        days
            For so long no worker takes the job, and the dataset can be brought back.

        Raises
        ------
        NotFoundError
            If there is no such dataset.
        ConflictError
            If labels belong to it and are not to go with it, or a job is at work on one of them.
        ForbiddenError
            If some of the labels are not the asker's to delete.
        """
        with self.database.read() as connection:
            record = find_record(connection, name)
            labels = _labels(connection, record, principal, with_labels=with_labels)
            doomed = [*labels, record]
            _check_idle(connection, doomed)
        spec = _spec(record, doomed, with_labels=with_labels)
        job = self.ledger.create_job(KIND, name, spec, by=asked_by(principal))
        try:
            self._hide(doomed, job, timedelta(days=days))
        except NotFoundError:  # another was faster
            self.ledger.cancel(job.id)
            raise
        return self.ledger.get_job(job.id), labels

    def _hide(self, doomed: Iterable[DatasetRecord], job: Job, kept: timedelta) -> None:
        moment = now()
        purge_at = moment + kept
        with self.database.write() as connection:
            for each in doomed:
                if find_record(connection, each.name).node != each.node:
                    raise NotFoundError(f"there is no dataset {each.name}; it was just deleted")
                detail = f"purged at {purge_at:%Y-%m-%d %H:%M}" if kept else ""
                self.note(
                    connection, "delete dataset", str(each.name), node=each.node, detail=detail
                )
                spared = pause_uploads(connection, each) if kept else []
                hide_record(connection, each, [job.id, *spared], moment, purge_at)
                if not kept:
                    give_up_uploads(connection, each.node)
            told = f"can be brought back until {purge_at:%Y-%m-%d %H:%M} UTC" if kept else ""
            change_job(connection, job.id, queued_at=purge_at, message=told)

    def begin_purge(self, job: str, doomed: Sequence[int]) -> None:
        """Say that some datasets, and labels inside them, cannot be brought back from now on.

        Raises
        ------
        ConflictError
            If they just were: the job that is to delete them is given up.
        """
        with self.database.write() as connection:
            state = locked_job(connection, job).state
            if state != JobState.RUNNING:
                raise ConflictError(f"job {job} is {state}: what it was to delete is brought back")
            gone = [record.node for record in _hidden(connection, doomed)]
            begun = update(datasets).where(datasets.c.node.in_(gone))
            connection.execute(begun.values(state=DatasetState.REMOVING.value))
            connection.execute(update(nodes).where(nodes.c.id.in_(gone)).values(purge_at=None))

    def hidden(self, doomed: Sequence[int]) -> list[DatasetRecord]:
        """Return the datasets of some nodes that are yet to be deleted from the store, as given.

        Labels inside them that were deleted before come first.
        """
        with self.database.read() as connection:
            return _hidden(connection, doomed)

    def forget(self, node: int, detail: str = "") -> bool:
        """Forget a dataset that is deleted from the store: others may lie where it did.

        Return whether it was hidden; one that has its name still stays. `detail` is what the audit
        is to say besides.
        """
        with self.database.write() as connection:
            found = hidden_records(connection, datasets.c.node == node)
            for record in found:
                self.note(connection, "purge dataset", str(record.name), node=node, detail=detail)
                connection.execute(delete(datasets).where(datasets.c.node == node))
                forget_node(connection, node)
                give_up_jobs(connection, node, "its dataset was removed")
        return bool(found)


def _hidden(connection: Connection, doomed: Sequence[int]) -> list[DatasetRecord]:
    inside = select(datasets.c.node).where(datasets.c.of.in_(doomed))
    which = or_(datasets.c.node.in_(doomed), datasets.c.node.in_(inside))
    order = {node: place for place, node in enumerate(doomed)}
    found = hidden_records(connection, which)
    return sorted(found, key=lambda record: order.get(record.node, -1))


def _spec(
    record: DatasetRecord, doomed: Iterable[DatasetRecord], *, with_labels: bool
) -> dict[str, JSON]:
    """Return what the job is to do, as `compute.jobs.kinds.remove.RemoveSpec` has it."""
    return {
        "kind": KIND,
        "name": str(record.name),
        "kind_of_dataset": record.kind,
        "of": record.of,
        "with_labels": with_labels,
        "nodes": [each.node for each in doomed],
    }


def _labels(
    connection: Connection, image: DatasetRecord, principal: Principal, *, with_labels: bool
) -> list[DatasetRecord]:
    mine = datasets.c.of == image.node
    if hidden_records(connection, mine, datasets.c.state == DatasetState.REMOVING.value):
        raise ConflictError(
            f"labels that belonged to {image.name} are being deleted from the store; wait for it"
        )
    labels = list_records(connection, mine)
    if labels and not with_labels:
        raise ConflictError(
            f"labels belong to {image.name} and would go with it; delete them first, or all of it "
            "with_labels"
        )
    allowed = is_allowed(principal, Permission.DELETE, now())
    if len(list_records(connection, mine, allowed)) < len(labels):
        raise ForbiddenError(
            f"labels belong to {image.name} that {principal.name} may not delete; ask an "
            "administrator"
        )
    return labels


def _check_idle(connection: Connection, doomed: Iterable[DatasetRecord]) -> None:
    for record in doomed:
        for job in jobs_about(connection, record.name):
            if job.kind == "plan":  # It only tells what would be done.
                continue
            waits = job.state is JobState.QUEUED and job.queued_at is not None
            # Nobody needs levels of what is deleted, which are queued after any write.
            if is_running(job) or (waits and job.kind != "downsample"):
                raise ConflictError(
                    f"{job.kind} job {job.id} works on {job.dataset}, or waits to; wait for it, or "
                    "cancel it"
                )
