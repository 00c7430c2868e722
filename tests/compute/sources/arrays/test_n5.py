"""N5: any dataset that TensorStore writes is read as NumPy holds it; torn ones are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compute.sources.reading import assert_reads, assert_whole, block, boxes, cut, fails

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources import Source

RNG = np.random.default_rng(5)
U1 = RNG.integers(1, 256, (20, 30, 41), "u1")
I2 = RNG.integers(-(2**15), 2**15, (20, 30, 41), "i2")
U8 = RNG.integers(0, 2**64, (20, 30, 41), "u8")
F4 = RNG.random((20, 30, 41), "f4")
CZYX = RNG.integers(1, 256, (3, 5, 12, 17), "u1")
TCZYX = RNG.integers(1, 256, (2, 3, 5, 12, 17), "u2")

COMPRESSIONS: list[dict[str, Any]] = [
    {"type": "raw"},
    {"type": "gzip"},
    {"type": "gzip", "useZlib": True},
    {"type": "bzip2"},
    {"type": "xz"},
    {"type": "zstd"},
    {"type": "blosc", "cname": "lz4", "clevel": 3, "shuffle": 1},
]


def write(
    folder: Path,
    voxels: np.ndarray,
    compression: dict[str, Any] = COMPRESSIONS[0],
    **attributes: object,
) -> str:
    """Write `voxels` (C order) as an N5 dataset, whose dimensions are the reverse."""
    size = (16, 8, 4, 2, 1)[: voxels.ndim]
    array = ts.open(
        {
            "driver": "n5",
            "kvstore": {"driver": "file", "path": f"{folder}/"},
            "metadata": {
                "dimensions": voxels.shape[::-1],
                "blockSize": size,
                "dataType": voxels.dtype.name,
                "compression": compression,
            },
        },
        create=True,
    ).result()
    array[...].write(voxels.T).result()
    set_attributes(folder, **attributes)
    return str(folder)


def set_attributes(folder: Path, **attributes: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "attributes.json"
    document = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(document | attributes))


@pytest.fixture(
    scope="module", params=COMPRESSIONS, ids=lambda found: "-".join(map(str, found.values()))
)
def compressed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Source, np.ndarray]:
    return open_source(write(tmp_path_factory.mktemp("n5") / "v.n5", I2, request.param)), I2


@settings(max_examples=10)
@given(data=st.data())
def test_any_box_equals_numpy(compressed: tuple[Source, np.ndarray], data: st.DataObject) -> None:
    source, voxels = compressed
    assert_reads(source, data.draw(boxes(voxels.shape)), voxels)


def test_every_compression_is_read(compressed: tuple[Source, np.ndarray]) -> None:
    source, voxels = compressed
    assert_whole(source, voxels)
    assert block(source) == (4, 8, 16)


@pytest.mark.parametrize("voxels", [U1, U8, F4, CZYX, TCZYX, U1[:3, :5, :6]], ids=str)
def test_types_and_ranks(tmp_path: Path, voxels: np.ndarray) -> None:
    source = open_source(write(tmp_path / "raw", voxels))
    assert source.dtype == voxels.dtype
    assert_whole(source, voxels)
    assert block(source) == tuple(
        min(pair) for pair in zip((16, 8, 4, 2, 1)[: voxels.ndim][::-1], voxels.shape, strict=True)
    )


def test_two_dimensions_have_one_slice(tmp_path: Path) -> None:
    assert_whole(open_source(write(tmp_path / "raw", U1[0])), U1[:1])


def test_a_dataset_inside_a_container(tmp_path: Path) -> None:
    container = tmp_path / "em.n5"
    write(container / "volumes" / "raw", U1)
    set_attributes(container, n5="2.0.0")
    for location in (
        f"{container}::/volumes/raw",
        f"{container}/volumes/raw",
        f"{container}::volumes/raw/",
    ):
        assert_whole(open_source(location), U1)
    assert_whole(open_source(f"file://{container}::/volumes/raw"), U1)
    fails(container, "em.n5", "in it are volumes", "::/PATH")
    fails(f"{container}::/volumes/seg", "volumes/seg")
    fails(f"{container}::/volumes", "in it are raw")


def test_a_group_is_read_at_its_finest_scale(tmp_path: Path) -> None:
    group = tmp_path / "em.n5" / "c0"
    write(group / "s0", U1)
    write(group / "s1", U1[::2, ::2, ::2], downsamplingFactors=[2, 2, 2])
    set_attributes(group, pixelResolution={"dimensions": [4, 5, 40], "unit": "nm"})
    source = open_source(str(group))
    assert source.calibration.voxel_size == VoxelSize(40, 5, 4)
    assert_whole(source, U1)
    assert_whole(open_source(f"{group}/s1"), U1[::2, ::2, ::2])


@pytest.mark.parametrize("axes", ["zyx", "xyz"])
def test_a_group_says_where_its_finest_scale_lies(tmp_path: Path, axes: str) -> None:
    group, order = tmp_path / "em.n5", slice(None, None, 1 if axes == "zyx" else -1)
    write(group / "s0", U1)
    fine, coarse = (
        {"scale": [40 * n, 5 * n, 4 * n][order], "translate": [9, 8, 7][order]} for n in (1, 2)
    )
    words = {"axes": list(axes), "units": ["nm"] * 3}
    scales = [{"path": f"s{n}", "transform": words | each} for n, each in enumerate((fine, coarse))]
    set_attributes(group, multiscales=[{"datasets": scales}])
    source = open_source(str(group))
    assert source.calibration.voxel_size == VoxelSize(40, 5, 4)
    assert source.calibration.translation(None) == (9, 8, 7)
    assert_whole(source, U1)


NM = VoxelSize(40, 5, 4)
SIZES: dict[str, tuple[dict[str, Any], VoxelSize | None]] = {
    "viewer": ({"pixelResolution": {"dimensions": [4, 5, 40], "unit": "nm"}}, NM),
    "viewer level": (
        {
            "pixelResolution": {"dimensions": [2, 2.5, 40], "unit": "nm"},
            "downsamplingFactors": [2, 2, 1],
        },
        NM,
    ),
    "viewer without a unit": ({"pixelResolution": [4, 5, 40]}, None),
    "neuroglancer": ({"resolution": [4, 5, 40], "units": ["nm"] * 3}, NM),
    "cosem": (
        {
            "transform": {
                "axes": ["z", "y", "x"],
                "scale": [40, 5, 4],
                "translate": [1, 2, 3],
                "units": ["nm"] * 3,
                "ordering": "C",
            }
        },
        NM,
    ),
    "cosem x first": (
        {"transform": {"axes": ["x", "y", "z"], "scale": [4, 5, 40], "units": ["nm"] * 3}},
        NM,
    ),
    "different units": (
        {"resolution": [4, 5, 0.04], "units": ["nm", "nm", "um"]},
        NM,
    ),
    "pixels": ({"pixelResolution": {"dimensions": [1, 1, 1], "unit": "pixel"}}, None),
    "odd": ({"pixelResolution": "fine", "transform": [1]}, None),
    "none": ({}, None),
}


@pytest.mark.parametrize(("attributes", "expected"), SIZES.values(), ids=SIZES)
def test_what_it_says_of_its_voxel_size(
    tmp_path: Path, attributes: dict[str, Any], expected: VoxelSize | None
) -> None:
    source = open_source(write(tmp_path / "raw", U1, **attributes))
    assert source.calibration.voxel_size == expected
    assert_reads(source, Box((1, 2, 3), (19, 28, 40)), U1)


@pytest.mark.parametrize(
    "attributes",
    [
        {"axes": ["z", "y", "x"]},
        {"transform": {"axes": ["z", "y", "x"], "ordering": "F"}},
    ],
)
def test_axes_that_are_named_are_honoured(tmp_path: Path, attributes: dict[str, Any]) -> None:
    """Those of the dataset's dimensions, the fastest first: here z is."""
    assert_whole(open_source(write(tmp_path / "raw", U1, **attributes)), U1.transpose(2, 1, 0))


