"""Names: what is one, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.platform.errors import InvalidNameError
from voxlake.platform.names import DatasetName, check_name

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)


@given(names, names, names)
def test_parse_and_str_are_inverse(collection: str, experiment: str, dataset: str) -> None:
    name = DatasetName(collection, experiment, dataset)
    assert DatasetName.parse(str(name)) == name


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../x", "a/b", "-a", "_a", "a b", "a.b", "a\n", "é", "a\0", "a" * 256, "٣"],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidNameError, match="not valid"):
        check_name(text)


def test_the_longest_name() -> None:
    assert check_name("a" * 255) == "a" * 255


@pytest.mark.parametrize("text", ["", "a", "a/b", "a/b/c/d", "/a/b/c", "a//c", "a/../c", "a/b/c/"])
def test_what_is_no_dataset_name(text: str) -> None:
    with pytest.raises(InvalidNameError):
        DatasetName.parse(text)


@given(st.text(max_size=30))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = DatasetName.parse(text)
    except InvalidNameError:
        return
    assert str(name) == text


def test_a_sibling_shares_the_experiment() -> None:
    assert str(DatasetName.parse("c/e/em").sibling("seg")) == "c/e/seg"
