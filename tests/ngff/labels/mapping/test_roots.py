"""Roots: an id says which supervoxels it has for good; held against every earlier mapping."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.ngff.labels.mapping.changes import cleave, import_mapping, merge
from voxlake.ngff.labels.mapping.history import History
from voxlake.ngff.labels.mapping.lineage import lineage_of
from voxlake.ngff.labels.mapping.mapping import bodies_of, open_mapping, supervoxels_of
from voxlake.ngff.labels.mapping.roots import (
    BODIES,
    CHANGED,
    ID_BITS,
    SUPERVOXELS,
    Graph,
    node_id,
    root_of,
)
from voxlake.ngff.labels.mapping.undoing import undo
from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.arange(1, 7, dtype=np.uint64)
NODES = LABELS | np.uint64(SUPERVOXELS << ID_BITS)

type Members = frozenset[int]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["merge", "merge", "cleave", "cleave", "undo", "import"]),
        st.lists(st.integers(1, 6), min_size=2, max_size=3, unique=True),
    ),
    max_size=8,
)


def change(index: StoreURL, kind: str, labels: list[int]) -> None:
    """Try a change; what does not fit the mapping as it is changes nothing."""
    bodies = bodies_of(open_mapping(index), labels).tolist()
    with suppress(ConflictError, InvalidInputError, NotFoundError):
        if kind == "merge":
            merge(index, dict.fromkeys(bodies))
        elif kind == "cleave":
            cleave(index, bodies[0], labels[:1])
        elif kind == "undo":
            undo(index, open_mapping(index).number - labels[0] % 2)
        else:
            import_mapping(index, labels, labels[:1] * len(labels))


def members_of(graph: Graph) -> dict[int, Members]:
    """Return the supervoxels of each root there is, by the root."""
    found: dict[int, set[int]] = {}
    for label, root in zip(LABELS.tolist(), graph.roots_of(NODES).tolist(), strict=True):
        found.setdefault(root, set()).add(label)
    return {root: frozenset(labels) for root, labels in found.items()}


def graphs(index: StoreURL) -> list[Graph]:
    """Return the graph as of every number."""
    history, newest = History(), open_mapping(index).number
    history.read_to(index / "mapping", newest)
    return [Graph(open_mapping(index, number), history) for number in range(newest + 1)]


@settings(max_examples=25)
@given(changes=CHANGES)
def test_a_root_has_the_same_supervoxels_for_good(
    changes: list[tuple[str, list[int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    index = StoreURL.parse(str(tmp_path_factory.mktemp("roots")))
    for kind, labels in changes:
        change(index, kind, labels)
    moments = graphs(index)
    newest = moments[-1]
    imported = newest.history.last_import(newest.number)
    told = [members_of(graph) for graph in moments]
    for graph, roots in zip(moments, told, strict=True):
        # Each body is one root, and no two bodies are.
        assert len(roots) == len(set(bodies_of(graph.mapping, LABELS).tolist()))
        for root, members in roots.items():
            assert graph.is_latest(root)
            assert (
                set(LABELS.tolist())
                & set(supervoxels_of(graph.mapping, graph.body_of(root)).tolist())
                == members
            )
    for graph, roots in zip(moments, told, strict=True):
        for root, members in roots.items():
            if root >> ID_BITS == BODIES and graph.number < imported:
                continue  # an import begins anew
            found = newest.find(root)
            owned = supervoxels_of(open_mapping(index, found.number), found.body)
            assert set(owned.tolist()) & set(LABELS.tolist()) == members
            assert found.is_latest == (told[-1].get(root) == members)
    check_lineage(newest, moments, told)


def check_lineage(newest: Graph, moments: list[Graph], told: list[dict[int, Members]]) -> None:
    """Hold that what is linked is what one change made of the other."""
    expected = set[tuple[int, int]]()
    for (before, after), graph in zip(pairwise(told), moments[1:], strict=True):
        if graph.number in newest.history._imports:
            expected = set()
            continue
        over, new = before.keys() - after.keys(), after.keys() - before.keys()
        expected |= {(old, young) for old in over for young in new if before[old] & after[young]}
    for root in told[-1]:
        lineage = lineage_of(newest, [root], 1, newest.number)
        assert {link for link in lineage.links if link[1] == root} == {
            link for link in expected if link[1] == root
        }
        assert lineage.links <= expected


@pytest.fixture
def index(tmp_path: Path) -> StoreURL:
    return StoreURL.parse(str(tmp_path))


def test_merges_and_cleaves_make_new_roots(index: StoreURL) -> None:
    first = graphs(index)[0]
    assert first.roots_of(NODES).tolist() == [node_id(BODIES, label) for label in range(1, 7)]
    merge(index, [1, 2])
    merge(index, [3, 1])
    cleave(index, 3, [2])
    newest = graphs(index)[-1]
    left, taken = node_id(CHANGED, 6), node_id(CHANGED, 7)
    assert newest.roots_of(NODES[:4]).tolist() == [left, taken, left, node_id(BODIES, 4)]
    over = node_id(CHANGED, 2)
    assert (newest.find(over).number, newest.find(over).body) == (1, 1)
    assert not newest.is_latest(over)
    with pytest.raises(ConflictError, match="was changed since"):
        newest.body_of(over)
    lineage = lineage_of(newest, [over], 1, 3)
    joined = node_id(CHANGED, 4)
    assert lineage.links == {
        (node_id(BODIES, 1), over),
        (node_id(BODIES, 2), over),
        (over, joined),
        (joined, left),
        (joined, taken),
    }
    assert lineage_of(newest, [over], 2, 2).links == {(over, joined)}
    assert lineage_of(newest, [over], 1, 3, past_alone=True).changes == [1]
    undo(index, 3)
    assert graphs(index)[-1].roots_of(NODES[:3]).tolist() == [node_id(CHANGED, 8)] * 3


@pytest.mark.parametrize(
    "node",
    [0, node_id(BODIES, 0), node_id(BODIES, 2), node_id(CHANGED, 3), node_id(CHANGED, 4), 2**63],
)
def test_what_is_no_root_is_refused(index: StoreURL, node: int) -> None:
    import_mapping(index, [2], [1])
    graph = graphs(index)[-1]
    with pytest.raises(NotFoundError, match="is no root as of mapping 1"):
        graph.find(node)
    assert not graph.is_latest(node)


def test_background_has_no_root(index: StoreURL) -> None:
    import_mapping(index, [2], [0])
    graph = graphs(index)[-1]
    assert graph.roots_of(NODES[:2]).tolist() == [node_id(BODIES, 1), 0]
    with pytest.raises(NotFoundError, match="supervoxel 2 is background"):
        graph.body_of(int(NODES[1]))


def test_a_moment_has_a_number(index: StoreURL) -> None:
    made = [merge(index, [1, label]) for label in (2, 3)]
    history = graphs(index)[-1].history
    moments = [made[0].at - timedelta(seconds=1), made[0].at, made[1].at, made[1].at]
    assert [history.number_at(moment) for moment in moments] == [0, 1, 2, 2]
    assert [root_of(history, number, 1) for number in range(3)] == [
        node_id(BODIES, 1),
        node_id(CHANGED, 2),
        node_id(CHANGED, 4),
    ]
