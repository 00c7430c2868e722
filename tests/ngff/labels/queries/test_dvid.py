"""DVID's encodings, read back by readers written after DVID's own documentation."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.queries.samples import (
    brute_runs,
    decode_blocks,
    decode_rles,
    decode_spans,
)
from tests.ngff.labels.queries.test_in_box import boxes, index_all
from tests.ngff.labels.samples import CHUNK, SHAPE, bodies, filled, new_volume

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.queries.dvid import encode_rles, encode_srles
from voxlake.ngff.labels.queries.sparse_volume import Runs
from voxlake.platform.errors import InvalidInputError, UnsupportedError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

LABEL = (1 << 53) + 1
BLOCK, BLOCK_SHAPE, BLOCK_SHARD = (8, 16, 8), (21, 37, 30), (16, 32, 16)


def solid_and_specks() -> npt.NDArray[np.uint64]:
    """Return voxels in which whole blocks and sub-blocks are the label, and others in part."""
    voxels = np.zeros(BLOCK_SHAPE, np.uint64)
    voxels[3:19, 2:34, 5:26] = LABEL
    rng = np.random.default_rng(5)
    voxels[rng.random(BLOCK_SHAPE) < 0.01] = LABEL
    voxels[:, :8, :] = np.where(rng.random((21, 8, 30)) < 0.5, voxels[:, :8, :], 9)
    return voxels


@pytest.fixture(scope="module")
def blocky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Volume, StoreURL]:
    url = StoreURL.parse(str(tmp_path_factory.mktemp("blocky")))
    volume = new_volume(url / "labels", BLOCK_SHAPE, BLOCK, BLOCK_SHARD)
    volume.write(volume.box, solid_and_specks()).result()
    index_all(volume, url / "index")
    return volume, url / "index"


@settings(max_examples=8)
@given(box=st.one_of(st.just(Box.of_shape(BLOCK_SHAPE)), boxes(BLOCK_SHAPE)))
def test_every_encoding_holds_the_voxels_of_the_box(
    blocky: tuple[Volume, StoreURL], box: Box
) -> None:
    voxels = solid_and_specks()
    expected = brute_runs(voxels, LABEL, box)
    rles = b"".join(encode_rles(Labels(*blocky).view().sparse_volume(LABEL, box)))
    srles = b"".join(encode_srles(Labels(*blocky).view().sparse_volume(LABEL, box)))
    assert decode_rles(rles) == decode_spans(srles) == expected
    label, mask = decode_blocks(b"".join(Labels(*blocky).view().blocks(LABEL, box)), BLOCK_SHAPE)
    inside = np.zeros(mask.shape, np.bool_)
    inside[box.slices] = voxels[box.slices] == LABEL
    assert label == LABEL
    assert np.array_equal(mask, inside)


def test_the_bytes_of_a_sparse_volume_as_dvid_documents_them(lake: StoreURL) -> None:
    voxels = np.zeros(BLOCK_SHAPE, np.uint64)
    voxels[2, 3, 4:9] = 258
    volume = new_volume(lake / "labels", BLOCK_SHAPE, BLOCK, BLOCK_SHARD)
    volume.write(volume.box, voxels).result()
    span = struct.pack("<iiii", 4, 3, 2, 5)
    view = Labels(volume, lake / "index").view()
    assert b"".join(encode_srles(view.sparse_volume(258))) == span
    assert (
        b"".join(encode_rles(view.sparse_volume(258)))
        == bytes([0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]) + span
    )
    bits = bytearray(64)
    bits[2 * 8 + 3] = 0b11110000
    first = struct.pack("<iii", 0, 0, 0) + bytes([2, 2]) + bits + bytes([0])
    bits[2 * 8 + 3] = 0b00000001
    second = struct.pack("<iii", 8, 0, 0) + bytes([2, 2]) + bits + bytes([0])
    header = struct.pack("<IIIQ", 1, 2, 1, 258)
    assert b"".join(view.blocks(258)) == header + first + second


def test_nothing_is_a_header(blocky: tuple[Volume, StoreURL]) -> None:
    view = Labels(*blocky).view()
    assert b"".join(encode_srles(view.sparse_volume(424242))) == b""
    assert b"".join(encode_rles(view.sparse_volume(424242))) == bytes([0, 3] + 10 * [0])
    assert b"".join(view.blocks(424242)) == struct.pack("<IIIQ", 1, 2, 1, 424242)


def test_coarse_volumes_are_rles_of_chunks(blocky: tuple[Volume, StoreURL]) -> None:
    cells = np.zeros([-(-n // edge) for n, edge in zip(BLOCK_SHAPE, BLOCK, strict=True)], np.uint64)
    for z, y, x in np.argwhere(solid_and_specks() == LABEL) // BLOCK:
        cells[z, y, x] = 1
    body = b"".join(encode_rles([Labels(*blocky).view().coarse_volume(LABEL)]))
    assert decode_rles(body) == brute_runs(cells, 1, Box.of_shape(cells.shape))


def test_what_the_encodings_cannot_hold(lake: StoreURL) -> None:
    volume = filled(lake / "labels", bodies(41, SHAPE))
    assert CHUNK[0] % 8
    with pytest.raises(UnsupportedError, match="srles"):
        Labels(volume, lake / "index").view().blocks(1)
    with pytest.raises(InvalidInputError, match="no label"):
        Labels(volume, lake / "index").view().blocks(0)
    far = Runs(np.array([[0, 0, 1 << 31]]), np.array([1]))
    for encode in (encode_rles, encode_srles):
        with pytest.raises(UnsupportedError, match="Arrow"):
            list(encode([far]))
    near = Runs(np.array([[0, 0, (1 << 31) - 1]]), np.array([1]))
    assert decode_spans(b"".join(encode_srles([near]))) == [(0, 0, (1 << 31) - 1, 1)]
