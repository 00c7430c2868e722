"""Lineage: which roots a root came from, and which came from it, up to the imports around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.labels.mapping.history import changed_bodies
from voxlake.ngff.labels.mapping.log import Cleave
from voxlake.ngff.labels.mapping.roots import Root, root_of, roots_left_by
from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from voxlake.ngff.labels.mapping.roots import Graph

MOST_ROOTS = 10_000
"""Roots of one lineage."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Roots that are related."""

    roots: dict[int, Root]
    """By their ids."""
    links: frozenset[tuple[int, int]]
    """A root, and one that came from it."""

    @property
    def changes(self) -> list[int]:
        """The numbers of the entries that made the roots, ascending."""
        return sorted({root.change for root in self.roots.values() if root.change is not None})


def lineage_of(
    graph: Graph, nodes: Iterable[int], first: int, last: int, *, past_alone: bool = False
) -> Lineage:
    """Return all roots that some roots came from or became, by entries from `first` to `last`.

    With `past_alone`, only those that they came from.

    Raises
    ------
    NotFoundError
        If one of them is no root.
    LimitExceededError
        If they are more than `MOST_ROOTS`.
    """
    asked = [graph.find(node) for node in nodes]
    roots, links = {root.id: root for root in asked}, set[tuple[int, int]]()
    for step, is_past in ((_came_from, True), (_became, False))[: 1 if past_alone else 2]:
        for root, other in _steps(graph, asked, step):
            older, newer = (other, root) if is_past else (root, other)
            links.add((older.id, newer.id))
            roots.setdefault(other.id, other)
    within = range(first, last + 1)
    kept = frozenset(link for link in links if roots[link[1]].change in within)
    near = {node for link in kept for node in link} | {root.id for root in asked}
    return Lineage({node: roots[node] for node in near}, kept)


def _steps(
    graph: Graph, asked: list[Root], step: Callable[[Graph, Root], Iterable[Root]]
) -> Iterator[tuple[Root, Root]]:
    """Yield each root that can be reached by steps, after the one that it is reached from."""
    waiting, seen = list(asked), {root.id for root in asked}
    while waiting:
        root = waiting.pop()
        for other in step(graph, root):
            yield root, other
            if other.id not in seen:
                seen.add(other.id)
                waiting.append(other)
        if len(seen) > MOST_ROOTS:
            raise LimitExceededError(
                f"more than {MOST_ROOTS} roots are related; ask the history of the mapping"
            )


def _came_from(graph: Graph, root: Root) -> Iterator[Root]:
    """Yield the roots that a root was made of."""
    if root.change is None:
        return
    history, number = graph.history, root.change - 1
    operation = history.entries[number].operation
    bodies = [operation.body] if isinstance(operation, Cleave) else changed_bodies(operation)
    for body in bodies:
        made = history.last_change(body, number) or history.last_import(number)
        yield Root(root_of(history, number, body), made, body, is_latest=False)


def _became(graph: Graph, root: Root) -> Iterator[Root]:
    """Yield the roots that were made of a root."""
    following = graph.history.next_import(root.number)
    until = graph.number if following is None else min(following - 1, graph.number)
    for change in graph.history.changes(root.body, root.number, until)[:1]:
        yield from map(graph.find, roots_left_by(graph.history, change))
