"""What a source says of its voxels, from the file to the dataset: told, kept, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
import zarr

from voxlake.ngff.validate import validate_dataset
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command

VOXELS = np.random.default_rng(2).integers(0, 255, (6, 40, 50), "u1")
NIFTI: Any = nibabel.Nifti1Image
"""Its methods have no types."""


def _group(voxlake: Command, name: str, labels: str = "") -> Path:
    image = Path(voxlake.lake) / f"{name}.ome.zarr"
    return image / "labels" / labels if labels else image


def _multiscale(voxlake: Command, name: str, labels: str = "") -> dict[str, Any]:
    group = json.loads((_group(voxlake, name, labels) / "zarr.json").read_text())
    found: dict[str, Any] = group["attributes"]["ome"]["multiscales"][0]
    return found


def _steps(
    voxlake: Command, name: str = "a/b/em", labels: str = ""
) -> list[tuple[list[float], list[float]]]:
    """Return scale and translation of every level."""
    return [
        (steps[0]["scale"], steps[1]["translation"])
        for steps in (
            level["coordinateTransformations"]
            for level in _multiscale(voxlake, name, labels)["datasets"]
        )
    ]


def _hdf5(path: Path, voxels: np.ndarray = VOXELS, **attributes: object) -> Path:
    with h5py.File(path, "w") as file:
        file["raw"] = voxels
        file["raw"].attrs.update(attributes)
    return path


def _nifti(path: Path, *diagonal: float) -> Path:
    affine = np.diag([*diagonal, 1.0])
    affine[:3, 3] = (10, 20, 30)
    image = NIFTI(VOXELS.T, affine, dtype=VOXELS.dtype)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, path)
    return path


def test_a_translation_is_stored_with_every_level_and_shown(
    voxlake: Command, tmp_path: Path
) -> None:
    source = _hdf5(tmp_path / "v.h5", resolution=(40.0, 4.0, 8.0), offset=(400.0, 12.0, 0.0))
    words = (source, "a/b/em", "--kind", "image", "--factors", "1,2,2")
    plan = voxlake("plan", *words).ok()
    assert plan["understood"].startswith("6 x 40 x 50 zyx, uint8, 40 x 4 x 8 nm, translation 400, ")
    ingested = voxlake("ingest", *words)
    ingested.ok()
    assert f"{source}: {plan['understood']}" in ingested.err.replace("\n", "")
    assert _steps(voxlake) == [([40, 4, 8], [400, 12, 0]), ([40, 8, 16], [400, 14, 4])]
    assert "400, 12, 0 nanometer" in voxlake.plain("info", "a/b/em").out


@pytest.mark.parametrize(("reduce", "shift"), [("stride", 0.0), ("mean", 0.5), ("max", 0.5)])
def test_a_level_lies_where_its_voxels_are_from(
    voxlake: Command, tmp_path: Path, reduce: str, shift: float
) -> None:
    source = _hdf5(tmp_path / "v.h5", resolution=(10.0, 4.0, 8.0), offset=(0.0, 100.0, 7.0))
    words = ("--factors", "1,2,2", "--factors", "2,2,2", "--reduce", reduce)
    voxlake("ingest", source, "a/b/em", "--kind", "image", *words).ok()
    assert [places for _, places in _steps(voxlake)] == [
        [0, 100, 7],
        [0, 100 + shift * 4, 7 + shift * 8],
        [shift * 10, 100 + shift * 12, 7 + shift * 24],
    ]
    url = StoreURL.parse(str(_group(voxlake, "a/b/em")))
    assert [finding.text for finding in validate_dataset(url) if "lies" in finding.text] == []


def test_times_have_their_step_and_unit(voxlake: Command, tmp_path: Path) -> None:
    times = np.stack([VOXELS, VOXELS])
    metadata = {"axes": "TZYX", "finterval": 0.5, "tunit": "min", "spacing": 2, "unit": "um"}
    tifffile.imwrite(tmp_path / "v.tif", times, imagej=True, resolution=(1, 1), metadata=metadata)
    voxlake("ingest", tmp_path / "v.tif", "a/b/em", "--kind", "image").ok()
    multiscale = _multiscale(voxlake, "a/b/em")
    assert multiscale["axes"][0] == {"name": "t", "type": "time", "unit": "minute"}
    assert {scale[0] for scale, _ in _steps(voxlake)} == {0.5}
    plan = voxlake("plan", tmp_path / "v.tif", "a/b/more", "--kind", "image").ok()
    assert "2 times of 0.5 min" in plan["understood"]
    assert "0.5 minute" in voxlake.plain("info", "a/b/em").out


def test_a_time_without_a_step_has_no_unit(voxlake: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.stack([VOXELS, VOXELS]))
    words = ("--kind", "image", "--voxel-size", "4nm", "--axes", "tzyx")
    voxlake("ingest", tmp_path / "v.npy", "a/b/em", *words).ok()
    assert _multiscale(voxlake, "a/b/em")["axes"][0] == {"name": "t", "type": "time"}
    assert voxlake("verify", "a/b/em", "--source", tmp_path / "v.npy").ok()["verified"]


def test_axes_are_asked_for_and_given(voxlake: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.stack([VOXELS] * 3, axis=-1))
    words = (tmp_path / "v.npy", "a/b/em", "--kind", "image", "--voxel-size", "40,8,8nm")
    for command in ("ingest", "plan"):
        refused = voxlake(command, *words)
        assert refused.kind == "bad-source"
        assert "--axes zyxc" in refused.out
    assert not Path(voxlake.lake).exists()
    said = voxlake("plan", *words, "--axes", "zyxc").ok()["understood"]
    assert said == "6 x 40 x 50 zyx, 3 channels, uint8, 40 x 8 x 8 nm"
    voxlake("ingest", *words, "--axes", "zyxc").ok()
    assert voxlake("verify", "a/b/em", "--source", tmp_path / "v.npy").ok()["verified"]
    stored = zarr.open_array(Path(voxlake.lake) / "a/b/em.ome.zarr/0", mode="r")
    np.testing.assert_array_equal(np.asarray(stored[...]), np.stack([VOXELS] * 3))


def test_axes_taken_by_their_number_are_said_to_be(voxlake: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VOXELS)
    words = ("--kind", "image", "--voxel-size", "4nm")
    plan = voxlake("plan", tmp_path / "v.npy", "a/b/em", *words).ok()
    assert "no names of axes" in plan["understood"]


def test_a_flip_is_refused_undone_or_dropped(voxlake: Command, tmp_path: Path) -> None:
    source = _nifti(tmp_path / "v.nii", -2, 2, 4)
    words = (source, "a/b/em", "--kind", "image", "--levels", "1")
    refused = voxlake("ingest", *words)
    assert refused.kind == "bad-source"
    assert "--reverse x undoes the flip" in refused.document["detail"]
    assert "--drop-transform" in refused.document["detail"]
    notes = voxlake("plan", *words).ok()["notes"]
    assert any("a flip: x" in note for note in notes)
    voxlake("ingest", *words, "--reverse", "x").ok()
    assert _steps(voxlake) == [([4, 2, 2], [30, 20, 10 - 2 * 49])]
    stored = zarr.open_array(Path(voxlake.lake) / "a/b/em.ome.zarr/0", mode="r")
    np.testing.assert_array_equal(np.asarray(stored[...]), VOXELS[..., ::-1])
    voxlake("ingest", source, "a/b/dropped", *words[2:], "--drop-transform").ok()
    assert _steps(voxlake, "a/b/dropped") == [([4, 2, 2], [0, 0, 0])]


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"element_size_um": (0.04, 0.008, 0.008)}, ()),
        ({"resolution": np.array((40, 8.0000001, 8), "f8")}, ()),
        ({"resolution": (40, 8, 8), "offset": (80, 0, 16)}, ()),
        ({"resolution": (40, 9, 9)}, ("--voxel-size", "0.04,0.008,0.008um")),
        ({"resolution": (40, 8, 8), "offset": (0, 0, 17)}, ("--drop-transform",)),
        ({"resolution": (40, 8, 8), "unit": "pixel"}, ()),
        ({}, ()),
    ],
)
def test_labels_lie_where_their_image_does(
    voxlake: Command, tmp_path: Path, attributes: dict[str, Any], words: tuple[str, ...]
) -> None:
    image = _hdf5(tmp_path / "em.h5", resolution=(40, 8, 8), offset=(80, 0, 16))
    labels = _hdf5(tmp_path / "seg.h5", VOXELS.astype("u4"), **attributes)
    voxlake("ingest", image, "a/b/em", "--kind", "image").ok()
    voxlake("ingest", labels, "a/b/seg", "--kind", "labels", "--of", "em", *words).ok()
    assert _steps(voxlake, labels="seg")[0] == ([40, 8, 8], [80, 0, 16])


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"resolution": (40, 8, 9)}, "40 x 8 x 9 nm"),
        ({"element_size_um": (40, 8, 8)}, "40 x 8 x 8 um"),
        ({"resolution": (40, 8, 8), "offset": (80, 0, 24)}, "first voxel lies at"),
    ],
)
def test_labels_that_say_otherwise_are_refused(
    voxlake: Command, tmp_path: Path, attributes: dict[str, Any], says: str
) -> None:
    image = _hdf5(tmp_path / "em.h5", resolution=(40, 8, 8), offset=(80, 0, 16))
    labels = _hdf5(tmp_path / "seg.h5", VOXELS.astype("u4"), **attributes)
    voxlake("ingest", image, "a/b/em", "--kind", "image").ok()
    refused = voxlake("ingest", labels, "a/b/seg", "--kind", "labels", "--of", "em")
    assert refused.code != 0
    assert says in refused.document["detail"]


def test_a_size_that_is_not_known_has_to_be_given(voxlake: Command, tmp_path: Path) -> None:
    sizes = {f"PhysicalSize{a}": 4 for a in "XYZ"} | {
        f"PhysicalSize{a}Unit": "pixel" for a in "XYZ"
    }
    path = tmp_path / "v.ome.tif"
    tifffile.imwrite(path, VOXELS, photometric="minisblack", metadata={"axes": "ZYX", **sizes})
    refused = voxlake("ingest", path, "a/b/em", "--kind", "image")
    assert "6 x 40 x 50 zyx, uint8" in refused.document["detail"]
    assert "z 4 pixel" in refused.document["detail"]
    voxlake("ingest", path, "a/b/em", "--kind", "image", "--voxel-size", "40,4,4nm").ok()
