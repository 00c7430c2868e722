"""Units, voxel sizes and axes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.axes import AxisType, TimeStep, VoxelSize, check_axes
from voxlake.ngff.grid.units import METRES
from voxlake.platform.errors import InvalidInputError

sizes = st.floats(1e-12, 1e12)


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


@pytest.mark.parametrize(
    ("size", "other", "same"),
    [
        (VoxelSize(0.04, 0.004, 0.004, "micrometer"), VoxelSize(40, 4, 4), True),
        (VoxelSize(3, 0.1, 0.7, "micrometer"), VoxelSize(3000, 100, 700), True),
        (VoxelSize(0.00800000038, 1, 1, "micrometer"), VoxelSize(8, 1000, 1000), True),
        (VoxelSize(25.72, 1, 1, "angstrom"), VoxelSize(2.572, 0.1, 0.1), True),
        (VoxelSize(1, 1, 1, "inch"), VoxelSize(25.4, 25.4, 25.4, "millimeter"), True),
        (VoxelSize(40, 4, 4), VoxelSize(40, 4, 4.001), False),
        (VoxelSize(40, 4, 4), VoxelSize(40, 4, 4, "micrometer"), False),
    ],
    ids=str,
)
def test_equal_sizes_in_any_unit(size: VoxelSize, other: VoxelSize, *, same: bool) -> None:
    assert size.matches(other) is other.matches(size) is same


def test_sizes_are_converted_without_a_rest() -> None:
    assert VoxelSize(0.04, 0.007, 3.3, "micrometer").to("nanometer").zyx == (40.0, 7.0, 3300.0)
    assert VoxelSize(1, 2, 3, "inch").to("centimeter").zyx == (2.54, 5.08, 7.62)


@pytest.mark.parametrize(("step", "unit"), [(0.0, None), (-1.0, "second"), (1.0, "frames")])
def test_time_steps_that_are_none(step: float, unit: str | None) -> None:
    with pytest.raises(InvalidInputError, match="time step"):
        TimeStep(step, unit)


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
