"""NumPy's archives, against NumPy."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.compute.sources.reading import assert_whole, fails

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(6)
ZYX = RNG.integers(0, 2**16, (5, 17, 23), np.uint16)

ARRAYS = {
    "plain": ZYX,
    "big-endian": ZYX.astype(">u2"),
    "Fortran": np.asfortranarray(ZYX),
    "a plane": ZYX[0],
    "half": ZYX.astype("f2"),
    "truth": ZYX > 2**15,
    "doubles": np.where(ZYX > 9, ZYX, np.nan),
    "strided": ZYX[::2, ::-1],
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("voxels", ARRAYS.values(), ids=ARRAYS)
def test_one_array(tmp_path: Path, voxels: np.ndarray, save: Callable[..., None]) -> None:
    save(tmp_path / "v.npz", voxels)
    source = open_source(str(tmp_path / "v.npz"))
    expected = np.load(tmp_path / "v.npz")["arr_0"]
    shown = {"f2": "f4", "b1": "u1"}.get(voxels.dtype.str[1:], voxels.dtype.newbyteorder("="))
    assert_whole(source, expected.astype(shown).reshape((1, *voxels.shape)[-3:]))


def test_the_block_is_a_row_or_all_of_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", ZYX)
    np.savez(tmp_path / "b.npz", np.asfortranarray(ZYX))
    np.savez_compressed(tmp_path / "c.npz", ZYX)
    blocks = [open_source(f"{tmp_path}/{name}.npz").block for name in "abc"]
    assert blocks == [(1, 1, 23), (5, 1, 1), (5, 17, 23)]


def test_one_of_several_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", raw=ZYX, ids=ZYX // 2, scale=np.array([40, 4, 4]))
    fails(tmp_path / "v.npz", "has the arrays ids, raw, scale; name one", "v.npz::NAME")
    fails(f"{tmp_path}/v.npz::cells", "has the arrays ids, raw, scale and not cells")
    raw, ids = (open_source(f"{tmp_path}/v.npz::{name}") for name in ("raw", "ids"))
    assert_whole(raw, ZYX)
    assert_whole(ids, ZYX // 2)
    assert raw.fingerprint != ids.fingerprint


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.array([object(), None], object)}, "Python objects, which are not read"),
        ({"a": np.zeros((0, 4, 4))}, "no voxel"),
        ({"a": np.array(3)}, "an image has 2 axes or more"),
        ({"a": np.zeros((3, 3), "c8")}, "no real numbers"),
        ({}, "has the arrays none"),
    ],
    ids=["objects", "empty", "a number", "complex", "nothing"],
)
def test_what_is_no_image(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "v.npz", **arrays)
    fails(tmp_path / "v.npz", words)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_torn_files_are_told(tmp_path: Path, save: Callable[..., None]) -> None:
    path = tmp_path / "v.npz"
    save(path, ZYX)
    whole = path.read_bytes()
    for length in (0, 40, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        fails(path, "v.npz")
    path.write_bytes(whole)
    source = open_source(str(path))
    path.write_bytes(whole[:300])
    with pytest.raises(SourceError, match=r"v\.npz"):
        source.read(Box.of_shape(source.shape))


def test_a_flipped_bit_of_what_is_compressed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    np.savez_compressed(path, ZYX)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 4
    path.write_bytes(whole)
    fails(path, "v.npz")


def member(voxels: np.ndarray) -> bytes:
    body = io.BytesIO()
    np.save(body, voxels)
    return body.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_more_or_less_than_the_header_says_is_refused(tmp_path: Path, method: int) -> None:
    body = member(ZYX)
    for other in (body + b"more", body[:-2]):
        with zipfile.ZipFile(tmp_path / "v.npz", "w", method) as archive:
            archive.writestr("a.npy", other)
        fails(tmp_path / "v.npz", f"not {len(other)}")


def test_a_bomb_is_unpacked_no_further_than_its_header_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory of the archive says what fits, and the member holds 64 MiB more."""
    body = member(ZYX)
    with zipfile.ZipFile(tmp_path / "v.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", body + bytes(64 << 20))
    read = []
    real = zipfile.ZipFile.infolist

    def lying(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        found = real(archive)
        found[0].file_size = len(body)
        return found

    monkeypatch.setattr(zipfile.ZipFile, "infolist", lying)
    source = open_source(str(tmp_path / "v.npz"))
    one = zipfile.ZipExtFile.read

    def counted(file: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        read.append(size)
        return one(file, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    with pytest.raises(SourceError, match="holds more than it should"):
        source.check()
    assert len(read) < 5


def test_other_members_are_left_alone(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "v.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("notes.txt", "words")
        archive.writestr("em/raw.npy", member(ZYX))
    assert_whole(open_source(str(tmp_path / "v.npz")), ZYX)
    assert_whole(open_source(f"{tmp_path}/v.npz::em/raw"), ZYX)
