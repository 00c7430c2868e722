"""Bodies that are decoded as they come: in whatever pieces, they are what they are whole."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import blosc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.formats.parsing.bodies import blosc_head, cutout_of

from voxlake.api.formats.parsing.blosc import MOST_BLOCK_BYTES, BloscUnpacking
from voxlake.api.v1.voxels.formats import NpygzUnpacking
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE = (40, 60, 70)
DTYPES = st.sampled_from(["uint8", "uint16", "uint64", "float32"])
KINDS = st.sampled_from(["nothing", "noise", "few", "blocks"])


def voxels_of(kind: str, dtype: str) -> Any:
    """Return voxels that compress well, or not at all."""
    rng = np.random.default_rng(1)
    match kind:
        case "noise":
            return rng.integers(0, 255, SHAPE).astype(dtype)
        case "few":
            return rng.integers(0, 3, SHAPE).astype(dtype)
        case "blocks":
            return (np.indices(SHAPE).sum(0) // 16).astype(dtype)
    return np.zeros(SHAPE, dtype)


def pieces(body: bytes, step: int) -> Iterator[bytes]:
    """Yield a body in pieces."""
    return (body[at : at + step] for at in range(0, len(body), step))


def unpacked(unpacking: Any, body: bytes, step: int) -> Any:
    """Return the voxels of a body that comes in pieces."""
    for piece in pieces(body, step):
        unpacking.take(piece)
    return unpacking.finish()


STEPS = st.integers(1000, 400_000)


@given(
    dtype=DTYPES,
    kind=KINDS,
    step=STEPS,
    coder=st.sampled_from(["blosclz", "lz4", "lz4hc", "zstd", "zlib"]),
    how=st.tuples(
        st.sampled_from([1, 2, 4, 8, 16, 64]),
        st.integers(0, 9),
        st.sampled_from([blosc.NOSHUFFLE, blosc.SHUFFLE, blosc.BITSHUFFLE]),
    ),
    threads=st.integers(1, 4),
    block=st.sampled_from([0, 1024, 5000, 65536]),
)
def test_blosc_in_pieces(
    dtype: str, kind: str, step: int, coder: str, how: Any, **tuned: int
) -> None:
    voxels = voxels_of(kind, dtype)
    # Of several threads the blocks come in any order.
    blosc.set_nthreads(tuned["threads"])
    blosc.set_blocksize(tuned["block"])
    try:
        item, level, shuffle = how
        body = blosc.compress(voxels, item, level, shuffle, coder)
    finally:
        blosc.set_nthreads(1)
        blosc.set_blocksize(0)
    got = unpacked(BloscUnpacking(cutout_of(SHAPE, dtype)), body, step)
    np.testing.assert_array_equal(got, voxels)


@given(dtype=DTYPES, kind=KINDS, step=STEPS, level=st.integers(0, 9))
def test_npygz_in_pieces(dtype: str, kind: str, step: int, level: int) -> None:
    voxels, file = voxels_of(kind, dtype), io.BytesIO()
    np.save(file, voxels)
    body = zlib.compress(file.getvalue(), level)
    got = unpacked(NpygzUnpacking(cutout_of(SHAPE, dtype)), body, step)
    np.testing.assert_array_equal(got, voxels)


@pytest.mark.parametrize("cut", [1, 15, 16, 100, 5000, -1])
def test_what_is_cut_off_or_goes_on_is_refused(cut: int) -> None:
    voxels, file = voxels_of("few", "uint64"), io.BytesIO()
    np.save(file, voxels)
    bodies = (blosc.compress(voxels, 8), zlib.compress(file.getvalue()))
    for begin, body in zip((BloscUnpacking, NpygzUnpacking), bodies, strict=True):
        with pytest.raises(InvalidInputError):
            unpacked(begin(cutout_of(SHAPE, "uint64")), body[:cut], 1000)
        for step in (1000, len(body), len(body) + 1):
            with pytest.raises(InvalidInputError):
                unpacked(begin(cutout_of(SHAPE, "uint64")), body + b"x", step)


NBYTES = 64 * 1024 * 1024 * 8


@pytest.mark.parametrize(
    ("promised", "block"),
    [(NBYTES, MOST_BLOCK_BYTES + 1), (NBYTES, 1), (NBYTES - 1, 1 << 16), (2**32 - 1, 1 << 16)],
)
def test_a_head_that_promises_too_much_takes_no_memory(promised: int, block: int) -> None:
    cutout = cutout_of((64, 1024, 1024), "uint64")
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInputError):
            BloscUnpacking(cutout).take(blosc_head(promised, block))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_little_of_a_body_is_kept() -> None:
    shape = (64, 512, 512)
    voxels = np.random.default_rng(2).integers(0, 3, shape).astype(np.uint64)
    body, unpacking = blosc.compress(voxels, 64), BloscUnpacking(cutout_of(shape, "uint64"))
    tracemalloc.start()
    try:
        got = unpacked(unpacking, body, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < voxels.nbytes + (16 << 20)
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(got, voxels)
