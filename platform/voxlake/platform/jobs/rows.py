"""Jobs as rows of the database, and back."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Row, insert, select
from ulid import ULID

from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.jobs.record import (
    COMMAND,
    JSON,
    AskedBy,
    Job,
    JobState,
    StageProgress,
    StageRecord,
)
from voxlake.platform.jobs.tables import jobs, stages
from voxlake.platform.nodes.changes import make_node
from voxlake.platform.nodes.tree import NAME_COLUMNS, join_names, name_of
from voxlake.platform.telemetry.traces import traceparent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.names import DatasetName

_named_jobs = join_names(select(jobs, *NAME_COLUMNS).select_from(jobs), jobs.c.node)


def add_job(
    connection: Connection,
    kind: str,
    dataset: DatasetName,
    spec: Mapping[str, JSON],
    by: AskedBy = COMMAND,
    *,
    queued: bool = False,
) -> str:
    """Add a job and return its id; see `Ledger.create_job`. If `queued`, a worker may take it."""
    job, moment = str(ULID()), now()
    row = {
        "id": job,
        "kind": kind,
        "state": JobState.QUEUED.value,
        "spec": encode(spec),
        "message": "",
        "created_at": moment,
        "updated_at": moment,
        "fence": 0,
        "queued_at": moment if queued else None,
        "cancel_asked": False,
        "losses": 0,
        "node": make_node(connection, *dataset.parts),
        "user": by.user,
        "by": by.name,
        "traceparent": traceparent(),
    }
    connection.execute(insert(jobs).values(row))
    return job


def read_job(connection: Connection, job: str) -> Job:
    """Return the job with its stages; raise NotFoundError if there is none of that id."""
    row = connection.execute(_named_jobs.where(jobs.c.id == job)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no job {job}; list what there is with 'voxlake jobs'")
    begun = connection.execute(select(stages).where(stages.c.job == job).order_by(stages.c.id))
    return _job_of(row, tuple(_stage_of(stage) for stage in begun))


def read_jobs(connection: Connection, *which: ColumnElement[bool]) -> list[Job]:
    """Return the jobs that all conditions hold of, with their stages, newest first."""
    mine = select(stages).join(jobs, jobs.c.id == stages.c.job)
    mine = join_names(mine, jobs.c.node).where(*which)
    begun: dict[str, list[StageRecord]] = defaultdict(list)
    for stage in connection.execute(mine.order_by(stages.c.id)):
        begun[stage.job].append(_stage_of(stage))
    newest = _named_jobs.where(*which).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
    return [_job_of(row, tuple(begun[row.id])) for row in connection.execute(newest)]


def encode(document: Mapping[str, JSON]) -> str:
    """Return the document as compact JSON.

    Raises
    ------
    InvalidInputError
        If it holds what JSON cannot say, NaN and infinity included.

    Examples
    --------
    >>> encode({"voxels": 8, "etag": None})
    '{"voxels":8,"etag":null}'
    """
    try:
        return json.dumps(document, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"{document!r} cannot be recorded as JSON: {error}; "
            "use text, finite numbers, booleans, lists and mappings"
        ) from error


def decode(text: str | None) -> dict[str, JSON]:
    """Return the document; None stands for an empty one."""
    return {} if text is None else cast("dict[str, JSON]", json.loads(text))


def clean_text(text: str) -> str:
    r"""Return `text` as every database takes it: no NUL, no lone surrogate.

    Tracebacks quote file names and data, which may hold both.

    Examples
    --------
    >>> clean_text("a\0b")
    'a\\x00b'
    """
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _job_of(row: Row[tuple[Any, ...]], begun: tuple[StageRecord, ...]) -> Job:
    names = {"node", "losses", *(column.name for column in NAME_COLUMNS)}
    columns = {name: value for name, value in row._asdict().items() if name not in names}
    columns |= {"dataset": name_of(row), "state": JobState(row.state)}
    return Job(**columns | {"spec": decode(row.spec), "stages": begun})


def _stage_of(row: Row[tuple[Any, ...]]) -> StageRecord:
    progress = StageProgress(row.done, row.failed, row.voxels_done, row.bytes_done, row.tasks_per_s)
    return StageRecord(row.name, row.tasks, row.fingerprint, row.voxels, progress)
