"""Rows of a shard, against NumPy brute force."""

from __future__ import annotations

import subprocess
import sys
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.ngff.labels.samples import IDS, as_tuples, bodies, brute_rows, new_volume

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.scan import plain
from voxlake.ngff.labels.scan import rows as rows_
from voxlake.ngff.labels.scan.kernel import FIRST_SLOTS, SPARSE, scan_blocks
from voxlake.ngff.labels.scan.plain import FIELDS
from voxlake.ngff.labels.scan.rows import check_labels, find_rows, found_in_chunks, scan_chunks
from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

DTYPES = ("uint8", "uint16", "uint32", "uint64")


@st.composite
def labelled(draw: st.DrawFn) -> tuple[npt.NDArray[Any], tuple[int, ...], tuple[int, ...]]:
    """Draw voxels, a chunk and a shard that divide nothing."""
    shape = tuple(draw(st.sampled_from([1, 2, 3, 5, 7, 11])) for _ in range(3))
    chunk = tuple(draw(st.integers(1, 4)) for _ in range(3))
    shard = tuple(edge * draw(st.integers(1, 3)) for edge in chunk)
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    largest = (1 << 8 * dtype.itemsize) - 1
    ids = [0, *(i for i in IDS if i <= largest), largest]
    return draw(arrays.arrays(dtype, shape, elements=st.sampled_from(ids))), chunk, shard


@settings(max_examples=60)
@given(sample=labelled())
def test_rows_equal_brute_force(
    memory_store: StoreURL,
    sample: tuple[npt.NDArray[Any], tuple[int, ...], tuple[int, ...]],
) -> None:
    voxels, chunk, shard = sample
    url = memory_store / uuid4().hex
    volume = new_volume(url, voxels.shape, chunk, shard, dtype=voxels.dtype.name)
    for cell in volume.box.cells(volume.shard):
        rows = find_rows(volume, cell, voxels[volume.shard_box(cell).slices])
        assert as_tuples(rows) == brute_rows(volume, cell, voxels)


