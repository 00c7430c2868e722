"""Units, voxel sizes and axes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.axes import METRES, AxisType, VoxelSize, check_axes, parse_unit
from voxlake.platform.errors import InvalidInputError

sizes = st.floats(1e-12, 1e12)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("nm", "nanometer"),
        ("NM", "nanometer"),
        (" nm ", "nanometer"),
        ("nanometre", "nanometer"),
        ("Nanometers", "nanometer"),
        ("um", "micrometer"),
        ("µm", "micrometer"),
        ("\u03bcm", "micrometer"),
        ("micron", "micrometer"),
        ("microns", "micrometer"),
        ("Å", "angstrom"),
        ("mm", "millimeter"),
        ("m", "meter"),
    ],
)
def test_units_are_known_by_name_and_abbreviation(text: str, unit: str) -> None:
    assert parse_unit(text) == unit


@pytest.mark.parametrize("unit", METRES)
def test_every_ngff_name_is_its_own(unit: str) -> None:
    assert parse_unit(unit) == unit


@pytest.mark.parametrize("text", ["", "parsec", "second", "pixel", "10nm", "n m"])
def test_other_units_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="unit"):
        parse_unit(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("40,4,4nm", VoxelSize(40, 4, 4, "nanometer")),
        ("10,10,10 nm", VoxelSize(10, 10, 10, "nanometer")),
        ("  0.5 , 0.1,.1 um", VoxelSize(0.5, 0.1, 0.1, "micrometer")),
        ("1e-3,1E-3,1e+3mm", VoxelSize(1e-3, 1e-3, 1e3, "millimeter")),
        ("8nm", VoxelSize(8, 8, 8, "nanometer")),
    ],
)
def test_voxel_sizes_are_parsed(text: str, size: VoxelSize) -> None:
    assert VoxelSize.parse(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nm",
        "10,10,10",
        "10,10nm",
        "1,2,3,4nm",
        "10;10;10nm",
        "0,1,1nm",
        "-1,1,1nm",
        "nan,1,1nm",
        "inf,1,1nm",
        "1e999,1,1nm",
        "1,,1nm",
        "1,1,1 furlong",
        "1,1,1nm nm",
    ],
)
def test_other_voxel_sizes_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        VoxelSize.parse(text)


@given(sizes, sizes, sizes, st.sampled_from(sorted(METRES)))
def test_a_voxel_size_survives_being_written_and_parsed(
    z: float, y: float, x: float, unit: str
) -> None:
    size = VoxelSize(z, y, x, unit)
    assert VoxelSize.parse(f"{z!r},{y!r},{x!r}{unit}") == size
    assert VoxelSize.parse(str(size)).zyx == pytest.approx(size.zyx, rel=1e-5)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'pixel'"):
        VoxelSize(1, 1, 1, "pixel")


def test_sizes_along_axes_are_one_where_there_is_no_space() -> None:
    size = VoxelSize(40, 4, 5)
    assert size.along(("t", "c", "z", "y", "x")) == (1, 1, 40, 4, 5)
    assert size.along(("x", "z")) == (5, 40)


def test_axes_carry_their_types() -> None:
    types = [axis.type for axis in check_axes(("t", "c", "z", "y", "x"))]
    space = AxisType.SPACE
    assert types == [AxisType.TIME, AxisType.CHANNEL, space, space, space]


@pytest.mark.parametrize(
    "names",
    [(), ("y", "x"), ("x", "y", "z"), ("c", "t", "z", "y", "x"), ("z", "y", "x", "c"), ("a",) * 3],
)
def test_other_axes_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError, match="reorder"):
        check_axes(names)
