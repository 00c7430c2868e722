"""`intern.array` slices what the gateway has; NumPy is the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from intern.convenience.array import Metadata, array
from tests.api.conftest import SHAPE, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Served


@pytest.fixture
def config(bossdb: Served) -> dict[str, str]:
    """How intern is told where to ask, and as whom."""
    return {"protocol": "http", "host": bossdb.url.removeprefix("http://"), "token": TOKEN}


@pytest.mark.parametrize(
    ("name", "dtype"), [("em", "uint8"), ("secret", "uint16"), ("cells", "uint64")]
)
def test_slices(bossdb: Served, config: dict[str, str], name: str, dtype: str) -> None:
    own: Any = array(f"lab/brain/{name}", boss_config=config)
    want = bossdb.voxels[f"lab/brain/{name}"]
    assert (own.dtype, own.voxel_unit) == (dtype, "nanometers")
    assert own.available_resolutions == [0, 1]
    z, y, x = SHAPE
    keys: list[tuple[int | slice, ...]] = [
        np.s_[3:5, 2:7, 3:9],
        np.s_[7, 0:y, 0:x],
        np.s_[0:z, 5, 2:9],
        np.s_[2:9, 3:8, 11],
    ]
    for key in keys:
        np.testing.assert_array_equal(own[key], want[key])
    coarse: Any = array(f"lab/brain/{name}/1", boss_config=config)
    np.testing.assert_array_equal(coarse[3:5, 2:7, 3:9], want[:, ::2, ::2][3:5, 2:7, 3:9])


def test_its_place_and_size(config: dict[str, str]) -> None:
    film: Any = array("lab/light/film", boss_config=config)
    assert film.shape == (21, 40, 40)  # of the frame, wherever it begins
    assert film.voxel_size == (1.0, 2.0, 3.0)  # x, y, z
    assert film.downsample_status == "DOWNSAMPLED"
    assert film[0:2, 0:3, 5:9].shape == (2, 3, 4)


def test_addresses_with_a_scheme_are_asked_as_intern_is_configured(
    bossdb: Served, config: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for key, value in config.items():
        monkeypatch.setenv(f"INTERN_{key.upper()}", value)
    with pytest.warns(ImportWarning, match="CloudVolume"):
        own: Any = array("bossdb://lab/brain/em")
    np.testing.assert_array_equal(own[1:3, 2:5, 3:7], bossdb.voxels["lab/brain/em"][1:3, 2:5, 3:7])


def test_metadata_as_a_dictionary(boss: Any) -> None:
    notes: Any = Metadata("bossdb://lab/brain/em", remote=boss)
    notes["stain"] = "osmium & uranyl"
    assert "stain" in notes
    assert "strain" not in notes
    assert notes.to_dict() == {"stain": "osmium & uranyl"}
    notes.bulk_delete(["stain"])
    assert list(notes.keys()) == []


def test_extents_and_addresses(boss: Any) -> None:
    assert boss.get_extents(boss.get_experiment("lab", "light")) == [[5, 45], [-10, 30], [0, 21]]
    channel = boss.parse_bossURI("bossdb://lab/brain/em")
    assert (channel.name, channel.datatype, channel.valid_volume()) == ("em", "uint8", True)
