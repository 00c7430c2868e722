"""Where a dataset came from: other datasets, and the job that made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from voxlake.platform.access import Permission
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import find_record, is_there, list_records
from voxlake.platform.catalog.rights.grants import is_allowed
from voxlake.platform.catalog.tables import datasets, sources
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, LimitExceededError, NotFoundError
from voxlake.platform.jobs.record import ENDED, JobState
from voxlake.platform.jobs.rows import decode
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.nodes.tree import is_named

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from voxlake.platform.access import Principal
    from voxlake.platform.names import DatasetName

MOST = 1000
"""Other datasets that one may have to do with."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a dataset came from, as far as somebody may know."""

    sources: tuple[DatasetName, ...] = ()
    """Datasets that it was made from, sorted."""
    related: tuple[DatasetName, ...] = ()
    """Datasets that it has to do with, sorted."""
    job: str | None = None
    """Id of the job that made its voxels."""
    read_from: str | None = None
    """What that job read: a path or an address."""


@dataclass(frozen=True, slots=True)
class Provenance(Writer):
    """Where the datasets of a lake came from. Its methods may be called from any thread.

    Every method raises NotFoundError for a dataset that there is not, or that the asker may not
    read. What was deleted is named no more.
    """

    def get(self, name: DatasetName, principal: Principal) -> Origin:
        """Return where a dataset came from: of other datasets those that one may read."""
        with self.database.read() as connection:
            node = find_record(connection, name).node
        return self.get_at(node, principal)

    def get_at(self, node: int, principal: Principal) -> Origin:
        """Return the same of a dataset whose node is known."""
        with self.database.read() as connection:
            near = _near(connection, node, principal)
            made = connection.execute(_made.where(jobs.c.node == node)).first()
        return Origin(
            sources=tuple(each for each, _, is_source in near if is_source),
            related=tuple(each for each, _, is_source in near if not is_source),
            job=None if made is None else made.id,
            read_from=None if made is None else str(decode(made.spec).get("source", "")) or None,
        )

    def put(
        self,
        name: DatasetName,
        principal: Principal,
        made_from: Collection[DatasetName],
        related: Collection[DatasetName],
    ) -> None:
        """Say what a dataset was made from and has to do with, in the place of what was said.

        What one may not read stays as it is.

        Raises
        ------
        InvalidInputError
            If a dataset is both, or the one in question itself.
        LimitExceededError
            If there are too many.
        """
        if name in {*made_from, *related} or {*made_from} & {*related}:
            raise InvalidInputError(
                f"{name} is made from other datasets, and each is either a source or related; name "
                "each once"
            )
        if len(made_from) + len(related) > MOST:
            raise LimitExceededError(f"{name} has to do with {MOST} other datasets at most")
        with self.database.write() as connection:
            node = find_record(connection, name).node
            before = [other for _, other, _ in _near(connection, node, principal)]
            connection.execute(
                delete(sources).where(sources.c.node == node, sources.c.other.in_(before))
            )
            for each in sorted({*made_from, *related}):
                row = {"node": node, "other": _node_of(connection, each, principal)}
                connection.execute(insert(sources).values(row | {"is_source": each in made_from}))
            detail = ", ".join(map(str, sorted(made_from)))
            self.note(connection, "source dataset", str(name), node=node, detail=detail)

    def is_source(self, name: DatasetName) -> bool:
        """Return whether a dataset that there is was made from one, whoever may read it."""
        with self.database.read() as connection:
            node = find_record(connection, name).node
            of = select(sources.c.node).where(sources.c.other == node, sources.c.is_source)
            return bool(list_records(connection, datasets.c.node.in_(of), is_there))


_MADE = sorted({*ENDED, JobState.DEGRADED} - {JobState.CANCELLED})
_made = (
    select(jobs.c.id, jobs.c.spec)
    .where(jobs.c.kind == "ingest", jobs.c.state.in_(_MADE))
    .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
    .limit(1)
)
"""The newest job that made voxels."""


def _near(
    connection: Connection, node: int, principal: Principal
) -> list[tuple[DatasetName, int, bool]]:
    """Return the datasets that one has to do with, as far as they may be read, and how."""
    mine = select(sources.c.other, sources.c.is_source).where(sources.c.node == node)
    kinds = {row.other: row.is_source for row in connection.execute(mine)}
    if not kinds:
        return []
    allowed = is_allowed(principal, Permission.READ, now())
    found = list_records(connection, datasets.c.node.in_(sorted(kinds)), is_there, allowed)
    return [(record.name, record.node, kinds[record.node]) for record in found]


def _node_of(connection: Connection, name: DatasetName, principal: Principal) -> int:
    allowed = is_allowed(principal, Permission.READ, now())
    for record in list_records(connection, is_named(name), is_there, allowed):
        return record.node
    raise NotFoundError(f"there is no dataset {name}")
