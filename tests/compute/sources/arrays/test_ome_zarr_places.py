"""OME-Zarr as a source: where its coordinate systems and scenes place it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from tests.compute.sources.reading import assert_whole

from voxlake.compute.sources.opening import open_source
from voxlake.compute.sources.preview import preview
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.platform.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.calibration import Calibration

type Json = dict[str, Any]

AXES = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
SYSTEMS = [{"name": "own", "axes": AXES}, {"name": "lab", "axes": AXES}]
TWO = {"type": "scale", "scale": [2, 2, 2]}
MOVED = {"type": "translation", "translation": [1, 2, 3]}
TURN = {"type": "rotation", "rotation": [[0, 1, 0], [0, 0, 1], [1, 0, 0]]}


def put(path: Path, ome: Json) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    document = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    (path / "zarr.json").write_text(json.dumps(document))
    return path


def image(path: Path, further: Json | None = None) -> Path:
    zarr.save_array(path / "0", np.zeros((4, 5, 6), "uint8"))
    levels = [
        {
            "path": "0",
            "coordinateTransformations": [
                {**TWO, "input": {"path": "0"}, "output": {"name": "own"}}
            ],
        }
    ]
    multiscale: Json = {"coordinateSystems": SYSTEMS, "datasets": levels}
    if further:
        ends = {"input": {"name": "own"}, "output": {"name": "lab"}}
        multiscale["coordinateTransformations"] = [further | ends]
    return put(path, {"version": "0.6", "multiscales": [multiscale]})


def calibration(path: Path | str) -> Calibration:
    return open_source(str(path)).calibration


def test_a_source_is_placed_by_its_own_transformation(tmp_path: Path) -> None:
    found = calibration(image(tmp_path / "em.zarr", TWO))
    assert found.voxel_size == VoxelSize(4, 4, 4, "micrometer")
    found = calibration(image(tmp_path / "other.zarr", MOVED))
    assert found.translation("nanometer") == (1000, 2000, 3000)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_finest_level_need_not_be_the_first(tmp_path: Path, version: str) -> None:
    levels = [
        {"path": path, "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for path, scale in (("2", [2, 8, 8]), ("1", [2, 4, 4]), ("0", [2, 2, 2]))
    ]
    ome = {"version": version, "multiscales": [{"axes": AXES, "datasets": levels}]}
    put(tmp_path / "em.zarr", ome)
    for number, size in enumerate((16, 8, 4)):
        zarr.save_array(tmp_path / "em.zarr" / str(number), np.full((4, size, size), number, "u1"))
    source = open_source(str(tmp_path / "em.zarr"))
    assert_whole(source, np.zeros((4, 16, 16), "u1"))
    assert source.calibration.voxel_size == VoxelSize(2, 2, 2, "micrometer")


def test_an_array_that_names_the_axes_in_another_order_is_refused(tmp_path: Path) -> None:
    path = image(tmp_path / "em.zarr")
    zarr.create_array(
        path / "0",
        data=np.zeros((4, 5, 6), "u1"),
        dimension_names=("x", "y", "z"),
        overwrite=True,
    )
    with pytest.raises(SourceError, match=r"axes z, y, x .* image, and x, y, z .* array"):
        open_source(str(path))


def test_the_first_of_several_images_is_read_and_that_is_told(tmp_path: Path) -> None:
    path = image(tmp_path / "em.zarr")
    document = json.loads((path / "zarr.json").read_text())
    document["attributes"]["ome"]["multiscales"] *= 2
    (path / "zarr.json").write_text(json.dumps(document))
    assert "the first of 2 multiscales" in preview(open_source(str(path)))


def test_a_turned_source_says_what_is_lost(tmp_path: Path) -> None:
    found = calibration(image(tmp_path / "em.zarr", TURN))
    assert list(found.unplaced()) == ["a rotation from 'own' to 'lab'"]
    assert found.voxel_size == VoxelSize(2, 2, 2, "micrometer")


@pytest.mark.parametrize("mark", ["/", "::"])
@pytest.mark.parametrize("path", ["a", "tiles/a"])
def test_a_source_is_placed_by_the_scene_above(path: str, mark: str, tmp_path: Path) -> None:
    link = {**MOVED, "input": {"path": path, "name": "own"}, "output": {"name": "world"}}
    systems = [{"name": "world", "axes": AXES}]
    scene = {"coordinateSystems": systems, "coordinateTransformations": [link]}
    put(tmp_path / "scene.zarr", {"version": "0.6", "scene": scene})
    image(tmp_path / "scene.zarr" / path)
    found = calibration(f"{tmp_path}/scene.zarr{mark}{path}")
    assert found.translation("micrometer") == (1, 2, 3)
    with pytest.raises(UnsupportedError, match="scene of images"):
        calibration(tmp_path / "scene.zarr")


@pytest.mark.parametrize(
    ("ome", "error", "says"),
    [
        ({"version": "0.5", "plate": {"wells": []}}, UnsupportedError, "plate of wells"),
        ({"version": "0.5", "well": {"images": []}}, UnsupportedError, "well of a plate"),
        ({"version": "1.0", "multiscales": [{}]}, UnsupportedError, "OME-Zarr 1.0"),
        ({"version": "0.5", "multiscales": [{}]}, SourceError, "axes"),
        ({"version": "0.5", "multiscales": []}, SourceError, "no list of one"),
        ({"version": "0.5", "multiscales": {"0": {}}}, SourceError, "no list of one"),
    ],
)
def test_what_is_no_image_and_what_is_broken_are_two_answers(
    ome: Json, error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        open_source(str(put(tmp_path / "odd.zarr", ome)))