@st.composite
def long_lines(draw: st.DrawFn) -> tuple[npt.NDArray[Any], tuple[int, ...]]:
    """Draw voxels, in rows of any length within larger memory, and a chunk."""
    width = draw(st.sampled_from([1, 63, 64, 65, 128, 131, 200]))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    ids = np.array([0, 1, 2, 255, (1 << 8 * dtype.itemsize) - 1], np.uint64).astype(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    runs = ids[rng.integers(0, len(ids), 4000)].repeat(
        rng.integers(1, draw(st.integers(2, 90)), 4000)
    )
    shape = (3, 4, width + draw(st.integers(0, 70)))
    first = draw(st.integers(0, shape[2] - width))
    whole = np.resize(runs, shape)
    chunk = (2, 3, draw(st.sampled_from([16, 64, 100, 256])))
    return whole[:, draw(st.integers(0, 3)) :, first : first + width], chunk


@settings(max_examples=80)
@given(sample=long_lines())
def test_lines_of_any_length(sample: tuple[npt.NDArray[Any], tuple[int, ...]]) -> None:
    voxels, chunk = sample
    rows, counts = scan_chunks(voxels, chunk)
    found = [rows[stop - count : stop] for stop, count in zip(counts.cumsum(), counts, strict=True)]
    for part, box in zip(found, Box.of_shape(voxels.shape).tiles(chunk), strict=True):
        block = voxels[box.slices]
        expected = []
        for label in np.unique(block[block != 0]):
            where = np.argwhere(block == label)
            low, high = where.min(axis=0).tolist(), (where.max(axis=0) + 1).tolist()
            expected.append([int(label), len(where), *low, *high])
        assert sorted(part.tolist()) == expected


@settings(max_examples=60)
@given(sample=long_lines() | labelled().map(lambda sample: sample[:2]))
def test_the_plain_twin_finds_the_same(
    sample: tuple[npt.NDArray[Any], tuple[int, ...]],
) -> None:
    voxels, chunk = sample
    with pytest.MonkeyPatch.context() as patch:
        rows, counts = scan_chunks(voxels, chunk)
        patch.setattr(rows_, "_scanner", lambda _: plain.scan_blocks)
        plain_rows, plain_counts = scan_chunks(voxels, chunk)
    assert counts.tolist() == plain_counts.tolist()
    for stop, count in zip(counts.cumsum(), counts, strict=True):
        found, expected = (each[stop - count : stop] for each in (rows, plain_rows))
        assert found[np.argsort(found[:, 0])].tolist() == expected.tolist()


def test_a_kernel_that_does_not_compile_is_replaced_with_one_warning(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kept in (rows_._scanner, rows_._warn_of_plain_scans):
        monkeypatch.setattr(rows_, kept.__name__, cache(kept.__wrapped__))
    monkeypatch.setitem(sys.modules, "voxlake.ngff.labels.scan.kernel", None)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for dtype in ("uint64", "uint8"):
            volume = new_volume(lake / dtype, dtype=dtype)
            voxels = (bodies(1) % 200).astype(dtype)
            rows = find_rows(volume, (0, 0, 0), voxels[volume.shard_box((0, 0, 0)).slices])
            assert as_tuples(rows) == brute_rows(volume, (0, 0, 0), voxels)
    assert [str(one.message).partition(" (")[0] for one in warned] == [
        "the kernel that indexes labels does not compile"
    ]


@pytest.mark.parametrize("ids", [FIRST_SLOTS // SPARSE, FIRST_SLOTS // SPARSE + 1, 17**3])
def test_the_hash_grows_with_the_labels(lake: StoreURL, ids: int) -> None:
    volume = new_volume(lake, (17, 17, 34), (17, 17, 17), (17, 17, 34))
    rng = np.random.default_rng(ids)
    choice = rng.permutation(ids).astype(np.uint64) * np.uint64(1 << 40) + np.uint64(1)
    voxels = np.resize(choice, volume.shape)
    assert as_tuples(find_rows(volume, (0, 0, 0), voxels)) == brute_rows(volume, (0, 0, 0), voxels)


@pytest.mark.parametrize("step", [1, 1 << 12, 1 << 32, 1 << 48, 0x9E3779B97F4A7C15])
def test_ids_that_differ_in_few_bits_or_all(lake: StoreURL, step: int) -> None:
    volume = new_volume(lake, (17, 17, 34), (17, 17, 17), (17, 17, 34))
    ids = np.arange(1, 2500, dtype=np.uint64) * np.uint64(step) | np.uint64(1)
    runs = np.random.default_rng(0).choice(ids, volume.box.size).repeat(2)
    voxels = np.resize(runs, volume.shape)
    assert as_tuples(find_rows(volume, (0, 0, 0), voxels)) == brute_rows(volume, (0, 0, 0), voxels)


@pytest.mark.parametrize("end", [0, 1 << 64], ids=["first slot", "last slot"])
def test_ids_that_all_collide(end: int) -> None:
    factor = 0x9E3779B97F4A7C15
    inverse = pow(factor, -1, 1 << 64)
    ids = [(end + (-k if end else k)) * inverse % (1 << 64) for k in range(1, 1500)]
    voxels = _locked(np.array(ids, np.uint64).repeat(3))
    places, extents = np.zeros(1, np.int64), np.array([[1, 1499, 3]])
    memory = np.empty((0, FIELDS), np.uint64), np.empty(FIRST_SLOTS, np.uint32)
    rows, counts = scan_blocks(voxels, (voxels.size, 3), places, extents, memory, np.uint64(factor))
    assert counts.tolist() == [1499]
    expected = [[label, 3, 0, y, 0, 1, y + 1, 3] for y, label in enumerate(ids)]
    assert sorted(rows.tolist()) == sorted(expected)


def test_a_chunk_that_lies_outside_the_volume_has_no_rows() -> None:
    chunks = {0: np.full((2, 2, 2), 7, np.uint64), 1: np.full((2, 2, 2), 9, np.uint64)}
    found = found_in_chunks(chunks, np.array([[0, 0, 0], [2, 1, 2]]))
    assert found.counts.tolist() == [0, 1]
    assert found.rows.tolist() == [[9, 4, 0, 0, 0, 2, 1, 2]]


def _locked(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    locked = voxels.copy()
    locked.flags.writeable = False
    return locked


@pytest.mark.parametrize(
    "present",
    [
        _locked,
        np.asfortranarray,
        lambda voxels: voxels.astype(">u8"),
        lambda voxels: voxels.repeat(2, axis=2)[:, :, ::2],
        lambda voxels: voxels[::-1].copy()[::-1],
    ],
    ids=["read-only", "fortran", "big-endian", "strided", "reversed"],
)
def test_any_memory_layout_gives_the_same_rows(
    lake: StoreURL, present: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
) -> None:
    volume, voxels = new_volume(lake), bodies(1)
    part = present(voxels[volume.shard_box((0, 0, 0)).slices])
    before = part.copy()
    rows = find_rows(volume, (0, 0, 0), part)
    assert as_tuples(rows) == brute_rows(volume, (0, 0, 0), voxels)
    assert np.array_equal(part, before)


@pytest.mark.parametrize("label", [*IDS, 77])
def test_rows_of_one_label(lake: StoreURL, label: int) -> None:
    volume, voxels = new_volume(lake), bodies(3)
    rows = find_rows(volume, (1, 1, 0), voxels[volume.shard_box((1, 1, 0)).slices])
    expected = [row for row in brute_rows(volume, (1, 1, 0), voxels) if row[0] == label]
    assert as_tuples(rows.of_labels(np.array([label], np.uint64))) == expected


def _four_axes(url: StoreURL) -> Volume:
    return new_volume(url, (1, 8, 8, 8), (1, 4, 4, 4), (1, 8, 8, 8))


def _signed(url: StoreURL) -> Volume:
    return new_volume(url, dtype="int32")


def _filled_with_a_label(url: StoreURL) -> Volume:
    return new_volume(url, fill_value=7)


def _too_many_chunks(url: StoreURL) -> Volume:
    return new_volume(url, (64, 64, 64), (1, 1, 2), (64, 64, 64))


@pytest.mark.parametrize("make", [_four_axes, _signed, _filled_with_a_label, _too_many_chunks])
def test_what_cannot_be_indexed_is_refused(
    lake: StoreURL, make: Callable[[StoreURL], Volume]
) -> None:
    with pytest.raises(UnsupportedError, match="label index"):
        check_labels(make(lake))


def test_as_many_chunks_as_16_bits_number_are_taken(lake: StoreURL) -> None:
    volume = new_volume(lake, (64, 64, 32), (1, 1, 2), (64, 64, 32))
    check_labels(volume)
    voxels = np.zeros(volume.shape, np.uint64)
    voxels[-1, -1, -1] = 5
    assert as_tuples(find_rows(volume, (0, 0, 0), voxels)) == [
        (5, 64 * 64 * 16 - 1, 1, (63, 63, 31), (64, 64, 32))
    ]


def test_the_highest_chunk_number_fits(lake: StoreURL) -> None:
    volume = new_volume(lake, (64, 64, 16), (1, 1, 1), (64, 64, 16))
    check_labels(volume)
    voxels = np.zeros(volume.shape, np.uint64)
    voxels[-1, -1, -1] = 5
    assert find_rows(volume, (0, 0, 0), voxels).chunks.tolist() == [65535]


def test_importing_the_index_does_not_import_the_compiler() -> None:
    code = "import sys, voxlake.ngff.labels.scan.rows; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
