"""Points of a label: always in it, the same of the same voxels, and drawn uniformly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.queries.test_in_box import index_all
from tests.ngff.labels.samples import CHUNK, SHARD, bodies, filled

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.queries import points
from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

type Ask = Callable[[Volume, StoreURL], npt.NDArray[np.int64]]

SEED = 51
VOXELS = bodies(SEED)
LABELS = [int(label) for label in np.unique(VOXELS) if label]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Volume, StoreURL]:
    url = StoreURL.parse(str(tmp_path_factory.mktemp("indexed")))
    volume = filled(url / "labels", VOXELS)
    index_all(volume, url / "index")
    return volume, url / "index"


@pytest.mark.parametrize("label", LABELS)
def test_a_point_is_in_the_middle_chunk_near_the_centroid(
    indexed: tuple[Volume, StoreURL], tmp_path: object, label: int
) -> None:
    point = Labels(*indexed).view().point(label)
    chunks = np.unique(np.argwhere(np.uint64(label) == VOXELS) // CHUNK, axis=0)
    start = chunks[len(chunks) // 2] * CHUNK
    where = np.argwhere(np.uint64(label) == VOXELS)
    inside = where[((where >= start) & (where < start + CHUNK)).all(axis=1)]
    away = np.linalg.norm(inside - inside.mean(axis=0), axis=1)
    assert point in [tuple(one) for one in inside[np.isclose(away, away.min())].tolist()]
    # Without any index the answer is the same.
    volume, index = indexed
    assert Labels(volume, index / "none").view().point(label) == point


@settings(max_examples=6)
@given(label=st.sampled_from(LABELS), count=st.integers(0, 40), seed=st.integers(0, 99))
def test_random_points_are_in_the_label(
    indexed: tuple[Volume, StoreURL], label: int, count: int, seed: int
) -> None:
    volume, index = indexed
    points = Labels(volume, index).view().points(label, count, seed)
    assert points.shape == (count, 3)
    assert (VOXELS[tuple(points.T)] == np.uint64(label)).all()
    assert np.array_equal(points, Labels(volume, index / "none").view().points(label, count, seed))


def test_points_are_drawn_uniformly(indexed: tuple[Volume, StoreURL]) -> None:
    label, draws = LABELS[0], 20_000
    points = Labels(*indexed).view().points(label, draws, 7)
    flat = np.ravel_multi_index(tuple(points.T), VOXELS.shape)
    found = np.bincount(flat, minlength=VOXELS.size)[(np.uint64(label) == VOXELS).reshape(-1)]
    expected = draws / len(found)
    chi_square = float((np.square(found - expected) / expected).sum())
    degrees = len(found) - 1
    # Five standard deviations of a chi-square of that many degrees of freedom.
    assert abs(chi_square - degrees) < 5 * np.sqrt(2 * degrees)


def test_what_has_no_point(indexed: tuple[Volume, StoreURL]) -> None:
    with pytest.raises(NotFoundError):
        Labels(*indexed).view().point(424242)
    with pytest.raises(NotFoundError):
        Labels(*indexed).view().points(424242, 3)
    with pytest.raises(InvalidInputError, match="no label"):
        Labels(*indexed).view().point(0)
    with pytest.raises(InvalidInputError, match="0 or more"):
        Labels(*indexed).view().points(1, -1)


def five(volume: Volume, index: StoreURL) -> npt.NDArray[np.int64]:
    return Labels(volume, index).ask(lambda view: view.points(1, 5))


def one(volume: Volume, index: StoreURL) -> npt.NDArray[np.int64]:
    return np.array([Labels(volume, index).ask(lambda view: view.point(1))])


@pytest.mark.parametrize("moves", [1, 99])
@pytest.mark.parametrize(
    ("ask", "step"), [(five, "chunks_of"), (five, "_counted"), (one, "chunks_of")]
)
def test_a_label_that_moves_between_the_steps(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch, ask: Ask, step: str, moves: int
) -> None:
    """It hops to another shard as soon as it was found: once, or each time."""
    places = (Box((0, 0, 0), SHARD), Box((8, 0, 0), (16, *SHARD[1:])))
    states = [np.zeros(VOXELS.shape, np.uint64) for _ in places]
    for voxels, place in zip(states, places, strict=True):
        voxels[place.slices] = 1
    volume, index = filled(lake / "labels", states[0]), lake / "index"
    find, moved = getattr(points, step), 0

    def find_and_move(*asked: object) -> object:
        nonlocal moved
        found = find(*asked)
        if moved < moves:
            moved += 1
            volume.write(volume.box, states[moved % 2]).result()
        return found

    monkeypatch.setattr(points, step, find_and_move)
    if moves > 1:
        with pytest.raises(ConflictError, match="ask again"):
            ask(volume, index)
    else:
        found = ask(volume, index)
        assert moved
        assert (states[1][tuple(found.T)] == 1).all()
