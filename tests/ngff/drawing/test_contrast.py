"""Which values are black and white: what metadata say, else what voxels are, else their type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from voxlake.ngff.drawing import contrast
from voxlake.ngff.drawing.contrast import chosen_ends, ends_of
from voxlake.ngff.grid.axes import Axis, AxisType
from voxlake.ngff.metadata.channels import Channel, Channels, Window
from voxlake.ngff.metadata.model import Level, Multiscale

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box


@pytest.mark.parametrize("dtype", ["uint64", "int64", "uint32", "int8", "float16", "float64"])
def test_a_range_of_values_is_one_that_voxels_can_have(dtype: str) -> None:
    kind = np.dtype(dtype)
    limits = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
    voxels = np.array([limits.max, limits.max, limits.min, 0], kind)
    ends = ends_of(voxels)
    assert ends is None or limits.min <= ends[0] < ends[1] <= limits.max
    assert ends_of(np.full(4, limits.max, kind)) is None
    if kind.kind == "f":
        assert ends_of(np.array([np.nan, np.inf, -np.inf], kind)) is None


LEVELS = tuple(Level(str(n), (1.0,) * 3, (0.0,) * 3) for n in range(2))
IMAGE = Multiscale("em", tuple(Axis(name, AxisType.SPACE) for name in "zyx"), LEVELS, "0.5")
SHAPES = ((8, 8, 8), (4, 4, 4))
VOXELS = np.arange(64, dtype=np.uint16).reshape(SHAPES[1])


def _ends(multiscale: Multiscale, dtype: str, *read: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the ends of an image; if `read` is not given, a read fails."""
    parts = iter(read)

    def take(level: int, box: Box) -> npt.NDArray[Any]:
        assert (level, box.shape) == (1, SHAPES[1])
        return next(parts)

    return chosen_ends(multiscale, SHAPES, np.dtype(dtype), take)


def _said(start: float, end: float) -> Multiscale:
    channels = Channels((Channel(window=Window(start, end, 0, 4095)),))
    return replace(IMAGE, channels=channels)


def test_metadata_come_first_and_nothing_is_read_then() -> None:
    assert _ends(_said(-3, 9.5), "uint16") == (0, 10)
    assert _ends(_said(300, 400), "uint8") == (0, 255)  # which no voxel of the type can have


def test_then_comes_what_is_in_the_coarsest_level() -> None:
    assert _ends(IMAGE, "uint16", VOXELS) == (0, 63)
    assert _ends(replace(IMAGE, channels=Channels((Channel(), Channel()))), "uint16", VOXELS) == (
        0,
        63,
    )
    assert _ends(IMAGE, "int16", np.full(SHAPES[1], 3, np.int16)) == (-(2**15), 2**15 - 1)
    assert _ends(IMAGE, "float32", np.full(SHAPES[1], np.nan, np.float32)) == (0, 1)


def test_what_need_not_or_cannot_be_looked_through_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _ends(IMAGE, "uint8") == (0, 255)
    monkeypatch.setattr(contrast, "SAMPLE_VOXELS", VOXELS.size - 1)
    assert _ends(IMAGE, "uint16") == (0, 65535)
