"""Columns: lines are taken, chosen and joined as NumPy does it column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.memory.columns import LabelColumns, joined, names, no_lines

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Boxes(LabelColumns):
    start: npt.NDArray[np.int64]


NONE = no_lines(Boxes, "u8", "3i8")


def boxes_of(labels: list[int]) -> Boxes:
    ids = np.array(labels, np.uint64)
    return Boxes(ids, np.stack([ids, ids + np.uint64(1), ids + np.uint64(2)], 1).astype(np.int64))


def same(table: Boxes, labels: list[int]) -> bool:
    expected = boxes_of(labels)
    assert table.labels.dtype == np.uint64
    assert table.start.shape == (len(table), 3)
    return table.labels.tolist() == labels and np.array_equal(table.start, expected.start)


@given(labels=st.lists(st.integers(1, 9)), wanted=st.sets(st.integers(1, 9)))
def test_lines_of_labels(labels: list[int], wanted: set[int]) -> None:
    table = boxes_of(labels)
    assert len(table) == len(labels)
    found = table.of_labels(np.array(sorted(wanted), np.uint64))
    assert same(found, [label for label in labels if label in wanted])
    assert (found is table) == (set(labels) <= wanted)
    assert same(table.take(np.argsort(table.labels, kind="stable")), sorted(labels))


@given(st.lists(st.lists(st.integers(1, 9)), max_size=4))
def test_tables_are_joined_in_their_order(pieces: list[list[int]]) -> None:
    expected = [label for piece in pieces for label in piece]
    assert same(joined([NONE, *map(boxes_of, pieces)]), expected)


def test_columns_of_the_base_come_first() -> None:
    assert names(Boxes) == ("labels", "start")
    assert same(NONE, [])
