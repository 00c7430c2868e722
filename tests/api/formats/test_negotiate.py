"""The choice of a format, without a server."""

from __future__ import annotations

import numpy as np
import pytest
from tests.api.formats.described import described

from voxlake.api.formats import FORMATS, Cutout, Format, negotiate
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import NotAcceptableError


def test_formats_have_their_own_names() -> None:
    for key in ("name", "media_type", "suffix"):
        assert len({getattr(form, key) for form in FORMATS}) == len(FORMATS)


def wide_only(cutout: Cutout) -> bool:
    """Accept only voxels of more than a byte."""
    return cutout.dtype.itemsize > 1


RAW = FORMATS[0]
ANY = Format("any", "image/any", ".any", RAW.encode, RAW.measure)
WIDE = Format("wide", "image/wide", ".wide", RAW.encode, RAW.measure, accepts=wide_only)
BYTE, WORD = (described(Box.of_shape((2, 3, 4)), np.dtype(name)) for name in ("u1", "u2"))


@pytest.mark.parametrize(
    ("format_", "accept", "cutout", "name"),
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
    format_: str | None, accept: str | None, cutout: Cutout, name: str
) -> None:
    assert negotiate(format_, accept, (WIDE, ANY), cutout).name == name


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
        negotiate(format_, accept, (WIDE, ANY), BYTE)


@pytest.mark.parametrize(("name", "accept"), [("any", None), (None, "image/any")])
def test_formats_that_the_client_would_not_take_are_not_asked(
    name: str | None, accept: str | None
) -> None:
    def asked(_cutout: Cutout) -> bool:
        pytest.fail("it was asked what it can hold")

    other = Format("other", "image/other", ".other", RAW.encode, RAW.measure, accepts=asked)
    assert negotiate(name, accept, (other, ANY), BYTE) is ANY
