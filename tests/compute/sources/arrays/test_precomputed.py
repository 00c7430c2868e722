"""Precomputed volumes that CloudVolume and TensorStore have written, and torn ones."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

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

ARCHIVE = Path(__file__).with_name("data") / "cloudvolume.zip"
RNG = np.random.default_rng(11)
U1 = RNG.integers(1, 256, (20, 30, 41), "u1")
U8 = RNG.integers(1, 9, (20, 30, 41), "u8") << np.uint64(40)
NAMES = [
    "br",
    "bz2",
    "gzip",
    "jpeg",
    "labels",
    "plain",
    "png",
    "sharded",
    "sharded_labels",
    "xz",
    "zstd",
]
"""Of the volumes in the archive."""

SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1",
    "preshift_bits": 1,
    "hash": "murmurhash3_x86_128",
    "minishard_bits": 1,
    "shard_bits": 1,
    "minishard_index_encoding": "gzip",
    "data_encoding": "gzip",
}


def write(folder: Path, voxels: np.ndarray, number: int = 0, **scale: Any) -> str:
    """Write `voxels` (z, y, x or c, z, y, x) as one more scale, with TensorStore."""
    channels = voxels if voxels.ndim == 4 else voxels[np.newaxis]
    array = ts.open(
        {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": f"{folder}/"},
            "multiscale_metadata": {
                "data_type": voxels.dtype.name,
                "num_channels": len(channels),
                "type": "segmentation" if voxels.dtype == np.uint64 else "image",
            },
            "scale_metadata": {
                "size": channels.shape[:0:-1],
                "voxel_offset": [-9, 0, 100],
                "chunk_size": [16, 16, 8],
                "encoding": "raw",
                "resolution": [4 << number, 5 << number, 40],
                **scale,
            },
        },
        create=True,
    ).result()
    array[...].write(channels.transpose(3, 2, 1, 0)).result()
    return f"precomputed://{folder}"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cloudvolume")
    with zipfile.ZipFile(ARCHIVE) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def expected(archive: Path) -> dict[str, np.ndarray]:
    with np.load(archive / "expected.npz") as found:
        return {name: np.squeeze(found[name]) for name in found.files}


def test_the_archive_holds_what_is_tested(archive: Path, expected: dict[str, np.ndarray]) -> None:
    assert sorted(expected) == NAMES
    suffixes = {file.suffix for file in archive.glob("*/4_4_40/*")}
    assert suffixes == {"", ".br", ".bz2", ".gz", ".shard", ".xz", ".zstd"}


@pytest.mark.parametrize("name", NAMES)
def test_what_cloudvolume_writes(archive: Path, expected: dict[str, np.ndarray], name: str) -> None:
    source = open_source(f"precomputed://{archive / name}")
    assert source.dtype == expected[name].dtype
    assert source.calibration.voxel_size == VoxelSize(40, 4, 4)
    assert block(source)[-3:] == (8, 16, 16)
    assert_whole(source, expected[name])
    assert open_source(str(archive / name)).fingerprint == source.fingerprint


@settings(max_examples=15)
@given(name=st.sampled_from(NAMES), data=st.data())
def test_any_box(
    archive: Path, expected: dict[str, np.ndarray], name: str, data: st.DataObject
) -> None:
    voxels = expected[name]
    source = open_source(f"precomputed://{archive / name}")
    assert_reads(source, data.draw(boxes(voxels.shape)), voxels)


WRITTEN: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "raw": (U1, {}),
    "png": (U1, {"encoding": "png"}),
    "labels": (U8, {"encoding": "compressed_segmentation"}),
    "labels raw": (U8, {}),
    "float": (RNG.random((9, 9, 9), "f4"), {}),
    "channels": (RNG.integers(0, 256, (3, 12, 17, 18), "u2"), {}),
    "sharded": (U1, {"sharding": SHARDING}),
    "sharded channels": (RNG.integers(0, 256, (2, 12, 17, 18), "u1"), {"sharding": SHARDING}),
    "sharded labels": (U8, {"encoding": "compressed_segmentation", "sharding": SHARDING}),
}


@pytest.mark.parametrize(("voxels", "scale"), WRITTEN.values(), ids=WRITTEN)
def test_what_tensorstore_writes(tmp_path: Path, voxels: np.ndarray, scale: dict[str, Any]) -> None:
    if scale.get("encoding") == "compressed_segmentation":
        scale = scale | {"compressed_segmentation_block_size": [8, 8, 8]}
    source = open_source(write(tmp_path, voxels, **scale))
    assert_whole(source, voxels)
    assert source.calibration.voxel_size == VoxelSize(40, 5, 4)


@pytest.mark.parametrize("sharding", [None, SHARDING])
def test_a_scale_is_chosen_by_number_or_key(
    tmp_path: Path, sharding: dict[str, Any] | None
) -> None:
    more: dict[str, Any] = {"sharding": sharding} if sharding else {}
    location = write(tmp_path, U1, **more)
    write(tmp_path, U1[:, ::2, ::2], 1, key="half", voxel_offset=[0, 0, 0], **more)
    assert_whole(open_source(location), U1)
    for query in ("?scale=1", "?scale=half"):
        for name in (location, str(tmp_path), f"precomputed://file://{tmp_path}"):
            source = open_source(name + query)
            assert_whole(source, U1[:, ::2, ::2])
            assert source.calibration.voxel_size == VoxelSize(40, 10, 8)
    assert open_source(f"{location}?scale=0").fingerprint == open_source(location).fingerprint
    assert open_source(f"{location}?scale=1").fingerprint != open_source(location).fingerprint
    fails(f"{location}?scale=2", "no scale '2'", "half")
    fails(f"{location}?scale=third", "no scale 'third'")


def test_the_finest_scale_need_not_be_the_first(tmp_path: Path) -> None:
    location = write(tmp_path, U1)
    write(tmp_path, U1[:, ::2, ::2], 1, key="half", voxel_offset=[0, 0, 0])
    info = json.loads((tmp_path / "info").read_text())
    info["scales"].reverse()
    (tmp_path / "info").write_text(json.dumps(info))
    source = open_source(location)
    assert_whole(source, U1)
    assert source.calibration.voxel_size == VoxelSize(40, 5, 4)
    half = open_source(f"{location}?scale=half").calibration
    assert half.translation("nanometer") == (0, 2.5, 2)


def chunks_of(folder: Path) -> list[Path]:
    (scale,) = (path for path in folder.iterdir() if path.is_dir())
    return sorted(scale.iterdir())


def test_packed_and_plain_chunks_side_by_side(tmp_path: Path) -> None:
    """TensorStore alone takes a packed chunk for one that is not there: it answers 0."""
    location = write(tmp_path, U1)
    for file in chunks_of(tmp_path)[::2]:
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert_whole(open_source(location), U1)


def test_a_chunk_that_is_not_there_is_zero(tmp_path: Path) -> None:
    location = write(tmp_path, U1)
    name = "-9-7_0-16_100-108"
    next(file for file in chunks_of(tmp_path) if file.name == name).unlink()
    zeroed = U1.copy()
    zeroed[:8, :16, :16] = 0
    assert_whole(open_source(location), zeroed)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "xz", "bz2", "jpeg", "png", "labels"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_torn_chunks_are_not_read(archive: Path, tmp_path: Path, name: str, share: float) -> None:
    with zipfile.ZipFile(ARCHIVE) as packed:
        packed.extractall(tmp_path, [n for n in packed.namelist() if n.startswith(f"{name}/")])
    file = next((tmp_path / name / "4_4_40").glob("3-19_5-21_1-9*"))
    cut(file, int(file.stat().st_size * share))
    source = open_source(f"precomputed://{tmp_path / name}")
    with pytest.raises(SourceError, match=r"precomputed|3-19_5-21_1-9"):
        source.read(Box.of_shape(source.shape))
    if share == 0:
        fails(f"precomputed://{tmp_path / name}", file.name, "empty")


def test_check_finds_chunks_that_would_not_be_read(tmp_path: Path) -> None:
    location = write(tmp_path, U1)
    first = chunks_of(tmp_path)[0]
    body = first.read_bytes()
    cut(first, -1)
    fails(location, first.name, f"{len(body) - 1} bytes instead of {len(body)}")
    first.write_bytes(body)
    for name, words in {
        f"{first.name}.lz4": ("packed",),
        f"{first.name}.gz": ("without .gz, too",),
        "-9-23_0-16_100-108": ("grid",),
        "0-16_0-16_100-108": ("grid",),
        "-9-7_0-16_200-208": ("grid",),
    }.items():
        odd = first.with_name(name)
        odd.write_bytes(body)
        fails(location, name, *words)
        odd.unlink()
    first.with_name("notes.txt").write_text("of no matter")
    open_source(location).check()
    for file in chunks_of(tmp_path):
        file.unlink()
    first.parent.rmdir()
    fails(location, "is not there")


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("length", [0, 10, 40, 0.5, -1])
def test_truncated_shards(tmp_path: Path, encoding: str, length: float) -> None:
    sharding = SHARDING | {"minishard_index_encoding": encoding, "data_encoding": encoding}
    location = write(tmp_path, U1, sharding=sharding)
    open_source(location).check()
    for shard in chunks_of(tmp_path):
        cut(shard, int(shard.stat().st_size * length) if 0 < length < 1 else int(length))
    fails(location, ".shard")
    source = open_source(location)
    with pytest.raises(SourceError, match="precomputed"):
        source.read(Box.of_shape(source.shape))


def test_check_finds_shards_that_would_not_be_read(tmp_path: Path) -> None:
    location = write(tmp_path, U1, sharding=SHARDING)
    (first, _) = chunks_of(tmp_path)
    assert first.name == "0.shard"
    for name in ("00.shard", "0.shard.gz", "0.index"):
        first.with_name(name).write_bytes(first.read_bytes())
        fails(location, name, "no shard that is read")
        first.with_name(name).unlink()
    body = bytearray(first.read_bytes())
    start = int.from_bytes(body[:8], "little") + 32
    body[start : start + 4] = b"torn"
    first.write_bytes(body)
    fails(location, "0.shard", "does not decode")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"data_type": "complex64"}, "data_type"),
        ({"scales": []}, "scales"),
        ({"num_channels": 0}, "num_channels"),
    ],
)
def test_wrong_info(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    location = write(tmp_path, U1)
    info = json.loads((tmp_path / "info").read_text())
    (tmp_path / "info").write_text(json.dumps(info | change))
    fails(location, word)
    fails(tmp_path, word)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"encoding": "kempressed"}, "kempressed"),
        ({"size": [0, 3, 3]}, "size"),
        ({"chunk_sizes": [[0, 1, 1]]}, "chunks"),
        ({"resolution": [1, 2]}, "resolution"),
    ],
)
def test_wrong_scale(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    location = write(tmp_path, U1)
    info = json.loads((tmp_path / "info").read_text())
    info["scales"][0] |= change
    (tmp_path / "info").write_text(json.dumps(info))
    fails(location, word)


def test_what_is_no_volume(tmp_path: Path) -> None:
    fails(f"precomputed://{tmp_path}", "no info")
    fails("precomputed://folder", "absolute path")
    fails("precomputed://ftp://host/em", "no address of s3://, gs:// or http(s)://")
    (tmp_path / "info").write_text('{"@type": "neuroglancer_annotations_v1"}')
    fails(f"precomputed://{tmp_path}", "wrong info")
    fails(tmp_path, "no PNG")  # another reader's folder, then
    (tmp_path / "info").write_text('{"type": ')
    fails(f"precomputed://{tmp_path}", "no JSON")


def test_the_fingerprint_follows_the_info(tmp_path: Path) -> None:
    location = write(tmp_path, U1)
    before = open_source(location).fingerprint
    assert open_source(location).fingerprint == before
    info = json.loads((tmp_path / "info").read_text())
    info["scales"][0]["resolution"][2] = 41
    (tmp_path / "info").write_text(json.dumps(info))
    assert open_source(location).fingerprint != before
