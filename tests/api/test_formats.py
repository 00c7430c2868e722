"""Formats and their choice, without a server."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.api.formats import FORMATS, Format, negotiate
from voxlake.api.formats.format import any_dtype
from voxlake.api.formats.npy import NPY
from voxlake.platform.errors import NotAcceptableError

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32", ">u2"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_every_format_holds_every_voxel(form: Format, dtype: str, shape: list[int]) -> None:
    voxels: Any = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    blocks = np.array_split(voxels, shape[0])
    body = b"".join(form.encode(iter(blocks), voxels.shape, voxels.dtype))
    assert len(body) == form.measure(voxels.shape, voxels.dtype)
    back = (
        np.load(io.BytesIO(body), allow_pickle=False)
        if form is NPY
        else np.frombuffer(body, voxels.dtype.newbyteorder("<")).reshape(shape)
    )
    np.testing.assert_array_equal(back, voxels)
    assert back.dtype == voxels.dtype.newbyteorder("<")


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_voxels_are_not_copied(form: Format) -> None:
    voxels = np.zeros((4, 5, 6), np.uint16)
    *_, last = form.encode(iter([voxels]), voxels.shape, voxels.dtype)
    assert np.shares_memory(np.frombuffer(last, np.uint16), voxels)


def test_formats_have_their_own_names() -> None:
    for key in ("name", "media_type", "suffix"):
        assert len({getattr(form, key) for form in FORMATS}) == len(FORMATS)


def wide_only(dtype: np.dtype[Any], ndim: int) -> bool:
    """Accept only voxels of more than a byte."""
    return dtype.itemsize > 1


ANY = Format("any", "image/any", ".any", FORMATS[0].encode, FORMATS[0].measure, any_dtype)
WIDE = Format("wide", "image/wide", ".wide", FORMATS[0].encode, FORMATS[0].measure, wide_only)
BYTE, WORD = np.dtype("uint8"), np.dtype("uint16")


@pytest.mark.parametrize(
    ("format_", "accept", "dtype", "name"),
    [
        (None, None, WORD, "wide"),
        (None, None, BYTE, "any"),
        ("any", None, WORD, "any"),
        ("any", "image/wide", WORD, "any"),
        (None, "image/*", WORD, "wide"),
        (None, "image/any;q=0.5, image/*;q=0.4", WORD, "any"),
        (None, "IMAGE/ANY", WORD, "any"),
        (None, "text/html, */*;q=0.1", BYTE, "any"),
        (None, "image/wide;q=0, */*", WORD, "any"),
        (None, "image/any;q=nonsense, */*;q=0.1", WORD, "wide"),
        (None, " ", WORD, "wide"),
    ],
)
def test_the_best_format_is_chosen(
    format_: str | None, accept: str | None, dtype: np.dtype[Any], name: str
) -> None:
    assert negotiate(format_, accept, (WIDE, ANY), dtype, 3).name == name


@pytest.mark.parametrize(
    ("format_", "accept"),
    [
        ("wide", None),
        ("", None),
        (None, "image/wide"),
        (None, "*/*;q=0"),
    ],
)
def test_a_refusal_lists_what_could_be_had(format_: str | None, accept: str | None) -> None:
    with pytest.raises(NotAcceptableError, match=r"any \(image/any\)"):
        negotiate(format_, accept, (WIDE, ANY), BYTE, 3)
