"""Metadata: documents of three versions, written by other libraries and by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ngff_zarr
import numpy as np
import ome_zarr.format
import ome_zarr.writer
import pytest
from ome_zarr import OMEZarrImage, OMEZarrMultiscale
from ome_zarr.scale import Methods
from tests.servers.faulty import closed_port

from voxlake.ngff.grid.axes import Axis, AxisType, VoxelSize
from voxlake.ngff.metadata.model import Level, Multiscale
from voxlake.ngff.metadata.reading import read_labels_names, read_multiscale
from voxlake.ngff.metadata.writing import group_document
from voxlake.platform import store
from voxlake.platform.errors import (
    CorruptDataError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    UnsupportedError,
    VoxlakeError,
)
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

DATA = Path(__file__).parent / "data"
VOXELS = np.random.default_rng(0).integers(0, 255, (40, 48, 56), "uint8")
SCALE: dict[Hashable, float] = {"z": 40.0, "y": 10.0, "x": 10.0}
UNITS = dict.fromkeys("zyx", "nanometer")
STEPS = [{"z": 1, "y": 2, "x": 2}, {"z": 1, "y": 4, "x": 4}]

SPACE = tuple(Axis(name, AxisType.SPACE, "nanometer") for name in "zyx")
WANTED = [
    ((40.0, 10.0, 10.0), (0.0, 0.0, 0.0)),
    ((40.0, 20.0, 20.0), (0.0, 5.0, 5.0)),
    ((40.0, 40.0, 40.0), (0.0, 15.0, 15.0)),
]


def write_ngff_zarr(path: Path, version: str) -> None:
    image = ngff_zarr.to_ngff_image(
        VOXELS, dims=("z", "y", "x"), scale=SCALE, name="em", axes_units=UNITS
    )
    method = ngff_zarr.Methods.DASK_BIN_SHRINK
    levels = ngff_zarr.to_multiscales(image, scale_factors=STEPS, method=method)
    ngff_zarr.to_ome_zarr(str(path), levels, version=version)


def write_ome_zarr(path: Path, version: str) -> None:
    formats = {"0.4": ome_zarr.format.FormatV04, "0.5": ome_zarr.format.FormatV05}
    ome_zarr.writer.write_image(
        VOXELS,
        str(path),
        scale_factors=STEPS,
        axes="zyx",
        scale=SCALE,
        axes_units=UNITS,
        fmt=formats[version](),
        name="em",
        method=Methods.LOCAL_MEAN,
    )


def write_ome_zarr_class(path: Path, version: str) -> None:
    image = OMEZarrImage(VOXELS, "zyx", scale=SCALE, axes_units=UNITS, name="em")
    levels = OMEZarrMultiscale(image, scale_factors=STEPS, method=Methods.LOCAL_MEAN)
    levels.to_ome_zarr(str(path), version=version)


@pytest.mark.filterwarnings("ignore")  # of the libraries, about themselves
@pytest.mark.parametrize(
    ("write", "version"),
    [
        *((write_ngff_zarr, version) for version in ("0.4", "0.5", "0.6")),
        *((write_ome_zarr, version) for version in ("0.4", "0.5")),
        *((write_ome_zarr_class, version) for version in ("0.4", "0.5", "0.6")),
    ],
)
def test_what_other_libraries_write_is_read_alike(
    write: Callable[[Path, str], None], version: str, tmp_path: Path
) -> None:
    write(tmp_path / "em", version)
    found = read_multiscale(StoreURL.parse(str(tmp_path / "em")))
    assert found.version == version
    assert found.name == "em"
    assert found.axes == SPACE
    assert [(level.scale, level.translation) for level in found.levels] == WANTED
    assert found.voxel_size == VoxelSize(40, 10, 10)
    assert not found.is_labels


def put(lake: StoreURL, document: dict[str, Any] | str, key: str = "zarr.json") -> StoreURL:
    text = document if isinstance(document, str) else json.dumps(document)
    store.write(lake / "group" / key, text.encode())
    return lake / "group"


def group(ome: Any) -> dict[str, Any]:
    return {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}


def by_hand(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / name).read_text())
    return document


def test_hand_written_04_folds_the_transformations_of_all_levels(lake: StoreURL) -> None:
    found = read_multiscale(put(lake, by_hand("v04_shared_transforms.json"), ".zattrs"))
    assert found.version == "0.4"
    assert found.axis_names == ("t", "c", "z", "y", "x")
    assert [axis.type for axis in found.axes[:2]] == [AxisType.TIME, AxisType.CHANNEL]
    assert found.levels == (
        Level("full", (2.0, 1.0, 5.0, 0.5, 0.5), (2.0, 0.0, 100.0, 0.0, 0.0)),
        Level("half", (2.0, 1.0, 5.0, 1.0, 1.0), (2.0, 0.0, 100.0, 0.25, 0.25)),
    )
    assert found.voxel_size == VoxelSize(5, 0.5, 0.5, "micrometer")


def test_hand_written_05_without_types_and_units(lake: StoreURL) -> None:
    found = read_multiscale(put(lake, by_hand("v05_bare.json")))
    assert found.version == "0.5"
    assert found.name == ""
    assert found.is_labels
    assert found.axes == tuple(Axis(name, None, None) for name in "zyx")
    assert found.levels == (Level("a/b", (1.0, 2.0, 3.0), (0.0, 0.0, 0.0)),)


def test_hand_written_06_is_read_in_the_system_that_its_levels_lead_to(lake: StoreURL) -> None:
    found = read_multiscale(put(lake, by_hand("v06_two_systems.json")))
    assert found.version == "0.6"
    assert found.axes == tuple(Axis(name, AxisType.SPACE, "micrometer") for name in "zyx")
    assert found.levels == (
        Level("0", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
        Level("1", (2.0, 2.0, 2.0), (0.5, 0.5, 0.5)),
        Level("2", (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)),
    )


def change(name: str, **changes: Any) -> dict[str, Any]:
    """Return a hand-written document with keys of its first multiscale changed."""
    document = by_hand(name)
    document["attributes"]["ome"]["multiscales"][0] |= changes
    return document


def level(*transformations: dict[str, Any]) -> dict[str, Any]:
    return {"path": "0", "coordinateTransformations": list(transformations)}


ONE = {"type": "scale", "scale": [1, 1, 1]}
MOVED = {"type": "translation", "translation": [5, 5, 5]}

BROKEN: list[tuple[dict[str, Any] | str, type[VoxlakeError], str]] = [
    ("{", CorruptDataError, "not JSON"),
    ("[1]", CorruptDataError, "no object"),
    (group([]), CorruptDataError, "no object"),
    (group({}), UnsupportedError, "without multiscales"),
    ({"zarr_format": 3, "node_type": "group"}, UnsupportedError, "without multiscales"),
    ({"zarr_format": 3, "attributes": None}, UnsupportedError, "without multiscales"),
    (group({"version": "0.5", "multiscales": []}), CorruptDataError, "multiscales"),
    (group({"version": "0.5", "multiscales": {"0": 1}}), CorruptDataError, "multiscales"),
    (group({"version": "0.5", "multiscales": ["em"]}), CorruptDataError, "multiscales"),
    (group({"version": "0.3", "multiscales": [{}]}), UnsupportedError, "0.3"),
    (group({"version": "0.51", "multiscales": [{}]}), UnsupportedError, "0.51"),
    (group({"version": "1.0", "multiscales": [{}]}), UnsupportedError, "1.0"),
    (group({"version": "0.7", "multiscales": [{}]}), UnsupportedError, "0.7"),
    (group({"version": "0.9.dev1", "multiscales": [{}]}), UnsupportedError, "0.9.dev1"),
    (group({"version": "latest", "multiscales": [{}]}), UnsupportedError, "latest"),
    (group({"version": ["0.5"], "multiscales": [{}]}), CorruptDataError, "version"),
    (group({"version": True, "multiscales": [{}]}), CorruptDataError, "version"),
    (group({"version": "0.5", "plate": {"wells": []}}), UnsupportedError, "plate of wells"),
    (group({"version": "0.5", "well": {"images": []}}), UnsupportedError, "well of a plate"),
    (group({"version": "0.6", "scene": {}}), UnsupportedError, "scene of images"),
    (group({"bioformats2raw.layout": 3}), UnsupportedError, "bioformats2raw"),
    (group({"version": "0.5", "labels": ["a"]}), UnsupportedError, "list of labels"),
    (group({"version": "0.5", "multiscales": [{}]}), CorruptDataError, "axes"),
    (change("v05_bare.json", axes=[]), CorruptDataError, "axes"),
    (change("v05_bare.json", axes=[{"type": "space"}] * 3), CorruptDataError, "name"),
    (change("v05_bare.json", datasets=[]), CorruptDataError, "datasets"),
    (change("v05_bare.json", datasets=[{"path": "0"}]), CorruptDataError, "Transformations"),
    (change("v05_bare.json", datasets=[level()]), CorruptDataError, "Transformations"),
    (
        change("v05_bare.json", datasets=[level({"type": "scale", "scale": [1, 1]})]),
        CorruptDataError,
        "break NGFF 0.5",
    ),
    (
        change("v05_bare.json", datasets=[level({"type": "scale", "scale": ["a", 1, 1]})]),
        CorruptDataError,
        "number",
    ),
    (
        change("v05_bare.json", datasets=[level({"type": "affine", "affine": []})]),
        CorruptDataError,
        "affine",
    ),
    *(
        (
            change(name, datasets=[{"path": "0", "coordinateTransformations": [odd]}]),
            CorruptDataError,
            "coordinateTransformations",
        )
        for name in ("v05_bare.json", "v06_two_systems.json")
        for odd in ("scale", 3, None, [ONE], {"type": ["scale"]}, {"type": {"scale": 1}}, {})
    ),
    (change("v05_bare.json", datasets=[level(MOVED)]), CorruptDataError, "no scale"),
    (change("v05_bare.json", datasets=[level(ONE, ONE)]), CorruptDataError, "one scale"),
    (change("v05_bare.json", datasets=[level(MOVED, ONE)]), CorruptDataError, "after it"),
    (change("v05_bare.json", datasets=[level(ONE, MOVED, MOVED)]), CorruptDataError, "after it"),
    (
        change("v05_bare.json", datasets=[level({"type": "scale", "path": "numbers"})]),
        UnsupportedError,
        "a scale whose numbers lie in 'numbers'",
    ),
    (change("v05_bare.json", datasets=[level({"type": "scale"})]), CorruptDataError, "no numbers"),
    (
        change("v05_bare.json", datasets=[level({"type": "scale", "scale": [1, -1, 1]})]),
        UnsupportedError,
        "backwards along y",
    ),
    *(
        (
            change("v05_bare.json", datasets=[level({"type": "scale", "scale": [1, odd, 1]})]),
            CorruptDataError,
            says,
        )
        for odd, says in [
            (float("nan"), "finite"),
            (float("-inf"), "finite"),
            ("2", "number"),
            (True, "number"),
            (None, "number"),
            (0, "not 0"),
        ]
    ),
    (
        change("v05_bare.json", axes=[{"name": n, "type": "space"} for n in "zxx"]),
        CorruptDataError,
        "twice",
    ),
    (
        change("v06_two_systems.json", datasets=[level(MOVED | {"output": {"name": "physical"}})]),
        CorruptDataError,
        "no scale",
    ),
    (
        change(
            "v06_two_systems.json",
            datasets=[level({"type": "sequence", "transformations": [ONE, ONE]})],
        ),
        CorruptDataError,
        "one scale",
    ),
    (change("v06_two_systems.json", coordinateSystems=[]), CorruptDataError, "coordinateSystems"),
    (change("v06_two_systems.json", datasets=[level(ONE, ONE)]), CorruptDataError, "datasets"),
    (
        change("v06_two_systems.json", datasets=[level(ONE | {"output": {"name": "moon"}})]),
        CorruptDataError,
        "moon",
    ),
]


@pytest.mark.parametrize(("document", "error", "says"), BROKEN)
def test_broken_documents_are_refused_with_a_reason(
    document: dict[str, Any] | str, error: type[VoxlakeError], says: str, lake: StoreURL
) -> None:
    url = put(lake, document)
    with pytest.raises(error, match=says) as raised:
        read_multiscale(url)
    assert url.key in str(raised.value)


def test_no_group_and_a_group_without_metadata_are_told_apart(lake: StoreURL) -> None:
    with pytest.raises(NotFoundError, match="no zarr group"):
        read_multiscale(lake / "nothing")
    with pytest.raises(UnsupportedError, match="without multiscales"):
        read_multiscale(put(lake, {"zarr_format": 2}, ".zgroup"))


def test_a_store_that_fails_is_not_a_missing_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    monkeypatch.setenv("VOXLAKE_S3_ANONYMOUS", "true")
    gone = StoreURL("s3", "bucket", "", closed_port(), "us-east-1")
    with pytest.raises(StoreUnavailableError):
        read_multiscale(gone / "group")
    with pytest.raises(StoreUnavailableError):
        read_labels_names(gone / "group")


def test_what_is_written_is_read_back(lake: StoreURL) -> None:
    axes = (Axis("c", AxisType.CHANNEL), *SPACE)
    levels = (
        Level("0", (1.0, 40.0, 10.0, 10.0), (0.0, 0.0, 0.0, 0.0)),
        Level("1", (1.0, 40.0, 20.0, 20.0), (0.0, 0.0, 5.0, 5.0)),
    )
    for is_labels, method in ((False, "mean"), (False, "max"), (True, "mode"), (True, "stride")):
        multiscale = Multiscale("em", axes, levels, "0.5", is_labels, method)
        assert read_multiscale(put(lake, group_document(multiscale))) == multiscale


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        (SPACE[1:], "z, y and x"),
        (tuple(replace(axis, unit="pixel") for axis in SPACE), "pixel"),
        ((replace(SPACE[0], unit="second"), *SPACE[1:]), "second"),
    ],
)
def test_voxel_sizes_that_voxlake_cannot_use(axes: tuple[Axis, ...], says: str) -> None:
    ones, zeros = (1.0,) * len(axes), (0.0,) * len(axes)
    multiscale = Multiscale("em", axes, (Level("0", ones, zeros),), "0.5")
    with pytest.raises(UnsupportedError, match=says):
        _ = multiscale.voxel_size


@pytest.mark.parametrize("scale", [0.0, float("nan"), float("inf"), 5e-324, -1e300])
def test_a_scale_that_is_no_size_is_refused(scale: float) -> None:
    with pytest.raises(InvalidInputError, match="not 0"):
        Multiscale("em", SPACE, (Level("0", (scale, 1.0, 1.0), (0.0,) * 3),), "0.5")


def test_an_axis_is_named_once() -> None:
    with pytest.raises(InvalidInputError, match="twice"):
        Multiscale("em", (SPACE[0], SPACE[0]), (Level("0", (1.0,) * 2, (0.0,) * 2),), "0.5")


def test_a_level_has_an_array_of_its_own() -> None:
    levels = tuple(Level("0", (size,) * 3, (0.0,) * 3) for size in (1.0, 2.0))
    with pytest.raises(InvalidInputError, match="one array for two levels"):
        Multiscale("em", SPACE, levels, "0.5")


def test_a_unit_that_is_not_said_is_none() -> None:
    axes = (replace(SPACE[0], unit=None), *SPACE[1:])
    multiscale = Multiscale("em", axes, (Level("0", (4.0, 1.0, 1.0), (0.0, 2.0, 0.0)),), "0.5")
    assert multiscale.voxel_size == VoxelSize(4, 1, 1, None)
    assert multiscale.translation == (0.0, 2.0, 0.0)


def test_axes_in_several_units_have_the_finest() -> None:
    axes = (replace(SPACE[0], unit="micrometer"), *SPACE[1:])
    multiscale = Multiscale("em", axes, (Level("0", (0.04, 8.0, 8.0), (0.1, 2.0, 0.0)),), "0.5")
    assert multiscale.voxel_size == VoxelSize(40, 8, 8, "nanometer")
    assert multiscale.translation == (100.0, 2.0, 0.0)


def test_units_that_mean_the_same_are_one_unit() -> None:
    axes = (replace(SPACE[0], unit="nm"), *SPACE[1:])
    multiscale = Multiscale("em", axes, (Level("0", (4.0, 1.0, 1.0), (0.0,) * 3),), "0.5")
    assert multiscale.voxel_size == VoxelSize(4, 1, 1, "nanometer")


def test_a_multiscale_has_levels_of_its_rank() -> None:
    with pytest.raises(InvalidInputError, match="no level"):
        Multiscale("em", SPACE, (), "0.5")
    with pytest.raises(InvalidInputError, match="2 scales"):
        Multiscale("em", SPACE, (Level("0", (1.0, 1.0), (0.0, 0.0)),), "0.5")


def test_labels_are_listed(lake: StoreURL) -> None:
    url = put(lake, by_hand("v05_bare.json"))
    assert read_labels_names(url) == []
    put(lake, group({"version": "0.5", "labels": ["a", "b"]}), "labels/zarr.json")
    assert read_labels_names(url) == ["a", "b"]
    for odd in ("seg", [1], {"a": 1}):
        put(lake, group({"version": "0.5", "labels": odd}), "labels/zarr.json")
        with pytest.raises(CorruptDataError, match="lists"):
            read_labels_names(url)
