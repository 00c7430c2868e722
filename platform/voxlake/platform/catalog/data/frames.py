"""Coordinate frames: where in the world an experiment lies. They are of the lake, and global."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, insert, select, update

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.metadata import LONGEST_VALUE, check_text
from voxlake.platform.catalog.identity.people import own_group
from voxlake.platform.catalog.tables import experiment_frames, frames
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError
from voxlake.platform.names import check_name
from voxlake.platform.nodes.tree import nodes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxlake.platform.access import Permission, Principal

UNITS = ("nanometer", "micrometer", "millimeter", "centimeter")
"""Of the size of a voxel, as NGFF calls them."""

_FARTHEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Frame:
    """A coordinate frame. All is in the order z, y, x.

    Raises
    ------
    InvalidNameError
        If the name cannot be one.
    InvalidInputError
        If it has no extent, or its voxels no size.
    """

    name: str
    start: tuple[int, int, int]
    """The first voxel."""
    stop: tuple[int, int, int]
    """The first that is beyond it."""
    voxel_size: tuple[float, float, float]
    """In its unit."""
    unit: str = "nanometer"
    description: str = ""
    group: int | None = None
    """Who may change it, besides administrators."""

    def __post_init__(self) -> None:
        check_name(self.name, "frame")
        check_text(self.description, "description", LONGEST_VALUE)
        if self.unit not in UNITS:
            raise InvalidInputError(
                f"frame {self.name} cannot be measured in {self.unit!r}; use {', '.join(UNITS)}"
            )
        ranges = list(zip(self.start, self.stop, strict=True))
        if not all(-_FARTHEST <= start < stop <= _FARTHEST for start, stop in ranges):
            raise InvalidInputError(
                f"frame {self.name} would hold no voxel, or too many; give START:STOP for z, y and "
                "x, with STOP above START"
            )
        if not all(math.isfinite(size) and size > 0 for size in self.voxel_size):
            raise InvalidInputError(
                f"voxels of frame {self.name} are {self.voxel_size}; give sizes above 0"
            )

    def may_be_changed_by(self, principal: Principal, permission: Permission) -> bool:
        """Return whether somebody may update or delete it: who made it, and administrators."""
        theirs = principal.is_owner or self.group in principal.groups
        return theirs and permission in principal.permissions and principal.within is None


@dataclass(frozen=True, slots=True)
class Frames(Writer):
    """The coordinate frames of a lake. Its methods may be called from any thread.

    Every method that is about one raises NotFoundError if there is none of that name.
    """

    def add(self, frame: Frame, *, owner: str | None = None) -> Frame:
        """Make a frame, which a user may change; raise ConflictError if there is one so called."""
        row: dict[str, Any] = {
            "name": frame.name,
            "description": frame.description,
            "unit": frame.unit,
        }
        triples = {"start": frame.start, "stop": frame.stop, "size": frame.voxel_size}
        for what, triple in triples.items():
            row |= {f"{axis}_{what}": each for axis, each in zip("zyx", triple, strict=True)}
        with self.database.write() as connection:
            _require_free(connection, frame.name)
            group = None if owner is None else own_group(connection, owner)
            connection.execute(insert(frames).values(row | {"group": group, "created_at": now()}))
            self.note(connection, "add frame", frame.name)
            return _frame_of(_find(connection, frame.name))

    def get(self, name: str) -> Frame:
        """Return the frame."""
        with self.database.read() as connection:
            return _frame_of(_find(connection, name))

    def list_all(self) -> list[Frame]:
        """Return all frames, sorted by name."""
        with self.database.read() as connection:
            return list_frames(connection)

    def change(self, name: str, *, to: str | None = None, description: str | None = None) -> Frame:
        """Give a frame another name or description; where it lies stays, as experiments lie in it.

        Raises
        ------
        ConflictError
            If another has the name.
        InvalidNameError
            If the name cannot be one.
        """
        given = {"name": to, "description": description}
        columns = {column: value for column, value in given.items() if value is not None}
        check_name(to or name, "frame")
        check_text(description or "", "description", LONGEST_VALUE)
        with self.database.write() as connection:
            row = _find(connection, name)
            if to not in (None, name):
                _require_free(connection, to or name)
            if columns:
                connection.execute(update(frames).where(frames.c.id == row.id).values(columns))
            self.note(connection, "update frame", to or name, detail=f"before {name}" if to else "")
            return _frame_of(_find(connection, to or name))

    def remove(self, name: str) -> None:
        """Delete a frame; raise ConflictError if an experiment lies in it.

        One that was deleted itself comes back without a frame then.
        """
        with self.database.write() as connection:
            row = _find(connection, name)
            deleted = select(nodes.c.id).where(nodes.c.removed_at.is_not(None))
            mine = experiment_frames.c.frame == row.id
            gone = mine, experiment_frames.c.node.in_(deleted)
            connection.execute(delete(experiment_frames).where(*gone))
            if connection.execute(select(experiment_frames.c.node).where(mine)).first() is not None:
                raise ConflictError(
                    f"an experiment lies in frame {name}; delete it, or give it another frame first"
                )
            connection.execute(delete(frames).where(frames.c.id == row.id))
            self.note(connection, "remove frame", name)


def list_frames(connection: Connection) -> list[Frame]:
    """Return all frames, sorted by name."""
    rows = connection.execute(select(frames)).all()
    return sorted(map(_frame_of, rows), key=lambda frame: frame.name)


def place_in_frame(connection: Connection, experiment: int, frame: str) -> None:
    """Say that the node of an experiment lies in a frame; raise NotFoundError if there is none."""
    mine = experiment_frames.c.node == experiment
    connection.execute(delete(experiment_frames).where(mine))
    found = _find(connection, frame)
    connection.execute(insert(experiment_frames).values(node=experiment, frame=found.id))


def _find(connection: Connection, name: str) -> Row[tuple[Any, ...]]:
    row = connection.execute(select(frames).where(frames.c.name == name)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no frame {name}; list what there is with 'voxlake frame'")
    return row


def _require_free(connection: Connection, name: str) -> None:
    if connection.execute(select(frames.c.id).where(frames.c.name == name)).first() is not None:
        raise ConflictError(f"frame {name} exists already; choose another name")


def _frame_of(row: Row[tuple[Any, ...]]) -> Frame:
    return Frame(
        name=row.name,
        start=(row.z_start, row.y_start, row.x_start),
        stop=(row.z_stop, row.y_stop, row.x_stop),
        voxel_size=(row.z_size, row.y_size, row.x_size),
        unit=row.unit,
        description=row.description,
        group=row.group,
    )
