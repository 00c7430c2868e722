"""Places of a lake: a collection, an experiment or a dataset, by names from the collection down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.platform.errors import NotFoundError
from voxlake.platform.nodes.tree import find_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


def path_of(connection: Connection, place: Sequence[str]) -> list[int]:
    """Return the ids of the nodes from the lake down to a place; no names are the lake.

    Raises
    ------
    NotFoundError
        If there is no such place.
    """
    path = find_path(connection, *place)
    if len(path) <= len(place):
        missing = "/".join(place[: len(path)])
        raise NotFoundError(f"there is no {missing} in the lake; list what there is: voxlake ls")
    return path


def node_of(connection: Connection, place: Sequence[str]) -> int:
    """Return the id of the node of a place; raise NotFoundError if there is none."""
    return path_of(connection, place)[-1]


def text_of(place: Sequence[str]) -> str:
    """Return a place as people write it."""
    return "/".join(place) or "/"
