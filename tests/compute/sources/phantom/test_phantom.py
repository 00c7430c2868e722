"""A phantom is the same whichever boxes it is read by."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box

SHAPE = (50, 70, 61)


@cache
def whole(kind: str) -> np.ndarray:
    return open_source(f"phantom:50,70,61?seed=5&kind={kind}").read(Box.of_shape(SHAPE))


def boxes() -> st.SearchStrategy[Box]:
    ends = [st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted) for n in SHAPE]
    return st.tuples(*ends).map(
        lambda found: Box(tuple(lo for lo, _ in found), tuple(hi for _, hi in found))
    )


@settings(max_examples=40)
@given(box=boxes(), kind=st.sampled_from(["image", "labels"]))
def test_any_box_is_a_cut_of_the_whole(box: Box, kind: str) -> None:
    source = open_source(f"phantom:50,70,61?seed=5&kind={kind}")
    np.testing.assert_array_equal(source.read(box), whole(kind)[box.slices])


def test_a_larger_phantom_holds_the_smaller() -> None:
    large = open_source("phantom:200?seed=5").read(Box.of_shape(SHAPE))
    np.testing.assert_array_equal(large, whole("image"))


def test_image_and_labels_are_in_register() -> None:
    """Membranes, label 0, are dark beside the bodies; one body has one id in one piece of gray."""
    image, labels = whole("image"), whole("labels")
    ids, counts = np.unique(labels[labels > 0], return_counts=True)
    body = labels == ids[counts.argmax()]
    edges = (labels == 0) & (image < 90)
    assert edges.sum() > 0.02 * image.size
    assert image[labels > 0].mean() - image[edges].mean() > 40
    assert image[body].std() < image.std()


def test_ids_are_of_64_bits() -> None:
    ids = np.unique(whole("labels"))
    assert ids[0] == 0
    assert len(ids) > 10
    assert (ids > 2**63).any()
    assert (ids[ids > 0] < 2**63).any()


def test_extreme_ids_hold_the_largest() -> None:
    labels = open_source("phantom:50,70,61?seed=5&kind=labels&ids=extreme")
    found = labels.read(Box.of_shape(SHAPE))
    top = found == 2**64 - 1
    assert top.any()
    same = whole("labels")
    np.testing.assert_array_equal(found[~top], same[~top])


def test_seeds_differ() -> None:
    other = open_source("phantom:50,70,61?seed=6").read(Box.of_shape(SHAPE))
    assert (other != whole("image")).mean() > 0.5


def test_fingerprints_differ() -> None:
    locations = ["phantom:8", "phantom:9", "phantom:8?seed=1", "phantom:8?kind=labels"]
    assert len({open_source(location).fingerprint for location in locations}) == 4
