"""Jobs as people ask for them: who may see one, which there are, and a new one is begun.

A job is seen by who may read its dataset. While there is no dataset of it, as before an ingest has
made one or after it was deleted, who asked for the job sees it too; a look at a source has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, false, or_, select

from voxlake.platform.access import Permission, Place, Role
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.rights.grants import is_allowed, read_grants
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.record import LOOK, UNFINISHED, AskedBy
from voxlake.platform.jobs.rows import add_job, read_job, read_jobs
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.nodes.changes import make_node
from voxlake.platform.nodes.tree import (
    NOWHERE,
    ROOT,
    collection,
    dataset,
    experiment,
    is_kept,
    is_named,
    join_names,
    nodes,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.access import Principal
    from voxlake.platform.jobs.record import JSON, Job, JobState
    from voxlake.platform.names import DatasetName


@dataclass(frozen=True, slots=True)
class PlacedJob:
    """A job, and who may do what with the place that it works on."""

    job: Job
    place: Place
    has_dataset: bool
    """Whether its dataset is there, and has its name."""

    def held_by(self, principal: Principal) -> frozenset[Permission]:
        """Return all that `principal` may do there; who asked for it owns a job of no dataset."""
        held = self.place.held_by(principal)
        return held | Role.OWNER.permissions if self._is_own(principal) else held

    def _is_own(self, principal: Principal) -> bool:
        return (
            not self.has_dataset
            and principal.user is not None
            and principal.user == self.job.user
            and not principal.is_limited
        )


@dataclass(frozen=True, slots=True)
class JobPage:
    """A part of a list of jobs, newest first."""

    limit: int
    after: str = ""
    """Id of the last one before it; empty: it is the first part."""


@dataclass(frozen=True, slots=True)
class Jobs(Writer):
    """The jobs of a lake, as people ask for them. Its methods may be called from any thread."""

    def find(self, job: str) -> PlacedJob | None:
        """Return a job and its place; None if there is none, after as many questions."""
        with self.database.read() as connection:
            try:
                found = read_job(connection, job)
            except NotFoundError:
                read_grants(connection, [NOWHERE])
                return None
            path = connection.execute(_paths.where(jobs.c.id == job)).one()
            nodes = (ROOT, *path[:3])
            place = Place(found.dataset.parts, nodes, read_grants(connection, nodes))
            return PlacedJob(found, place, bool(path.has_dataset))

    def list_allowed(
        self,
        principal: Principal,
        page: JobPage,
        *,
        name: DatasetName | None = None,
        states: Collection[JobState] = (),
    ) -> list[tuple[Job, bool]]:
        """Return the jobs that somebody may see, newest first: of a dataset, in some states.

        With each comes whether they may change the dataset that it works on.
        """
        which = [or_(is_allowed(principal, Permission.READ, now(), _PATH), _is_own(principal))]
        which += [is_named(name)] if name is not None else []
        which += [jobs.c.state.in_(sorted(states))] if states else []
        which += [jobs.c.id < page.after] if page.after else []
        ids = join_names(select(jobs.c.id), jobs.c.node).where(*which)
        ids = ids.order_by(jobs.c.id.desc()).limit(page.limit)
        with self.database.read() as connection:
            found = list(connection.execute(ids).scalars())
            changes = is_allowed(principal, Permission.UPDATE, now(), _PATH)
            mine = or_(changes, _is_own(principal))
            managed = join_names(select(jobs.c.id), jobs.c.node).where(jobs.c.id.in_(found), mine)
            ours = set(connection.execute(managed).scalars())
            listed = read_jobs(connection, jobs.c.id.in_(found))
            return sorted(((job, job.id in ours) for job in listed), key=_id_of, reverse=True)

    def begin(
        self,
        kind: str,
        name: DatasetName,
        spec: Mapping[str, JSON],
        principal: Principal,
        *,
        makes: bool = False,
    ) -> Job:
        """Queue a job that somebody asks for; if it `makes` its dataset, that has to be a new one.

        Raises
        ------
        ConflictError
            If it is to make a dataset that there is, or that another job is to make.
        """
        with self.database.write() as connection:
            if makes:
                _require_new(connection, name)
            job = add_job(connection, kind, name, spec, asked_by(principal), queued=True)
            self.note(connection, "ask for job", str(name), detail=f"{kind} {job}")
            return read_job(connection, job)

    def note_change(self, action: str, job: Job) -> None:
        """Put down who asked that a job be gone on with, or given up."""
        with self.database.write() as connection:
            self.note(connection, action, str(job.dataset), detail=f"{job.kind} {job.id}")


def asked_by(principal: Principal) -> AskedBy:
    """Return somebody as who asked for a job."""
    return AskedBy(principal.user, principal.name)


def _id_of(listed: tuple[Job, bool]) -> str:
    return listed[0].id


_there = select(datasets.c.node).where(datasets.c.node == jobs.c.node).correlate(jobs).exists()
_has_dataset = and_(_there, is_kept, jobs.c.kind != LOOK)
_KEPT = case((is_kept, dataset.c.id), else_=NOWHERE)
"""The node of a dataset, but of one that was deleted: what was granted of it is good for nothing,
as long as it is not brought back."""
_PATH = collection.c.id, experiment.c.id, _KEPT
_paths = join_names(
    select(
        collection.c.id,
        experiment.c.id.label("experiment"),
        _KEPT.label("dataset"),
        _has_dataset.label("has_dataset"),
    ).select_from(jobs),
    jobs.c.node,
)


def _is_own(principal: Principal) -> ColumnElement[bool]:
    """Say of a job what `PlacedJob.held_by` says of who asked for one of no dataset."""
    if principal.user is None or principal.is_limited:
        return false()
    return and_(jobs.c.user == principal.user, ~_has_dataset)


def _require_new(connection: Connection, name: DatasetName) -> None:
    # Whoever asks for the same waits here, and finds the job then.
    node = make_node(connection, *name.parts)
    connection.execute(select(nodes.c.id).where(nodes.c.id == node).with_for_update())
    named = join_names(select(datasets.c.node), datasets.c.node).where(is_named(name))
    if connection.execute(named).first() is not None:
        raise ConflictError(
            f"dataset {name} exists already; choose another name, or delete it first"
        )
    unfinished = is_named(name), jobs.c.state.in_(sorted(UNFINISHED))
    for job in read_jobs(connection, *unfinished):
        if job.becomes == "ingest":
            raise ConflictError(
                f"job {job.id}, which is {job.state}, is to make {name}; choose another name, wait "
                "for it, or retry or cancel it"
            )
