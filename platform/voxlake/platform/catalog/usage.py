"""What was used of a lake, by whom, of which dataset: counted by day, and limited by month."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.places import node_of
from voxlake.platform.catalog.tables import usage, usage_limits, usage_months
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.nodes.tree import (
    NAME_COLUMNS,
    ROOT,
    join_names,
    name_of,
    names_of,
    nodes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Table

    from voxlake.platform.database import Database

SYSTEM = "system"
_SUBJECT = re.compile(r"system|(?:api|user):(?:\*|[A-Za-z0-9()_-]{1,255})")
_PLACE, _NODE = "place:", "node:"
_COUNTED = ("requests", "egress", "ingress", "compute")
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class Metric(StrEnum):
    """What may be limited, in bytes. The names are bossDB's."""

    EGRESS = "egress"
    """What is sent."""
    INGRESS = "ingress"
    """What is received."""
    COMPUTE = "compute"
    """What is worked on by jobs."""
    STORED = "stored"
    """What lies on the store, at any time; the others are of a month."""


MONTHLY = (Metric.EGRESS, Metric.INGRESS, Metric.COMPUTE)
"""What is counted by month, all that bossDB knows."""


@dataclass(frozen=True, slots=True, order=True)
class Used:
    """Of what it is counted."""

    day: str
    """``2026-11-28``, in UTC."""
    account: str
    """The name of a user; in parentheses, who is none."""
    node: int
    """The node of the dataset."""
    api: str
    """The kind of request."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """What may have a limit that this counts for."""
        return SYSTEM, f"api:{self.api}", f"user:{self.account}"


@dataclass(frozen=True, slots=True)
class Counts:
    """How much it was: requests, and bytes."""

    requests: int = 0
    egress: int = 0
    ingress: int = 0
    compute: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def of(self, metric: Metric) -> int:
        """Return the bytes of a metric of a month."""
        return {"egress": self.egress, "ingress": self.ingress, "compute": self.compute}[metric]


@dataclass(frozen=True, slots=True)
class UsedOfDataset:
    """What an account had of a dataset in a month."""

    account: str
    dataset: str
    counts: Counts


type Limits = Mapping[tuple[str, Metric], int]
"""Bytes in a month, by subject and metric."""


@dataclass(frozen=True, slots=True)
class UsageLedger(Writer):
    """The usage of a lake. Its methods may be called from any thread, by many processes at once."""

    def add(self, counted: Mapping[Used, Counts]) -> None:
        """Add to what was counted, all at once or nothing."""
        months = defaultdict[tuple[str, str], Counts](Counts)
        for used, counts in counted.items():
            for subject in used.subjects:
                months[used.day[:7], subject] += counts
        with self.database.write() as connection:
            paths = {node: _at_and_above(connection, node) for node in {u.node for u in counted}}
            for used, counts in counted.items():
                for node in paths[used.node]:
                    months[used.day[:7], subject_of(node)] += counts
            # In one order, so that of two processes neither waits for the other's rows.
            for used, counts in sorted(counted.items(), key=lambda each: each[0]):
                self._add(connection, usage, astuple(used), counts)
            for month, counts in sorted(months.items(), key=lambda each: each[0]):
                self._add(connection, usage_months, month, counts)

    def _add(
        self, connection: Connection, table: Table, key: tuple[object, ...], counts: Counts
    ) -> None:
        keys = [column.name for column in table.primary_key]
        row = dict(zip((*keys, *_COUNTED), (*key, *astuple(counts)), strict=True))
        put = self.database.insert(table).values(row)
        more = {name: table.c[name] + put.excluded[name] for name in _COUNTED}
        connection.execute(put.on_conflict_do_update(index_elements=keys, set_=more))

    def of_month(self, month: str, subjects: Iterable[str] | None = None) -> dict[str, Counts]:
        """Return what subjects had in a month, ``2026-11``: some, or all but places."""
        query = select(usage_months).filter_by(month=month).order_by(usage_months.c.subject)
        if subjects is None:
            query = query.where(~usage_months.c.subject.startswith(_NODE))
        else:
            query = query.where(usage_months.c.subject.in_(list(subjects)))
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        return {row.subject: Counts(*(getattr(row, name) for name in _COUNTED)) for row in rows}

    def of_datasets(self, month: str, account: str | None = None) -> list[UsedOfDataset]:
        """Return what was had of datasets in a month, of all or of one account, most bytes first.

        Datasets are called as they are at present; one that was removed, as it was.
        """
        sums = [func.sum(usage.c[name]).label(name) for name in _COUNTED]
        of = [] if account is None else [usage.c.account == account]
        query = join_names(select(usage.c.account, *NAME_COLUMNS, *sums), usage.c.node)
        query = query.where(usage.c.day.startswith(f"{month}-", autoescape=True), *of)
        query = query.group_by(usage.c.account, usage.c.node, *NAME_COLUMNS)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        found = [
            UsedOfDataset(
                row.account, str(name_of(row)), Counts(*(int(getattr(row, n)) for n in _COUNTED))
            )
            for row in rows
        ]
        return sorted(found, key=lambda one: (-one.counts.egress, one.account, one.dataset))

    def told_limits(self) -> Limits:
        """Return all limits, of places by their names at present; not of what was removed."""
        found = self.limits()
        with self.database.read() as connection:
            told = {subject: _told_subject(connection, subject) for subject, _ in found}
        return {
            (name, metric): amount
            for (subject, metric), amount in found.items()
            if (name := told[subject]) is not None
        }

    def limits(self) -> Limits:
        """Return all limits, of places by the ids of their nodes (see `subject_of`)."""
        return read_limits(self.database)

    def set_limit(self, subject: str, metric: Metric, amount: int | None) -> None:
        """Limit what a subject may have in a month, in bytes; None: it may have anything.

        Raises
        ------
        InvalidInputError
            If there can be no such subject, or the amount is negative.
        NotFoundError
            If it is a place, and there is none.
        """
        names = subject.removeprefix(_PLACE).split("/")
        is_place = subject.startswith(_PLACE)
        _check_limit(subject, metric, amount)
        with self.database.write() as connection:
            kept = subject_of(node_of(connection, names)) if is_place else subject
            key = {"subject": kept, "metric": metric.value}
            connection.execute(delete(usage_limits).filter_by(**key))
            if amount is not None:
                connection.execute(insert(usage_limits).values(key | {"amount": amount}))
            told = f"{metric} {'unlimited' if amount is None else amount}"
            self.note(connection, "limit usage", subject, detail=told)


def read_limits(database: Database) -> Limits:
    """Return all limits, of places by the ids of their nodes (see `subject_of`)."""
    with database.read() as connection:
        rows = connection.execute(select(usage_limits)).all()
    return {(row.subject, Metric(row.metric)): row.amount for row in rows}


def _check_limit(subject: str, metric: Metric, amount: int | None) -> None:
    """Raise InvalidInputError if there can be no such limit."""
    is_place = subject.startswith(_PLACE)
    if metric is Metric.STORED and not is_place and subject != SYSTEM:
        raise InvalidInputError(
            f"what {subject} stores is not known; limit place:COLLECTION, what is below, or system"
        )
    known = is_place or _SUBJECT.fullmatch(subject)
    if not known or (amount is not None and not 0 <= amount < 1 << 63):
        raise InvalidInputError(
            f"{subject!r} cannot be limited to {amount}; name system, api:NAME, user:NAME, or "
            "api:* and user:* for all others, or place:COLLECTION/EXPERIMENT/DATASET, and give "
            "bytes"
        )


def subject_of(node: int) -> str:
    """Return the subject that a collection, experiment or dataset is, or the lake.

    Examples
    --------
    >>> subject_of(7), subject_of(ROOT)
    ('node:7', 'system')
    """
    return SYSTEM if node == ROOT else f"{_NODE}{node}"


def node_of_subject(subject: str) -> int | None:
    """Return the node of a subject that is a place; None: it is none.

    Examples
    --------
    >>> node_of_subject("node:7"), node_of_subject("user:ada")
    (7, None)
    """
    is_place = subject.startswith(_NODE)
    return int(subject.removeprefix(_NODE)) if is_place else None


def _at_and_above(connection: Connection, node: int) -> list[int]:
    """Return a node, and those above it without the lake itself."""
    path: list[int] = []
    above: int | None = node
    while above is not None and above != ROOT:
        path.append(above)
        above = connection.execute(select(nodes.c.parent).filter_by(id=above)).scalar()
    return path


def _told_subject(connection: Connection, subject: str) -> str | None:
    """Return a subject as people call it; None: a place that was removed."""
    node = node_of_subject(subject)
    if node is None:
        return subject
    path = _at_and_above(connection, node)
    kept = select(func.count()).where(nodes.c.id.in_(path), nodes.c.removed_at.is_(None))
    if connection.execute(kept).scalar_one() < len(path):
        return None
    return _PLACE + "/".join(names_of(connection, node))


def limit_of(limits: Limits, subject: str, metric: Metric) -> int | None:
    """Return the limit of a subject: its own, else that of all of its kind; None: it has none.

    Examples
    --------
    >>> limit_of({("user:*", Metric.EGRESS): 7}, "user:ada", Metric.EGRESS)
    7
    """
    kind, colon, _ = subject.partition(":")
    return limits.get((subject, metric), limits.get((f"{kind}{colon}*", metric)))


def parse_amount(text: str) -> int:
    """Return bytes as people and bossDB write them; raise InvalidInputError for anything else.

    Examples
    --------
    >>> parse_amount("10G"), parse_amount("512")
    (10737418240, 512)
    """
    found = re.fullmatch(r"([0-9]{1,15})\s*([KMGT]?)", text.strip().upper())
    if found is None:
        raise InvalidInputError(f"{text!r} is no amount of bytes; give 512, 10G or 2T")
    return int(found[1]) << _UNITS[found[2]]
