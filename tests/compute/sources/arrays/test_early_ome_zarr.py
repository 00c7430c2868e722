"""OME-Zarr of before 0.4 is a source without a voxel size, and equals what ome-zarr-py reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from tests.compute.sources.reading import assert_whole, fails

from voxlake.compute.sources import open_source
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.validate import Severity, validate_dataset
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(3)
KINDS = {
    "0.1": ((3, 2, 5, 20, 30), "tczyx", (3, 2, 5, 20, 30)),
    "0.1 of one channel": ((1, 1, 5, 20, 30), "tczyx", (5, 20, 30)),
    "0.2": ((1, 2, 5, 20, 30), "tczyx", (2, 5, 20, 30)),
    "0.3": ((2, 5, 20, 30), "czyx", (2, 5, 20, 30)),
    "0.3 flat": ((20, 30), "yx", (1, 20, 30)),
}
"""Shape as it is stored, axes, and shape as it is read."""


def write(path: Path, kind: str) -> np.ndarray:
    """Write an image of two levels; return the voxels of the finest."""
    shape, axes, _ = KINDS[kind]
    voxels = RNG.integers(1, 60000, shape, "u2")
    version = kind[:3]
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for number in range(2):
        group.create_array(
            f"s{number}",
            data=voxels[..., :: 1 << number, :: 1 << number],
            chunks=tuple(min(n, 16) for n in shape),
            chunk_key_encoding={"name": "v2", "separator": "." if version == "0.1" else "/"},
        )
    multiscale: dict[str, Any] = {"version": version, "datasets": [{"path": "s0"}, {"path": "s1"}]}
    if version == "0.3":
        multiscale["axes"] = list(axes)
    group.attrs["multiscales"] = [multiscale]
    return voxels


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((path / ".zattrs").read_text())
    edit(document["multiscales"][0])
    (path / ".zattrs").write_text(json.dumps(document))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_as_a_source(kind: str, tmp_path: Path) -> None:
    voxels = write(tmp_path / "v.zarr", kind)
    location = parse_url(str(tmp_path / "v.zarr"))
    assert location is not None
    assert location.version == kind[:3]
    oracle = np.asarray(next(iter(Reader(location)())).data[0])
    np.testing.assert_array_equal(oracle, voxels)
    source = open_source(str(tmp_path / "v.zarr"))
    assert_whole(source, oracle.reshape(KINDS[kind][2]))
    assert (source.calibration.voxel_size, source.calibration.time) == (None, None)
    assert source.calibration.said == ""


@pytest.mark.parametrize("kind", ["0.1", "0.2", "0.3"])
def test_a_version_that_is_not_said_is_told_by_what_is_there(kind: str, tmp_path: Path) -> None:
    voxels = write(tmp_path / "v.zarr", kind)
    change(tmp_path / "v.zarr", lambda said: said.pop("version"))
    assert_whole(open_source(str(tmp_path / "v.zarr")), voxels.reshape(KINDS[kind][2]))


def test_other_axes_than_the_version_has_are_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "v.zarr", "0.3")
    change(tmp_path / "v.zarr", lambda said: said.pop("axes"))
    change(tmp_path / "v.zarr", lambda said: said.update(version="0.2"))
    fails(tmp_path / "v.zarr", "--axes", "(2, 5, 20, 30)")
    assert open_source(str(tmp_path / "v.zarr"), "czyx").shape == (2, 5, 20, 30)


@pytest.mark.parametrize(
    "edit",
    [
        lambda said: said.update(axes=[{"name": "z"}]),
        lambda said: said.update(axes="czyx"),
        lambda said: said.update(datasets=[]),
        lambda said: said.update(datasets=[{"path": 0}]),
        lambda said: said.update(datasets={"0": {}}),
    ],
)
def test_what_breaks_it_is_refused(
    edit: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    write(tmp_path / "v.zarr", "0.3")
    change(tmp_path / "v.zarr", edit)
    fails(tmp_path / "v.zarr", "OME-Zarr 0.3", "mend")


@pytest.mark.parametrize("kind", ["0.1", "0.2", "0.3"])
@pytest.mark.parametrize("said", [True, False])
def test_in_place_its_version_is_told(kind: str, said: bool, tmp_path: Path) -> None:
    write(tmp_path / "v.zarr", kind)
    if not said:
        change(tmp_path / "v.zarr", lambda found: found.pop("version"))
    url = StoreURL.parse(str(tmp_path / "v.zarr"))
    words = f"OME-Zarr {kind}" if said or kind == "0.3" else "OME-Zarr 0.1 or 0.2"
    with pytest.raises(UnsupportedError, match=f"{words}, .*--voxel-size"):
        open_dataset(url)
    (finding,) = validate_dataset(url)
    assert finding.severity is Severity.UNSUPPORTED
    assert words in finding.text
