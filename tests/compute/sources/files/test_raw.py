"""Raw files: what NumPy writes with tofile is what is read; wrong descriptions are refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compute.sources.reading import assert_reads, assert_whole, block, boxes, cut, fails

from voxlake.compute.sources import absolute_location, open_source
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources import Source

RNG = np.random.default_rng(2)
U2 = RNG.integers(0, 2**16, (7, 11, 13), "u2")
TYPES = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "float32", "float64"]


def write(path: Path, voxels: np.ndarray, query: str, header: bytes = b"") -> str:
    with path.open("wb") as file:
        file.write(header)
        voxels.tofile(file)
    return f"{path}?{query}"


@pytest.fixture(scope="module", params=["C", "F"])
def ordered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("raw") / "v.raw"
    query = f"dtype=uint16&shape=7,11,13&order={request.param}&offset=5"
    flat = U2.ravel(order=request.param)
    return open_source(write(path, flat, query, b"12345"))


@settings(max_examples=20)
@given(data=st.data())
def test_any_box_in_either_order(ordered: Source, data: st.DataObject) -> None:
    assert_reads(ordered, data.draw(boxes(U2.shape)), U2)


def test_the_whole_in_either_order(ordered: Source) -> None:
    assert_whole(ordered, U2)
    assert block(ordered) in {(1, 1, 13), (7, 1, 1)}


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", [*TYPES, *FLOATS])
def test_types(tmp_path: Path, dtype: str, endian: str) -> None:
    voxels = (RNG.random((3, 4, 5)) * 200 - (0 if dtype.startswith("u") else 100)).astype(dtype)
    stored = voxels.astype(voxels.dtype.newbyteorder("<" if endian == "little" else ">"))
    source = open_source(
        write(tmp_path / "v.raw", stored, f"dtype={dtype}&shape=3,4,5&endian={endian}")
    )
    assert_whole(source, voxels.astype("f4") if dtype == "float16" else voxels)


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ("", U2),
        ("zyx", U2),
        ("xyz", U2.transpose(2, 1, 0)),
        ("yzx", U2.transpose(1, 0, 2)),
        ("cyx", U2[:, np.newaxis]),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_axes(tmp_path: Path, axes: str, expected: np.ndarray, order: str) -> None:
    flat = U2.ravel(order="C" if order == "C" else "F")
    query = f"dtype=uint16&shape=7,11,13&order={order}" + (f"&axes={axes}" if axes else "")
    assert_whole(open_source(write(tmp_path / "v.raw", flat, query)), expected)


def test_five_dimensions(tmp_path: Path) -> None:
    voxels = U2[:6, :10, :12].reshape(2, 3, 2, 10, 6)
    source = open_source(write(tmp_path / "v.raw", voxels, "dtype=uint16&shape=2,3,2,10,6"))
    assert source.axes == ("t", "c", "z", "y", "x")
    assert_whole(source, voxels)


def test_any_name_with_dtype_and_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = write(tmp_path / "em.dat", U2, "shape=7,11,13&dtype=uint16")
    assert_whole(open_source(location), U2)
    monkeypatch.chdir(tmp_path)
    assert absolute_location("em.dat?shape=7,11,13&dtype=uint16") == location


def test_a_file_named_with_a_question_mark_is_its_own(tmp_path: Path) -> None:
    np.save(tmp_path / "v.raw?x.npy", U2)
    source = open_source(str(tmp_path / "v.raw?x.npy"))
    assert_reads(source, Box.of_shape(U2.shape), U2)


def test_the_size_has_to_fit(tmp_path: Path) -> None:
    location = write(tmp_path / "v.raw", U2, "dtype=uint16&shape=7,11,13")
    open_source(location).check()
    with (tmp_path / "v.raw").open("ab") as file:
        file.write(b"x")
    fails(location, "v.raw", "2002 bytes", "2003", "more")
    assert_whole(open_source(f"{location}&trailing=ignore"), U2)
    cut(tmp_path / "v.raw", 2001)
    fails(location, "v.raw", "truncated", "2001")
    fails(f"{location}&trailing=ignore", "truncated")


def test_a_file_that_shrinks_is_not_read(tmp_path: Path) -> None:
    """Touching a map beyond the end of its file would end the process."""
    source = open_source(write(tmp_path / "v.raw", U2, "dtype=uint16&shape=7,11,13"))
    assert_whole(source, U2)
    os.truncate(tmp_path / "v.raw", 0)
    with pytest.raises(SourceError, match="truncated"):
        source.read(Box.of_shape(U2.shape))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", ("dtype", "shape")),
        ("dtype=uint16", ("shape",)),
        ("shape=7,11,13", ("dtype",)),
        ("dtype=uint12&shape=7,11,13", ("dtype",)),
        ("dtype=complex64&shape=7,11,13", ("dtype",)),
        ("dtype=uint16&shape=7,11,x", ("shape",)),
        ("dtype=uint16&shape=7,11,0", ("shape",)),
        ("dtype=uint16&shape=7", ("shape",)),
        ("dtype=uint16&shape=1,1,1,1,1,1", ("shape",)),
        ("dtype=uint16&shape=7,11,13&offset=-1", ("offset",)),
        ("dtype=uint16&shape=7,11,13&order=D", ("order",)),
        ("dtype=uint16&shape=7,11,13&endian=middle", ("endian",)),
        ("dtype=uint16&shape=7,11,13&axes=zy", ("axes", "zy")),
        ("dtype=uint16&shape=7,11,13&axes=zyy", ("axes",)),
        ("dtype=uint16&shape=7,11,13&axes=abc", ("axes",)),
        ("dtype=uint16&shape=7,11,13&trailing=drop", ("trailing",)),
        ("dtype=uint16&shape=7,11,13&size=3", ("size",)),
        ("dtype=uint16&shape=999999999,999999999,999999999", ("truncated",)),
    ],
)
def test_wrong_descriptions(tmp_path: Path, query: str, words: tuple[str, ...]) -> None:
    location = write(tmp_path / "v.raw", U2, query)
    fails(location if query else tmp_path / "v.raw", "v.raw", *words)


def test_nothing_there(tmp_path: Path) -> None:
    fails(tmp_path / "v.raw?dtype=uint8&shape=1,1,1", "nothing is there")
    fails(tmp_path / "v.raw", "nothing is there")


def test_the_fingerprint_follows_file_and_description(tmp_path: Path) -> None:
    location = write(tmp_path / "v.raw", U2, "dtype=uint16&shape=7,11,13")
    before = open_source(location).fingerprint
    assert open_source(location).fingerprint == before
    assert open_source(f"{location}&order=F").fingerprint != before
    os.utime(tmp_path / "v.raw", (1, 1))
    assert open_source(location).fingerprint != before
