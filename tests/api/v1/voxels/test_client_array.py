"""`voxlake.client.array` slices what a bossDB has; intern and NumPy are the judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from intern.convenience.array import AxisOrder
from intern.convenience.array import array as intern_array
from tests.api.client.answering import answering
from tests.api.conftest import TOKEN

from voxlake.client import array
from voxlake.client.http import pieces
from voxlake.platform.errors import (
    InvalidInputError,
    NotFoundError,
    OutOfBoundsError,
    StoreError,
    UnauthenticatedError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Served


@pytest.fixture
def config(bossdb: Served) -> dict[str, str]:
    """How intern is told where to ask, and as whom."""
    return {"protocol": "http", "host": bossdb.url.removeprefix("http://"), "token": TOKEN}


KEYS: list[Any] = [
    np.s_[3:5, 2:7, 3:9],
    np.s_[7, 2:9, 3:11],
    np.s_[2:9, 5, 2:9],
    np.s_[2:9, 3:8, 11],
    7,
]


@pytest.mark.parametrize("name", ["em", "secret", "cells"])
@pytest.mark.parametrize("order", ["ZYX", "XYZ"])
def test_slices_are_those_of_intern(
    bossdb: Served, config: dict[str, str], name: str, order: Any
) -> None:
    ours = array(f"bossdb://lab/brain/{name}", axis_order=order, boss_config=config)
    theirs: Any = intern_array(
        f"lab/brain/{name}", axis_order=getattr(AxisOrder, order), boss_config=config
    )
    want = bossdb.voxels[f"lab/brain/{name}"]
    want = want if order == "ZYX" else want.T
    assert (str(ours.dtype), ours.shape, ours.ndim) == (theirs.dtype, want.shape, 3)
    # In the other order of axes intern tells them backwards.
    size = theirs.voxel_size if order == "ZYX" else theirs.voxel_size[::-1]
    assert (ours.voxel_size, ours.voxel_unit) == (size, theirs.voxel_unit)
    for key in KEYS:
        np.testing.assert_array_equal(ours[key], want[key])
        if isinstance(key, tuple):  # Of one number intern knows the order z y x alone.
            np.testing.assert_array_equal(ours[key], theirs[key])
    np.testing.assert_array_equal(ours[:, :, :], want)


def test_coarser_levels(bossdb: Served, config: dict[str, str]) -> None:
    want = bossdb.voxels["lab/brain/em"][:, ::2, ::2]
    for coarse in (
        array("lab/brain/em/1", boss_config=config),
        array("bossdb://lab/brain/em", 1, boss_config=config),
    ):
        assert coarse.shape == want.shape
        np.testing.assert_array_equal(coarse[:], want)
    with pytest.raises(OutOfBoundsError, match="0, 1"):
        array("lab/brain/em", 9, boss_config=config)


def test_large_boxes_are_read_in_pieces(
    bossdb: Served, config: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1000)
    np.testing.assert_array_equal(
        array("lab/brain/em", boss_config=config)[5:], bossdb.voxels["lab/brain/em"][5:]
    )


def test_frames_that_begin_elsewhere(bossdb: Served, config: dict[str, str]) -> None:
    film = array("lab/light/film", boss_config=config)
    theirs: Any = intern_array("lab/light/film", boss_config=config)
    assert film.voxel_size == theirs.voxel_size == (1.0, 2.0, 3.0)
    np.testing.assert_array_equal(film[0:2, 0:3, 6:9], theirs[0:2, 0:3, 6:9])
    want = bossdb.voxels["lab/light/film"]
    np.testing.assert_array_equal(film[0, -10, 5:9], want[0, 0, 0, :4])
    for key in (np.s_[:, :, 4], np.s_[:, -11:], np.s_[21], np.s_[0, 30]):
        with pytest.raises(OutOfBoundsError):
            film[key]


def test_where_and_as_whom_intern_asks(
    bossdb: Served, config: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for key, value in config.items():
        monkeypatch.setenv(f"INTERN_{key.upper()}", value)
    assert array("bossdb://lab/brain/secret")[1, 2, 3] == bossdb.voxels["lab/brain/secret"][1, 2, 3]
    monkeypatch.delenv("INTERN_TOKEN")
    with pytest.raises((NotFoundError, UnauthenticatedError), match="token"):
        array("lab/brain/secret")
    (tmp_path / ".intern").mkdir()
    lines = "".join(f"{key} = {value}\n" for key, value in config.items())
    (tmp_path / ".intern" / "intern.cfg").write_text(f"[Default]\n{lines}")
    monkeypatch.setenv("INTERN_HOST", "127.0.0.1:1")
    assert array("lab/brain/secret")[1, 2, 3] == bossdb.voxels["lab/brain/secret"][1, 2, 3]


def test_what_is_written_is_read_by_intern(bossdb: Served, config: dict[str, str]) -> None:
    # What is 0 stays what it was, as in bossDB.
    secret = array("lab/brain/secret", axis_order="XYZ", boss_config=config)
    before = secret[2:6, 3:9, 4:7]
    theirs: Any = intern_array("lab/brain/secret", boss_config=config)
    try:
        secret[2:6, 3:9, 4] = np.arange(1, 25).reshape(4, 6)
        secret[2:6, 3:9, 5:7] = 9
        np.testing.assert_array_equal(theirs[4, 3:9, 2:6], np.arange(1, 25).reshape(4, 6).T)
        np.testing.assert_array_equal(theirs[5:7, 3:9, 2:6], np.full((2, 6, 4), 9))
    finally:
        secret[2:6, 3:9, 4:7] = before
    for value in (-1, 1.5, 2**16, np.zeros((7, 7)), "text"):
        with pytest.raises(InvalidInputError):
            secret[2:6, 3:9, 4:7] = value
    np.testing.assert_array_equal(secret[2:6, 3:9, 4:7], before)


@pytest.mark.parametrize("key", [np.s_[0:9:2], np.s_[0, 0, 0, 0], "a", np.s_[0, 1.5], None])
def test_what_is_no_index_is_refused(bossdb: Served, config: dict[str, str], key: Any) -> None:
    del bossdb
    with pytest.raises(InvalidInputError):
        array("lab/brain/em", boss_config=config)[key]


def test_what_is_no_channel_is_refused(config: dict[str, str]) -> None:
    for name in ("lab/brain", "s3://lab/brain/em", "a/b/c/d"):
        with pytest.raises(InvalidInputError):
            array(name, boss_config=config)
    with pytest.raises(InvalidInputError, match="XZY"):
        array("lab/brain/em", axis_order="XZY", boss_config=config)  # type: ignore[arg-type]  # by mistake
    with pytest.raises(NotFoundError, match="nosuch"):
        array("lab/brain/nosuch", boss_config=config)


def test_what_answers_and_is_no_bossdb(config: dict[str, str]) -> None:
    with answering(200, b"<html>") as url, pytest.raises(StoreError):
        array("lab/brain/em", boss_config=config | {"host": url.removeprefix("http://")})
