"""Boxes and ids of labels on the wire: one form, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from voxlake.documents.box import BoxDocument
from voxlake.documents.labels.labels import Label
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.label_id import MAX_LABEL

LABEL: TypeAdapter[int] = TypeAdapter(Label)


@given(
    st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40)), min_size=3, max_size=5)
)
def test_a_box_comes_back(ranges: list[tuple[int, int]]) -> None:
    box = Box(tuple(lo for lo, _ in ranges), tuple(lo + size for lo, size in ranges))
    axes = ("t", "c", "z", "y", "x")[-len(ranges) :]
    document = BoxDocument.of(box, axes)
    assert tuple(document.root) == axes
    assert BoxDocument.model_validate_json(document.model_dump_json()).box == box


@given(st.integers(0, MAX_LABEL))
def test_a_label_is_text_in_json_and_a_number_inside(label: int) -> None:
    assert LABEL.dump_json(label) == f'"{label}"'.encode()
    assert LABEL.validate_json(f'"{label}"') == LABEL.validate_json(str(label)) == label
