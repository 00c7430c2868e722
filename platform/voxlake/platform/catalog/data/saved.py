"""What the catalog says of places, as one value: to be saved beside the voxels that it is about.

A catalog that is made anew takes it in. People, rights, jobs and the audit are not among it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import is_there, list_records
from voxlake.platform.catalog.data.frames import Frame, list_frames
from voxlake.platform.catalog.data.node_records import NodeRecord, list_nodes
from voxlake.platform.catalog.data.places import text_of
from voxlake.platform.catalog.data.plans import FirstShown, Plan
from voxlake.platform.catalog.tables import audit, first_shown, keyvalues, plans, sources
from voxlake.platform.nodes.changes import add_node, make_node
from voxlake.platform.nodes.tree import KINDS, ROOT, find_node, nodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from voxlake.platform.catalog.data.record import DatasetRecord, Kind


@dataclass(frozen=True, slots=True)
class SavedDataset:
    """What there is to say of a dataset besides."""

    kind: Kind
    of: str | None
    url: str
    """Where it lies, as `DatasetRecord` has it."""
    created_at: datetime
    sources: tuple[str, ...] = ()
    """Names of the datasets that it was made from."""
    related: tuple[str, ...] = ()
    """Names of those that it has to do with."""
    first_shown: FirstShown | None = None


@dataclass(frozen=True, slots=True)
class SavedPlace:
    """A collection, an experiment or a dataset, and what people say of it."""

    node: int
    """Its id, by which the label index of a dataset that is registered in place is found."""
    names: tuple[str, ...]
    """From the collection down."""
    description: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    frame: str | None = None
    plan: Plan | None = None
    dataset: SavedDataset | None = None


@dataclass(frozen=True, slots=True)
class SavedPlaces:
    """All that is saved of a catalog."""

    made_at: datetime
    """When the catalog was made: it tells it from one that was made anew."""
    changes: int
    """How many changes it had had, as the audit has them."""
    frames: tuple[Frame, ...]
    places: tuple[SavedPlace, ...]
    """Each after those that it lies in."""


@dataclass(frozen=True, slots=True)
class Saved(Writer):
    """What is saved of a catalog, and taken in. May be called from any thread."""

    def count_changes(self) -> int:
        """Return how many changes the audit has: another number, and there is more to save."""
        with self.database.read() as connection:
            return _count_changes(connection)

    def made_at(self) -> datetime:
        """Return when the catalog was made: it tells it from one that was made anew."""
        with self.database.read() as connection:
            return _made_at(connection)

    def read(self) -> SavedPlaces:
        """Return what the catalog says of all places."""
        with self.database.read() as connection:
            # First: what changes meanwhile is saved again.
            changes = _count_changes(connection)
            return SavedPlaces(
                made_at=_made_at(connection),
                changes=changes,
                frames=tuple(list_frames(connection)),
                places=_places(connection),
            )

    def restore_place(self, place: SavedPlace) -> bool:
        """Make the node of a place, with the id that it had if that is free.

        Return whether there was none of that name.
        """
        with self.database.write() as connection:
            if find_node(connection, *place.names) is not None:
                return False
            *above, name = place.names
            kind, parent = KINDS[len(above)], make_node(connection, *above)
            taken = connection.execute(select(nodes.c.id).where(nodes.c.id == place.node)).scalar()
            node = add_node(connection, parent, kind, name, None if taken else place.node)
            self.note(connection, f"restore {kind}", text_of(place.names), node=node)
            return True

    def number_nodes_above(self, node: int) -> None:
        """Have nodes that are made from now on get ids above one, which others had once."""
        with self.database.read() as connection:
            highest: int = connection.execute(select(func.max(nodes.c.id))).scalar_one()
        if highest >= node:
            return
        change = (
            "UPDATE sqlite_sequence SET seq = max(seq, :node) WHERE name = 'nodes'"
            if self.database.is_sqlite
            else "SELECT setval(pg_get_serial_sequence('nodes', 'id'), "
            "GREATEST((SELECT max(id) FROM nodes), :node))"
        )
        with self.database.write() as connection:
            connection.execute(text(change), {"node": node})


def _made_at(connection: Connection) -> datetime:
    made = select(nodes.c.created_at).where(nodes.c.id == ROOT)
    moment: datetime = connection.execute(made).scalar_one()
    return moment


def _count_changes(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(audit)).scalar_one()


def _places(connection: Connection) -> tuple[SavedPlace, ...]:
    values: dict[int, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(select(keyvalues).order_by(keyvalues.c.key)):
        values[row.node][row.key] = row.value
    planned = {node: Plan(**rest) for node, rest in _by_node(connection, plans)}
    records = [record for depth in (1, 2) for record in list_nodes(connection, depth)]
    above = [_place(each, values, planned) for each in records]
    return (*above, *_datasets(connection, values))


def _place(
    record: NodeRecord, values: Mapping[int, Mapping[str, str]], planned: Mapping[int, Plan]
) -> SavedPlace:
    return SavedPlace(
        node=record.node,
        names=record.names,
        description=record.description,
        values=values.get(record.node, {}),
        frame=record.frame,
        plan=planned.get(record.node),
    )


def _datasets(connection: Connection, values: Mapping[int, Mapping[str, str]]) -> list[SavedPlace]:
    records = list_records(connection, is_there)
    names = {record.node: str(record.name) for record in records}
    shown = {node: FirstShown(**rest) for node, rest in _by_node(connection, first_shown)}
    others: dict[tuple[int, bool], list[str]] = defaultdict(list)
    for row in connection.execute(select(sources)):
        if row.other in names:
            others[row.node, row.is_source].append(names[row.other])

    def saved(record: DatasetRecord) -> SavedPlace:
        dataset = SavedDataset(
            kind=record.kind,
            of=record.of,
            url=record.url,
            created_at=record.created_at,
            sources=tuple(sorted(others.get((record.node, True), ()))),
            related=tuple(sorted(others.get((record.node, False), ()))),
            first_shown=shown.get(record.node),
        )
        said = values.get(record.node, {})
        names = record.name.parts
        return SavedPlace(record.node, names, record.description, said, dataset=dataset)

    # Images before their labels.
    return [saved(each) for each in sorted(records, key=lambda record: record.of is not None)]


def _by_node(connection: Connection, table: Table) -> Sequence[tuple[int, dict[str, Any]]]:
    rows = (row._asdict() for row in connection.execute(select(table)))
    return [(row.pop("node"), row) for row in rows]
