"""Datasets that are sliced like arrays, from a store and through a gateway; NumPy is the judge."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices
from tests.api.conftest import SHAPE, TOKEN
from tests.api.lakes import Sample, image_voxels, label_voxels
from tests.api.v2.datasets.test_writing import CELLS, DYES, EM, serving

from voxlake.client import Gateway, Lake
from voxlake.client.arrays.dataset_array import _as_stored
from voxlake.client.http import pieces
from voxlake.client.http.pieces import piece_of, read_in_pieces
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.errors import (
    InvalidInputError,
    NotFoundError,
    OutOfBoundsError,
    StoreUnavailableError,
    UnauthenticatedError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.conftest import Served

    from voxlake.platform.store import StoreURL


@pytest.fixture(scope="module", params=["store", "gateway"])
def found(request: pytest.FixtureRequest, served: Served) -> Iterator[Lake | Gateway]:
    """The lake as its store has it, and through its gateway."""
    if request.param == "store":
        yield Lake(served.lake)
        return
    with Gateway(served.url, TOKEN) as gateway:
        yield gateway


@pytest.mark.parametrize("name", [EM, CELLS, DYES])
def test_what_it_is(served: Served, found: Lake | Gateway, name: str) -> None:
    array, voxels = found[name], served.voxels[name]
    assert (array.shape, array.dtype, array.ndim) == (voxels.shape, voxels.dtype, voxels.ndim)
    assert (array.size, array.nbytes, len(array)) == (voxels.size, voxels.nbytes, len(voxels))
    np.testing.assert_array_equal(np.asarray(array), voxels)
    np.testing.assert_array_equal(np.add(array, 1, dtype=float), np.add(voxels, 1, dtype=float))
    for plane, want in zip(array.at_level(0), voxels[:2], strict=False):
        np.testing.assert_array_equal(plane, want)


@settings(max_examples=25)
@given(index=basic_indices(SHAPE, allow_newaxis=False))
def test_any_index_is_numpys(served: Served, found: Lake | Gateway, index: Any) -> None:
    got, want = found[CELLS][index], served.voxels[CELLS][index]
    np.testing.assert_array_equal(got, want)
    assert (np.shape(got), got.dtype) == (np.shape(want), want.dtype)


def test_levels_and_their_places(served: Served, found: Lake | Gateway) -> None:
    coarse = found[EM].at_level(1)
    want = served.voxels[EM][:, ::2, ::2]
    np.testing.assert_array_equal(coarse[3:9, ..., -5], want[3:9, :, -5])
    lazy = coarse.xarray(np.s_[0:9, :, 4:8])
    np.testing.assert_array_equal(lazy.values, want[:9, :, 4:8])
    assert lazy.z.attrs["units"] == "nanometer"
    assert coarse.dask().numblocks == (2, 2, 2)
    np.testing.assert_array_equal(coarse.dask()[5].compute(), want[5])
    with pytest.raises(OutOfBoundsError, match="has 0 to 1"):
        coarse.at_level(2)


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (45, OutOfBoundsError),
        ((0, -68), OutOfBoundsError),
        ((0, 0, 0, 0), InvalidInputError),
        ((..., 0, ...), InvalidInputError),
        (True, InvalidInputError),
        (1.0, InvalidInputError),
        ([1, 2], InvalidInputError),
        (np.s_[0.5:3], InvalidInputError),
        (np.s_[::0], InvalidInputError),
        ("z", InvalidInputError),
        (None, InvalidInputError),
    ],
)
def test_what_is_no_index(found: Lake | Gateway, index: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        found[EM][index]


def test_what_is_not_there(served: Served, found: Lake | Gateway) -> None:
    with pytest.raises(NotFoundError):
        found["lab/brain/none"]
    with Gateway(served.url, "") as nobody, pytest.raises(UnauthenticatedError):
        nobody["lab/brain/secret"]
    with pytest.raises(ValueError, match="makes a copy"):
        np.asarray(found[EM], copy=False)
    with pytest.raises(StoreUnavailableError), Gateway("http://127.0.0.1:9", "") as gateway:
        gateway[EM]


def test_a_large_box_is_read_in_pieces(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gateway(served.url, TOKEN) as gateway:
        array, sent = gateway[DYES], []
        receive = gateway._connection.receive

        def count(path: str, params: dict[str, str]) -> Any:
            sent.append(params)
            return receive(path, params)

        monkeypatch.setattr(gateway._connection, "receive", count)
        monkeypatch.setattr(pieces, "PIECE_BYTES", 16**3 * 2)
        np.testing.assert_array_equal(array[...], served.voxels[DYES])
        assert len(sent) == 2 * 3 * 2 * 3 * 3
        assert {key: sent[0][key] for key in "tczyx"} == {
            "t": "0:1",
            "c": "0:1",
            "z": "0:16",
            "y": "0:16",
            "x": "0:16",
        }


def test_a_piece_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1)
    asked = []

    def read(box: Box) -> np.ndarray:
        asked.append(box)
        time.sleep(0.002)
        if box.start == (2,):
            raise NotFoundError("gone")
        return np.zeros(box.shape, np.uint8)

    with pytest.raises(NotFoundError, match="gone"):
        read_in_pieces(read, Box((0,), (1000,)), (1,), np.dtype("u1"))
    assert len(asked) < 100


@given(
    chunk=st.lists(st.integers(1, 64), min_size=3, max_size=5),
    counts=st.lists(st.integers(1, 20), min_size=5, max_size=5),
)
def test_pieces_are_whole_chunks(chunk: list[int], counts: list[int]) -> None:
    shard = tuple(n * count for n, count in zip(chunk, counts, strict=False))
    piece = piece_of(tuple(chunk), shard, 8)
    assert all(n % least == 0 and n >= least for n, least in zip(piece, chunk, strict=True))
    assert np.prod(piece) * 8 <= pieces.PIECE_BYTES or piece == tuple(chunk)


def test_values_that_are_held_or_not() -> None:
    small, short = np.dtype("u1"), np.dtype("f4")
    assert _as_stored([True, 255], small).tolist() == [1, 255]
    assert _as_stored(3.0, small) == 3
    assert _as_stored(0.1, short) == np.float32(0.1)
    assert np.isnan(_as_stored([np.nan, np.inf], short)[0])
    largest = np.array([2**64 - 1], np.uint64)
    assert _as_stored(largest, np.dtype("u8")) == largest
    wrong: list[tuple[Any, str]] = [(value, "u1") for value in (256, -1, 0.5, np.nan, "a")]
    wrong += [(1e39, "f4"), (16_777_217, "f4"), (largest, "i8"), (-1, "u8"), (1j, "f4")]
    for value, dtype in wrong:
        with pytest.raises(InvalidInputError):
            _as_stored(value, np.dtype(dtype))


WRITES: list[tuple[str, Any, Any]] = [
    (EM, np.s_[3, 2:9, -5:], np.arange(35).reshape(7, 5)),
    (EM, np.s_[:2, ..., 4], 7),
    (EM, np.s_[5:5], 9),
    (CELLS, np.s_[-1], 2**64 - 1),
    (CELLS, np.s_[2:4, :, 8:9], np.arange(30, dtype=np.int64)[:, None]),
    (DYES, np.s_[1, ..., 3:], np.arange(8)),
    (DYES, np.s_[0, 1, 2, 3, 4], np.uint16(65_535)),
]


def test_writes_by_assignment(lake: StoreURL, tmp_path: Path) -> None:
    samples = [
        Sample(EM, image_voxels((20, 30, 40)), public=True),
        Sample(CELLS, label_voxels((20, 30, 40)), Kind.LABELS, of="em"),
        Sample(DYES, image_voxels((2, 3, 9, 10, 11), 4, "uint16"), axes=tuple("tczyx")),
    ]
    with serving(lake, tmp_path, samples) as served, Gateway(served.url, TOKEN) as gateway:
        for name, index, value in WRITES:
            array, voxels = gateway[name], served.voxels[name]
            array[index] = voxels[index] = value
            np.testing.assert_array_equal(array[...], voxels)
        em = gateway[EM]
        with pytest.raises(InvalidInputError, match="shape"):
            em[0] = np.zeros((3, 40))
        with pytest.raises(InvalidInputError, match="steps"):
            em[::2] = 0
        with pytest.raises(InvalidInputError, match="uint8"):
            em[0] = -1
        with pytest.raises(UnsupportedError, match="level 0"):
            em.at_level(1)[0] = 1
        with pytest.raises(UnsupportedError, match="through a gateway"):
            Lake(served.lake)[EM][0] = 1
        with Gateway(served.url, "") as nobody, pytest.raises(UnauthenticatedError):
            nobody[EM][0] = 1
        np.testing.assert_array_equal(em[...], served.voxels[EM])
