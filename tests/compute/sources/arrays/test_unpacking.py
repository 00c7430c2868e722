"""Chunks that unpack to more than a chunk are told by name, and take no memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import google_crc32c
import imagecodecs
import numcodecs
import numpy as np
import pytest
import tensorstore as ts
import zarr
import zarr.codecs.numcodecs as of_numcodecs
import zstandard
from tests.compute.sources.reading import assert_whole
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from voxlake.compute.sources import open_source
from voxlake.compute.sources.arrays.bounded import UNPACK_ERRORS, unpack
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

VOXELS = np.random.default_rng(4).integers(1, 9, (16, 16, 16), "u1")
BOMB = bytes(32 << 20)


def streamed_zstd(body: bytes) -> bytes:
    """Pack without saying how much."""
    packing = zstandard.ZstdCompressor().compressobj()
    return packing.compress(body) + packing.flush()


PACK: dict[str, Any] = {
    "gzip": lambda body: gzip.compress(body, 1),
    "zlib": lambda body: zlib.compress(body, 1),
    "bz2": lambda body: bz2.compress(body, 1),
    "lzma": lambda body: lzma.compress(body, preset=0),
    "zstd": zstandard.ZstdCompressor().compress,
    "streamed zstd": streamed_zstd,
    "lz4": lambda body: bytes(numcodecs.LZ4().encode(body)),
    "blosc": lambda body: bytes(numcodecs.Blosc("lz4").encode(body)),
    "brotli": lambda body: imagecodecs.brotli_encode(body, level=1),
}
VERSION_2 = {
    "gzip": numcodecs.GZip(),
    "zlib": numcodecs.Zlib(),
    "bz2": numcodecs.BZ2(),
    "lzma": numcodecs.LZMA(),
    "zstd": numcodecs.Zstd(),
    "streamed zstd": numcodecs.Zstd(),
    "lz4": numcodecs.LZ4(),
    "blosc": numcodecs.Blosc(),
}
VERSION_3 = {
    "gzip": GzipCodec(),
    "zstd": ZstdCodec(),
    "streamed zstd": ZstdCodec(),
    "blosc": BloscCodec(),
    "lz4": of_numcodecs.LZ4(),
    "lzma": of_numcodecs.LZMA(),
}


def explodes(location: str, chunk: str) -> None:
    """Assert that reading fails, names the chunk, and takes little memory."""
    source = open_source(location)
    source.check()
    tracemalloc.start()
    try:
        with pytest.raises(SourceError) as caught:
            source.read(Box.of_shape(source.shape))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert chunk in str(caught.value)
    assert "more than" in str(caught.value) or "too small" in str(caught.value)
    assert peak < len(BOMB) // 2


@pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3")
@pytest.mark.parametrize("kind", VERSION_2)
@pytest.mark.parametrize("filters", [None, [numcodecs.Delta("u1")]])
def test_zarr_2(tmp_path: Path, kind: str, filters: Any) -> None:
    path = tmp_path / "em.zarr"
    options: dict[str, Any] = {"chunks": (8, 16, 16), "filters": filters, "zarr_format": 2}
    zarr.create_array(path, data=VOXELS, compressors=VERSION_2[kind], **options)
    assert_whole(open_source(str(path)), VOXELS)
    (path / "1.0.0").write_bytes(PACK[kind](BOMB))
    explodes(str(path), "chunk 1.0.0")


@pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3")
@pytest.mark.parametrize("kind", VERSION_3)
@pytest.mark.parametrize("sharded", [False, True])
def test_zarr_3(tmp_path: Path, kind: str, *, sharded: bool) -> None:
    path = tmp_path / "em.zarr"
    shards = (8, 16, 16) if sharded else None
    options: dict[str, Any] = {
        "chunks": (8, 16, 16),
        "shards": shards,
        "compressors": VERSION_3[kind],
    }
    zarr.create_array(path, data=VOXELS, **options)
    assert_whole(open_source(str(path)), VOXELS)
    body = PACK[kind](BOMB)
    index = struct.pack("<QQ", 0, len(body))
    crc = struct.pack("<I", google_crc32c.value(index))
    (path / "c/1/0/0").write_bytes(body + (index + crc if sharded else b""))
    explodes(str(path), "chunk c/1/0/0")


@pytest.mark.parametrize("kind", ["blosc", "gzip"])
def test_n5(tmp_path: Path, kind: str) -> None:
    packing = {"blosc": {"cname": "lz4", "clevel": 5, "shuffle": 0}, "gzip": {}}[kind]
    metadata = {
        "dimensions": (16, 16, 16),
        "blockSize": (16, 16, 8),
        "dataType": "uint8",
        "compression": {"type": kind, **packing},
    }
    kvstore = {"driver": "file", "path": f"{tmp_path}/em.n5/"}
    array = ts.open({"driver": "n5", "kvstore": kvstore, "metadata": metadata}, create=True)
    array.result()[...].write(VOXELS.T).result()
    assert_whole(open_source(f"{tmp_path}/em.n5"), VOXELS)
    head = struct.pack(">HHIII", 0, 3, 16, 16, 8)
    (tmp_path / "em.n5/0/0/1").write_bytes(head + PACK[kind](BOMB))
    with pytest.raises(SourceError, match=r"em\.n5/0/0/1") as caught:
        open_source(f"{tmp_path}/em.n5").read(Box.of_shape(VOXELS.shape))
    # TensorStore reads on no further than a block, but for blosc.
    assert ("more than the 2048 bytes" if kind == "blosc" else "End of data") in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".gz", "gzip"), (".br", "brotli"), (".zstd", "zstd"), (".xz", "lzma"), (".bz2", "bz2")],
)
def test_precomputed(tmp_path: Path, suffix: str, kind: str) -> None:
    scale = {"size": (16, 16, 16), "chunk_size": (16, 16, 8), "resolution": (4, 4, 4), "key": "s"}
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{tmp_path}/em/"},
        "multiscale_metadata": {"data_type": "uint8", "num_channels": 1, "type": "image"},
        "scale_metadata": {**scale, "encoding": "raw"},
    }
    ts.open(spec, create=True).result()[..., 0].write(VOXELS.T).result()
    for chunk in (tmp_path / "em/s").iterdir():
        chunk.with_name(chunk.name + suffix).write_bytes(PACK[kind](chunk.read_bytes()))
        chunk.unlink()
    assert_whole(open_source(f"precomputed://{tmp_path}/em"), VOXELS)
    name = f"s/0-16_0-16_8-16{suffix}"
    (tmp_path / "em" / name).write_bytes(PACK[kind](BOMB))
    tracemalloc.start()
    with pytest.raises(SourceError, match="cannot be unpacked") as caught:
        open_source(f"precomputed://{tmp_path}/em").read(Box.of_shape(VOXELS.shape))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert name in str(caught.value)
    assert peak < len(BOMB) // 2


@pytest.mark.parametrize("kind", PACK)
def test_what_is_torn_is_no_less(kind: str) -> None:
    body, name = VOXELS.tobytes(), kind.removeprefix("streamed ")
    packed = PACK[kind](body)
    assert unpack(name, packed, len(body)) == body
    for length in (len(packed) // 2, len(packed) - 1, 0):
        with pytest.raises(UNPACK_ERRORS):
            unpack(name, packed[:length], len(body))


@pytest.mark.parametrize("kind", ["gzip", "bz2", "lzma", "zstd"])
def test_what_is_packed_in_several_parts_is_whole(kind: str) -> None:
    body = VOXELS.tobytes()
    parts = PACK[kind](body[:100]) + PACK[kind](body[100:])
    assert unpack(kind, parts, len(body)) == body
    with pytest.raises(UNPACK_ERRORS):
        unpack(kind, parts, len(body) - 1)