def test_channels_that_are_named(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "raw", CZYX, axes=["x", "y", "c", "z"]))
    assert source.axes == ("c", "z", "y", "x")
    assert_whole(source, CZYX.swapaxes(0, 1))
    times = open_source(write(tmp_path / "t", CZYX, axes=["X", "Y", "Z", "T"]))
    assert times.axes == ("t", "z", "y", "x")


def test_a_block_that_is_not_there_is_zero(tmp_path: Path) -> None:
    location = write(tmp_path / "raw", U1)
    (tmp_path / "raw/1/0/0").unlink()
    expected = U1.copy()
    expected[:4, :8, 16:32] = 0
    assert_whole(open_source(location), expected)


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=str)
@pytest.mark.parametrize("length", [0, 3, 15, 16, 100, -1])
def test_a_truncated_block_is_not_read(
    tmp_path: Path, compression: dict[str, Any], length: int
) -> None:
    location = write(tmp_path / "raw", I2, compression)
    cut(tmp_path / "raw/1/0/0", length)
    source = open_source(location)
    with pytest.raises(SourceError, match="raw"):
        source.read(Box((0, 0, 0), (4, 30, 41)))
    assert_reads(source, Box((4, 0, 0), (20, 30, 41)), I2)


def test_check_finds_torn_blocks(tmp_path: Path) -> None:
    location = write(tmp_path / "raw", I2)
    file = tmp_path / "raw/1/0/0"
    whole = file.read_bytes()
    for length in (0, 3, 15, len(whole) - 1):
        file.write_bytes(whole[:length])
        fails(location, "raw/1/0/0", "truncated")
    file.write_bytes(b"\0\1" + whole[2:])
    fails(location, "mode 1")
    file.write_bytes(whole[:4] + b"\0\0\1\0" + whole[8:])
    fails(location, "extents [256, 8, 4]")
    file.write_bytes(whole)
    open_source(location).check()


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"blockSize": [16, 8]}, "block size"),
        ({"blockSize": [16, 8, 0]}, "block size"),
        ({"dimensions": [41, 30, 0]}, "no voxel"),
        ({"dimensions": "many"}, "dimensions"),
        ({"dataType": "string"}, "data"),
        ({"compression": {"type": "lz4"}}, "lz4"),
        ({"dimensions": [9], "blockSize": [9]}, "axes"),
    ],
)
def test_wrong_attributes(tmp_path: Path, attributes: dict[str, Any], word: str) -> None:
    location = write(tmp_path / "raw", U1)
    set_attributes(tmp_path / "raw", **attributes)
    fails(location, "raw", word)


