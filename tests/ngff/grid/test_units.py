"""Units of length and time: names, symbols, exact values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.units import (
    METRES,
    SECONDS,
    USUAL,
    converted,
    exact,
    length_unit,
    symbol_of,
    time_unit,
    usual_unit,
)
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from decimal import Decimal

lengths = st.decimals("1e-9", "1e9", places=9)


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
        ("\u212b", "angstrom"),
        ("å", "angstrom"),
        ("mm", "millimeter"),
        ("MM", "millimeter"),
        ("Mm", "megameter"),
        ("pm", "picometer"),
        ("Pm", "petameter"),
        ("dm", "decimeter"),
        ("m", "meter"),
        ("inch", "inch"),
        ("inches", "inch"),
        ("in", "inch"),
        ("feet", "foot"),
        ("yd", "yard"),
        ("mile", "mile"),
        ("parsec", "parsec"),
    ],
)
def test_lengths_are_known_by_name_and_symbol(text: str, unit: str) -> None:
    assert length_unit(text) == unit


@pytest.mark.parametrize("unit", METRES)
def test_every_ngff_name_is_its_own(unit: str) -> None:
    assert length_unit(unit) == unit
    assert length_unit(symbol_of(unit)) == unit


@pytest.mark.parametrize("unit", SECONDS)
def test_every_ngff_name_of_time_is_its_own(unit: str) -> None:
    assert time_unit(unit) == unit
    assert time_unit(symbol_of(unit)) == unit


@pytest.mark.parametrize("text", ["", "second", "pixel", "10nm", "n m", "reference frame", "hz"])
def test_other_units_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="unit"):
        length_unit(text)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("sec", "second"),
        ("Seconds", "second"),
        ("s", "second"),
        ("ms", "millisecond"),
        ("µs", "microsecond"),
        ("usec", "microsecond"),
        ("min", "minute"),
        ("hours", "hour"),
        ("day", "day"),
        ("frames", None),
        ("nm", None),
        ("hz", None),
        ("", None),
    ],
)
def test_times_are_known_by_name_and_symbol(text: str, unit: str | None) -> None:
    assert time_unit(text) == unit


@given(lengths, st.sampled_from(USUAL), st.sampled_from(USUAL))
def test_there_and_back_is_the_same(value: Decimal, unit: str, other: str) -> None:
    assert converted(converted(value, unit, other), other, unit) == value


@given(st.floats(min_value=2.0**-60, max_value=2.0**60, width=32))
def test_a_float_of_32_bits_is_its_shortest_decimal(value: float) -> None:
    single = np.float32(value)
    assert np.float32(float(exact(single))) == single
    assert len(exact(single).as_tuple().digits) <= 9


@given(st.lists(st.sampled_from(sorted(METRES)), min_size=1).map(tuple))
def test_a_usual_unit_is_no_coarser_than_any(units: tuple[str, ...]) -> None:
    unit = usual_unit(units)
    finest = min(METRES[each] for each in units)
    assert unit in USUAL
    assert METRES[unit] <= finest or unit == "angstrom"
