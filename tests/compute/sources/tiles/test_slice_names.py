"""Slices lie in the order of the number that counts them; names that do not say it are refused."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from tests.compute.sources.reading import assert_whole, fails

from voxlake.compute.sources import open_source
from voxlake.compute.sources.preview import preview
from voxlake.compute.sources.tiles.numbering import check_numbering, slice_order
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COUNTED = {
    "scans in another order": ["s12_z0", "s10_z1", "s11_z2", "s18_z3", "s9_z4"],
    "times with gaps": ["t1900_z07", "t1200_z08", "t0300_z09", "t2359_z10"],
    "z first": ["0_of_99", "1_of_95", "2_of_97"],
    "boxes that hold several": ["box1_s1", "box1_s2", "box2_s3", "box2_s4"],
    "places in the order of scans": ["n1_z100", "n2_z200", "n3_z300", "n4_z400"],
    "two that agree": ["a01_b11", "a02_b12", "a03_b13"],
    "from nine to ten": ["z8", "z9", "z10", "z11"],
    "digits of full width": ["z\uff18", "z\uff19", "z\uff11\uff10"],
    "Bengali digits": ["\u09ee_z", "\u09ef_z", "\u09e7\u09e6_z"],
}
"""Names in the order of the slices."""

UNCOUNTED = {
    "the other way round": ["z001_t10", "z002_t09", "z003_t08"],
    "shuffled": ["z1_c2", "z2_c3", "z3_c1"],
    "channels in turn": ["c0_n0", "c1_n1", "c0_n2", "c1_n3"],
    "places against the order of scans": ["n1_z300", "n2_z100", "n3_z200", "n4_z400"],
    "boxes that return": ["box2_s1", "box1_s2", "box1_s3", "box2_s4"],
}
"""Names of which two numbers say another order."""


def write(folder: Path, names: Iterable[str]) -> np.ndarray:
    """Write slices of those names; return them in that order."""
    slices = np.stack([np.full((4, 5), n, "u1") for n, _ in enumerate(names)])
    for name, pixels in zip(names, slices, strict=True):
        (folder / f"{name}.png").write_bytes(imagecodecs.png_encode(pixels))
    return slices


@pytest.mark.parametrize("kind", COUNTED)
def test_slices_are_in_the_order_of_what_counts_them(tmp_path: Path, kind: str) -> None:
    slices = write(tmp_path, COUNTED[kind])
    assert_whole(open_source(str(tmp_path)), slices)
    assert_whole(open_source(f"{tmp_path}/*.png"), slices)


@pytest.mark.parametrize("kind", UNCOUNTED)
def test_numbers_that_disagree_are_refused(tmp_path: Path, kind: str) -> None:
    write(tmp_path, UNCOUNTED[kind])
    fails(tmp_path, "two numbers that disagree", ".png", "pattern")


def test_a_gap_where_another_number_has_none_either(tmp_path: Path) -> None:
    write(tmp_path, ["s12_z0", "s10_z1", "s19_z3"])
    fails(tmp_path, "lacks slices: 2")


@given(st.permutations(range(6)), st.permutations(range(6)), st.integers(0, 200))
def test_order_is_that_of_the_number_without_a_gap(
    order: list[int], other: list[int], first: int
) -> None:
    """The other number has gaps: it is a name, in any order."""
    names = [f"a{7 * n + (n > 2)}_z{first + z}.tif" for n, z in zip(other, order, strict=True)]
    assert [order[place] for place in slice_order(names)] == list(range(6))
    check_numbering(names, "it")


@given(st.permutations(range(5)))
def test_two_numbers_without_a_gap_agree_or_are_refused(order: list[int]) -> None:
    names = [f"z{z}_t{t}.tif" for z, t in enumerate(order)]
    if order == sorted(order):
        check_numbering(names, "it")
        return
    with pytest.raises(SourceError, match="disagree") as caught:
        check_numbering(names, "it")
    falls = [(a, b) for a, b in itertools.pairwise(order) if a > b]
    assert f"_t{falls[0][0]}.tif" in str(caught.value)


@pytest.mark.parametrize("name", ["s0.png", "s3.png", "s9.tif"])
def test_a_dangling_link_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, ["s1", "s2"])
    (tmp_path / name).symlink_to(tmp_path / "gone.png")
    fails(tmp_path, name, "link to nothing")
    fails(f"{tmp_path}/s*", name, "link to nothing")


def test_a_folder_that_is_called_an_image_is_named(tmp_path: Path) -> None:
    write(tmp_path, ["s1", "s2"])
    (tmp_path / "s3.png").mkdir()
    fails(tmp_path, "s3.png", "no file")


@pytest.mark.parametrize("name", ["s3.png.part", "s3.webp", "s0", "s003.tif.crdownload", "s3.dm3"])
def test_a_slice_that_is_no_image_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, ["s1", "s2"])
    (tmp_path / name).write_bytes(b"x")
    fails(tmp_path, name, "no PNG, TIFF, JPEG, BMP or GIF", "glob")
    open_source(f"{tmp_path}/s*.png").check()


@pytest.mark.parametrize("body", [b"", b"<html>404</html>", b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("name", ["s3.png", "s3.tif", "s0.jpg"])
def test_an_image_that_is_something_else_is_named(tmp_path: Path, name: str, body: bytes) -> None:
    write(tmp_path, ["s1", "s2"])
    (tmp_path / name).write_bytes(body)
    fails(tmp_path, name)


@pytest.mark.parametrize(
    "name",
    ["s1.xml", "s2.png.md5", "s1_thumbnail.txt", "stage.log", "Thumbs.db", ".s3.png", "README"],
)
def test_companions_of_slices_are_left_out_and_told(tmp_path: Path, name: str) -> None:
    slices = write(tmp_path, ["s1", "s2"])
    (tmp_path / name).write_bytes(b"x")
    source = open_source(str(tmp_path))
    assert_whole(source, slices)
    hidden = name.startswith(".")
    assert (
        ("left out" not in preview(source)) if hidden else (f"left out: {name}" in preview(source))
    )


def test_folders_beside_slices_are_told(tmp_path: Path) -> None:
    slices = write(tmp_path, ["s1", "s2"])
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", ["s3", "s4"])
    source = open_source(str(tmp_path))
    assert_whole(source, slices)
    assert "left out: more" in preview(source)
    fails(f"{tmp_path}/**/*.png", "different patterns", "s1.png")


@pytest.mark.parametrize("name", ["z_-{}", "z=-{}um", "a -{}"])
def test_numbers_that_may_be_below_0_are_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, [name.format(n) for n in (3, 2, 1)])
    fails(tmp_path, "may be below 0")


@pytest.mark.parametrize("name", ["em-{}", "em - {}", "at_-80_C_{}"])
def test_hyphens_and_what_is_below_0_in_all_names_are_no_matter(tmp_path: Path, name: str) -> None:
    slices = write(tmp_path, [name.format(n) for n in (1, 2, 3)])
    assert_whole(open_source(str(tmp_path)), slices)


DOCUMENTS = [
    "[1, 2]",
    "no JSON",
    "{}",
    '{"dimensions": [1, 2], "dataType": "uint8"}',
    '{"dimensions": 3}',
]


@pytest.mark.parametrize("name", ["attributes.json", "s0/attributes.json", "info"])
@pytest.mark.parametrize("text", DOCUMENTS)
def test_json_of_others_does_not_make_it_another_kind(tmp_path: Path, name: str, text: str) -> None:
    slices = write(tmp_path, ["s1", "s2"])
    zarr.create_array(tmp_path / "v.zarr", data=slices)
    for folder in (tmp_path, tmp_path / "v.zarr"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        assert_whole(open_source(str(folder)), slices)
