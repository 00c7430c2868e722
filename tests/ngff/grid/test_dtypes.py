"""What voxels are stored as, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from voxlake.ngff.grid.dtypes import IMAGE_DTYPES, check_dtype
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.errors import UnsupportedError

IMAGE, LABELS = Kind.IMAGE, Kind.LABELS


@pytest.mark.parametrize("name", IMAGE_DTYPES)
def test_images_keep_their_dtype_whatever_its_byte_order(name: str) -> None:
    big = np.dtype(name).newbyteorder(">")
    assert check_dtype(IMAGE, big) == np.dtype(name)


@pytest.mark.parametrize("name", ["float64", "float16", "uint64", "int64", "bool", "complex64"])
def test_other_images_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        check_dtype(IMAGE, np.dtype(name))


@pytest.mark.parametrize("name", ["uint8", "int16", "uint32", "int64", "uint64"])
def test_labels_are_stored_as_uint64(name: str) -> None:
    assert check_dtype(LABELS, np.dtype(name)) == np.uint64


@pytest.mark.parametrize("name", ["float32", "bool", "complex64"])
def test_labels_are_integers(name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        check_dtype(LABELS, np.dtype(name))
