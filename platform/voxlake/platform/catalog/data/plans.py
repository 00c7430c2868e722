"""What new datasets of an experiment are made by, and where in one clients begin.

bossDB's clients say both. Of datasets that there are, their OME-Zarr alone says what they are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Table, delete, insert, select

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import find_record
from voxlake.platform.catalog.data.places import node_of, text_of
from voxlake.platform.catalog.tables import first_shown, plans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Connection

    from voxlake.platform.names import DatasetName

type Method = Literal["anisotropic", "isotropic"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What new datasets of an experiment are made by."""

    levels: int = 1
    """The finest included."""
    method: Method = "anisotropic"
    """Whether z is halved as y and x are."""
    times: int = 1
    """Time points of images."""
    time_step: int | None = None
    """From one time point to the next; None: it is not known."""
    time_unit: str = ""
    """As bossDB calls it; empty: it is not known."""


@dataclass(frozen=True, slots=True)
class FirstShown:
    """Where in a dataset clients are told to begin."""

    level: int = 0
    time: int = 0


@dataclass(frozen=True, slots=True)
class Plans(Writer):
    """What is planned of experiments and told of datasets. May be called from any thread.

    Every method raises NotFoundError if there is no such place.
    """

    def get(self, experiment: Sequence[str]) -> Plan | None:
        """Return what new datasets of an experiment are made by; None: nobody has said so."""
        with self.database.read() as connection:
            row = _row(connection, plans, node_of(connection, experiment))
        return None if row is None else Plan(**row)

    def put(self, experiment: Sequence[str], plan: Plan) -> None:
        """Say what new datasets of an experiment are made by."""
        with self.database.write() as connection:
            node = node_of(connection, experiment)
            _put(connection, plans, node, asdict(plan))
            self.note(connection, "plan experiment", text_of(experiment), node=node)

    def first_shown(self, name: DatasetName) -> FirstShown:
        """Return where in a dataset clients begin."""
        with self.database.read() as connection:
            row = _row(connection, first_shown, find_record(connection, name).node)
        return FirstShown() if row is None else FirstShown(**row)

    def show_first(self, name: DatasetName, shown: FirstShown) -> None:
        """Say where in a dataset clients begin."""
        with self.database.write() as connection:
            _put(connection, first_shown, find_record(connection, name).node, asdict(shown))


def _row(connection: Connection, table: Table, node: int) -> dict[str, Any] | None:
    found = connection.execute(select(table).where(table.c.node == node)).one_or_none()
    return None if found is None else {k: v for k, v in found._asdict().items() if k != "node"}


def _put(connection: Connection, table: Table, node: int, values: dict[str, Any]) -> None:
    connection.execute(delete(table).where(table.c.node == node))
    connection.execute(insert(table).values(node=node, **values))