@pytest.mark.parametrize("body", ['{"dimensions": [3', "[]", ""])
def test_torn_attributes(tmp_path: Path, body: str) -> None:
    location = write(tmp_path / "raw", U1)
    (tmp_path / "raw/attributes.json").write_text(body)
    fails(location, "attributes.json")


@pytest.mark.parametrize("axis", [0, 2])
def test_blocks_beyond_the_dimensions_are_refused(tmp_path: Path, axis: int) -> None:
    location = write(tmp_path / "raw", U1)
    open_source(location).check()
    dimensions = [41, 30, 20]
    dimensions[axis] = 16
    set_attributes(tmp_path / "raw", dimensions=dimensions)
    fails(location, "raw", "where its dimensions", "have none")


def test_a_block_of_another_name_is_refused(tmp_path: Path) -> None:
    location = write(tmp_path / "raw", U1)
    (tmp_path / "raw" / "0").rename(tmp_path / "raw" / "00")
    fails(location, "raw/00", "would not be read")


def test_sets_of_labels_are_refused(tmp_path: Path) -> None:
    location = write(tmp_path / "raw", U1)
    set_attributes(tmp_path / "raw", isLabelMultiset=True)
    fails(location, "raw", "sets of labels")


def test_the_fingerprint_follows_the_attributes(tmp_path: Path) -> None:
    location = write(tmp_path / "raw", U1)
    before = open_source(location).fingerprint
    assert open_source(location).fingerprint == before
    set_attributes(tmp_path / "raw", axes=["z", "y", "x"])
    assert open_source(location).fingerprint != before
