"""What clients of boss-ingest are to upload: each voxel of the job, in one object and no other."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numcodecs import blosc
from PIL import Image

from voxlake.compute.sources.boss_ingest.uploaded import BLOCK, Uploaded
from voxlake.compute.sources.boss_ingest.uploaded_voxels import read_uploaded
from voxlake.ngff.grid.box import Box
from voxlake.platform import store
from voxlake.platform.errors import SourceError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = StoreURL.parse("s3://uploads/boss/7-ab")


@st.composite
def jobs(draw: st.DrawFn) -> Uploaded:
    """Return jobs of a few tiles or chunks, which begin anywhere."""
    volumetric = draw(st.booleans())
    sizes = st.sampled_from([(16, 512, 512), (32, 512, 1024)] if volumetric else [(1, 30, 20)])
    size = draw(sizes)
    lo = tuple(draw(st.integers(0, 2 * n)) for n in (1, *size))
    hi = tuple(a + draw(st.integers(1, 2 * n)) for a, n in zip(lo, (1, *size), strict=True))
    if volumetric:
        lo, hi = (0, *lo[1:]), (1, *hi[1:])
    return Uploaded(FOLDER, 7, Box(lo, hi), size, volumetric)


@given(jobs())
def test_each_voxel_is_in_one_object(uploaded: Uploaded) -> None:
    pieces = [piece for number in range(len(uploaded)) for piece in uploaded.pieces(number)]
    assert len({piece.url for piece in pieces}) == len(pieces)
    assert sum((piece.box & uploaded.extent).size for piece in pieces) == uploaded.extent.size
    assert all(not (piece.box & uploaded.extent).is_empty for piece in pieces)
    assert sorted(uploaded.pieces_in(uploaded.extent), key=lambda each: each.url.key) == sorted(
        pieces, key=lambda each: each.url.key
    )


@given(jobs())
def test_a_message_says_what_the_client_takes_from_it(uploaded: Uploaded) -> None:
    for number in range(len(uploaded)):
        message = json.loads(uploaded.message(number))
        pieces = list(uploaded.pieces(number))
        if not uploaded.is_volumetric:
            # As decode_tile_key of boss-ingest has it.
            x, y, z, t = map(int, message["tile_key"].split("&")[5:9])
            assert (t, z, y, x) == uploaded.index(number) == pieces[0].index
            assert pieces[0].box.start == (t, z, y * 30, x * 20)
            continue
        x, y, z, t = map(int, message["chunk_key"].split("&")[6:10])
        assert (t, z, y, x) == uploaded.index(number)
        for cuboid, piece in zip(message["cuboids"], pieces, strict=True):
            steps = zip((z, y, x), uploaded.size, (cuboid[n] for n in "zyx"), strict=True)
            assert piece.box.start[1:] == tuple(i * n + inside for i, n, inside in steps)
            assert piece.url.key == cuboid["key"]


def test_blocks_hold_all_numbers_and_their_keys_lie_in_their_folder() -> None:
    uploaded = Uploaded(FOLDER, 7, Box((0, 0, 0, 0), (1, 2001, 30, 20)), (1, 30, 20), False)
    numbers = [number for block in range(uploaded.blocks) for number in uploaded.numbers(block)]
    assert numbers == list(range(2001))
    (piece,) = uploaded.pieces(2000)
    assert piece.url.key.startswith(f"{uploaded.block_url(2000 // BLOCK).key}/")


def test_tiles_and_cuboids_are_read_and_what_is_wrong_is_told(tmp_path: Path) -> None:
    folder, voxels = StoreURL.parse(str(tmp_path)), np.arange(16 << 18, dtype="<u2")
    chunk = voxels.reshape(1, 16, 512, 512)
    cuboids = Uploaded(folder / "c", 1, Box((0, 3, 2, 1), (1, 16, 500, 400)), (16, 512, 512), True)
    (cuboid,) = cuboids.pieces(0)
    asked = Box((0, 4, 2, 5), (1, 6, 9, 300))
    with pytest.raises(SourceError, match="is not there; complete the job"):
        read_uploaded(cuboids, asked, chunk.dtype)
    store.write(cuboid.url, blosc.compress(chunk.tobytes(), b"lz4", 5))
    assert (read_uploaded(cuboids, asked, chunk.dtype) == chunk[asked.slices]).all()
    with pytest.raises(SourceError, match="claims 8388608 bytes and a chunk has 4194304"):
        read_uploaded(cuboids, asked, np.dtype("uint8"))
    assert not store.exists(cuboid.url)
    tiles = Uploaded(folder / "t", 1, Box((0, 0, 0, 0), (1, 1, 40, 50)), (1, 64, 64), False)
    (tile,) = tiles.pieces(0)
    for body, match in (
        (b"no image", "cannot be read and was deleted"),
        (encoded(np.zeros((40, 49), "uint8")), r"uint8 of \(40, 49\) pixels"),
        (encoded(np.zeros((40, 50), "uint16")), "uint16 of"),
    ):
        store.write(tile.url, body)
        with pytest.raises(SourceError, match=match):
            read_uploaded(tiles, tiles.extent, np.dtype("uint8"))
        assert not store.exists(tile.url)
    pixels = np.arange(41 * 50, dtype="uint16").reshape(41, 50)
    store.write(tile.url, encoded(pixels))
    read = read_uploaded(tiles, tiles.extent, np.dtype("uint64"))
    assert (read == pixels[:40]).all()


def encoded(pixels: np.ndarray) -> bytes:
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, "png")
    return made.getvalue()
