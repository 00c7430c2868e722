"""What servers of bossDB say: levels that they have, and how coarse these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voxlake.documents.bossdb.said import (
    ChannelSaid,
    ExperimentSaid,
    FrameSaid,
    LevelsSaid,
    channel_path,
    frame_path,
    levels_path,
)
from voxlake.platform.errors import MetadataError

if TYPE_CHECKING:
    from collections.abc import Mapping

type Sizes = Mapping[str, tuple[float, float, float]]

FRAME = FrameSaid(
    name="brain", x_start=-9, x_stop=91, y_start=4, y_stop=54, z_start=3, z_stop=23,
    x_voxel_size=4, y_voxel_size=8, z_voxel_size=40, voxel_unit="nanometers",
)  # fmt: skip


def _levels(sizes: Sizes) -> LevelsSaid:
    extent = dict.fromkeys(sizes, (100, 50, 20))
    return LevelsSaid.model_validate({"extent": extent, "voxel_size": sizes})


def test_factors_are_z_y_x_and_about_whole_numbers() -> None:
    levels = _levels({"0": (4, 8, 40), "1": (8.001, 16, 40)})
    assert levels.numbers() == (0, 1)
    assert levels.shape(1) == (20, 50, 100)
    assert levels.factors(0, FRAME) == (1, 1, 1)
    assert levels.factors(1, FRAME) == (1, 2, 2)
    assert FRAME.start_at((1, 2, 2)) == (3, 2, -5)


def test_the_frame_stands_in_for_a_level_0_that_is_not_there() -> None:
    assert _levels({"2": (16, 32, 40)}).factors(2, FRAME) == (1, 4, 4)


@pytest.mark.parametrize("size", [(6, 8, 40), (4, 8, 1), (1, 1, 1)])
def test_other_ratios_are_no_levels(size: tuple[float, float, float]) -> None:
    with pytest.raises(MetadataError, match="not whole numbers"):
        _levels({"0": (4, 8, 40), "1": size}).factors(1, FRAME)


def test_levels_are_numbers_of_which_all_is_said() -> None:
    size = (4.0, 8.0, 40.0)
    levels = _levels({"2": size, "1": size, "01": size, "a": size, "1000": size, "\u0661": size})
    assert levels.numbers() == (1, 2)
    one = LevelsSaid.model_validate({"extent": {"0": (1, 1, 1), "1": (1, 1, 1)}, "voxel_size": {}})
    assert one.numbers() == ()


def test_names_of_others_may_hold_anything() -> None:
    names = ("a lab", "b/c", "d?e")
    assert channel_path(names) == "/v1/collection/a%20lab/experiment/b%2Fc/channel/d%3Fe"
    assert levels_path(names) == "/v1/downsample/a%20lab/b%2Fc/d%3Fe"
    assert frame_path(ExperimentSaid(coord_frame="é#")) == "/v1/coord/%C3%A9%23"


def test_null_is_no_description() -> None:
    said = {"type": "image", "datatype": "uint8", "description": None, "more": 1}
    assert ChannelSaid.model_validate(said).description == ""
