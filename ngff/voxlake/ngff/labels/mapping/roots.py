"""Ids of nodes as PyChunkedGraph has them: supervoxels, and roots that change when bodies do.

The layer of a node is in the highest 8 bits of its id. Supervoxels are of layer 1: their labels
stay below 2^56. A root stands for a body as it was at one time, so that whoever kept something of
it knows by the id alone that it is over:

* layer 2, a body that nothing has changed since the last import, by its number;
* layer 3, a body as an entry of the log left it, by twice the number of the entry, and 1 more for
  what a cleave took out.

After google/neuroglancer, ``src/datasource/graphene/base.ts``: `isBaseSegmentId`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import numpy as np

from voxlake.ngff.labels.mapping.log import Cleave, Merge, Replace
from voxlake.ngff.labels.mapping.mapping import bodies_of, supervoxels_of
from voxlake.platform.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.labels.mapping.history import History
    from voxlake.ngff.labels.mapping.log import Operation
    from voxlake.ngff.labels.mapping.mapping import Mapping

LAYER_BITS = 8
"""Highest bits of an id, that have the layer."""
ID_BITS = 64 - LAYER_BITS
SUPERVOXELS, BODIES, CHANGED = 1, 2, 3
"""The layers."""
LIMIT = 1 << ID_BITS
"""Labels from here on have no id."""


@dataclass(frozen=True, slots=True)
class Root:
    """A body as it was at one time."""

    id: int
    number: int
    """Of a mapping in which it was so."""
    body: int
    is_latest: bool
    """Whether it is so in the mapping that was asked."""

    @property
    def change(self) -> int | None:
        """Number of the entry that left it so; None: nothing has changed it since an import."""
        layer, rest = divmod(self.id, LIMIT)
        return rest >> 1 if layer == CHANGED else None


def node_id(layer: int, rest: int) -> int:
    """Return the id of a node.

    Examples
    --------
    >>> node_id(SUPERVOXELS, 5)
    72057594037927941
    """
    return layer << ID_BITS | rest


def left_by(operation: Operation) -> tuple[int, ...]:
    """Return the bodies that an operation leaves changed; of a cleave, what is left comes first."""
    match operation:
        case Merge():
            return (operation.into,)
        case Cleave():
            return (operation.body, operation.into)
        case Replace():
            return ()
        case _:
            assert_never(operation)


def root_of(history: History, number: int, body: int) -> int:
    """Return the root that a body is as of a number; 0 of the background."""
    change = history.last_change(body, number) if body else 0
    if not change:
        return node_id(BODIES, body) if body else 0
    place = left_by(history.entries[change - 1].operation).index(body)
    return node_id(CHANGED, change << 1 | place)


def roots_left_by(history: History, number: int) -> list[int]:
    """Return the roots that the entry of a number made."""
    return [
        root_of(history, number, body) for body in left_by(history.entries[number - 1].operation)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A mapping, and the history of which it is a moment."""

    mapping: Mapping
    history: History

    @property
    def number(self) -> int:
        """Number of the mapping."""
        return self.mapping.number

    def roots_of(self, nodes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return the roots (n,) of supervoxels (n,) by their ids; other nodes are their own."""
        is_supervoxel = nodes >> np.uint64(ID_BITS) == SUPERVOXELS
        labels = nodes[is_supervoxel] & np.uint64(LIMIT - 1)
        bodies, places = np.unique(bodies_of(self.mapping, labels), return_inverse=True)
        found = [root_of(self.history, self.number, body) for body in bodies.tolist()]
        roots = nodes.copy()
        roots[is_supervoxel] = np.array(found, np.uint64)[places]
        return roots

    def body_of(self, node: int) -> int:
        """Return the body of a supervoxel, or of a root that is the latest.

        Raises
        ------
        ConflictError
            If the root is over.
        NotFoundError
            If there is no such node.
        """
        layer, label = divmod(node, LIMIT)
        if layer == SUPERVOXELS and label:
            body = int(bodies_of(self.mapping, [label])[0])
            if not body:
                raise NotFoundError(f"supervoxel {label} is background; choose another")
            return body
        root = self.find(node)
        if not root.is_latest:
            raise ConflictError(
                f"{node} is how body {root.body} was as of mapping {root.number}, and it was "
                "changed since; ask for the roots of its supervoxels, and try again"
            )
        return root.body

    def find(self, node: int) -> Root:
        """Return a root, whether it is the latest or over.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        """
        layer, rest = divmod(node, LIMIT)
        root = None
        if layer == BODIES and rest:
            root = self._unchanged(node, rest)
        elif layer == CHANGED and 0 < rest >> 1 <= self.number:
            root = self._changed(node, rest >> 1, rest & 1)
        if root is None:
            raise NotFoundError(
                f"{node} is no root as of mapping {self.number}; ask for the root of a supervoxel"
            )
        return root

    def is_latest(self, node: int) -> bool:
        """Return whether there is a root of that id, and it is not over."""
        try:
            return self.find(node).is_latest
        except NotFoundError:
            return False

    def _unchanged(self, node: int, body: int) -> Root | None:
        """Return a body as an import left it."""
        if self.history.last_change(body, self.number):
            return Root(node, self.history.last_import(self.number), body, is_latest=False)
        return Root(node, self.number, body, is_latest=True) if self._is_body(body) else None

    def _changed(self, node: int, change: int, place: int) -> Root | None:
        """Return a body as an entry left it."""
        bodies = left_by(self.history.entries[change - 1].operation)
        if place >= len(bodies):
            return None
        body = bodies[place]
        is_last = self.history.last_change(body, self.number) == change
        return Root(node, change, body, is_last and self._is_body(body))

    def _is_body(self, body: int) -> bool:
        return len(supervoxels_of(self.mapping, body)) > 0
