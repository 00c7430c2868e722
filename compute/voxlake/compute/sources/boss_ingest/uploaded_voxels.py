"""Read voxels from the tiles and cuboids that clients of boss-ingest have uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numcodecs import blosc

from voxlake.compute.sources.boss_ingest.tile_image import decode_tile
from voxlake.compute.sources.parallel import map_parallel
from voxlake.ngff.codecs.blosc_heads import HEAD_BYTES, check_head
from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError, SourceError, StoreError, VoxlakeError

if TYPE_CHECKING:
    from voxlake.compute.sources.boss_ingest.uploaded import Piece, Uploaded
    from voxlake.ngff.grid.box import Box


def read_uploaded(uploaded: Uploaded, box: Box, dtype: np.dtype) -> np.ndarray:
    """Return the voxels t, z, y, x of a box inside the extent of a job.

    A piece that does not decode is deleted, so that it is missing, and asked for again when the job
    is completed again.

    Raises
    ------
    SourceError
        If a piece is missing, or does not decode, or is of another type or size.
    """
    voxels = np.empty(box.shape, dtype)

    def fill(piece: Piece) -> None:
        part = piece.box & box
        found = _read(uploaded, piece, (piece.box & uploaded.extent).within(piece.box), dtype)
        voxels[part.within(box).slices] = found[part.within(piece.box).slices]

    map_parallel(fill, uploaded.pieces_in(box))
    return voxels


def _read(uploaded: Uploaded, piece: Piece, needed: Box, dtype: np.dtype) -> np.ndarray:
    """Return the voxels t, z, y, x of a piece, at least those of `needed`."""
    t, z, y, x = piece.index
    what = f"the {'cuboid' if uploaded.is_volumetric else 'tile'} at index x {x}, y {y}, z {z}"
    what += f", t {t} ({piece.url.key})"
    try:
        body = store.read(piece.url).body
    except ObjectNotFoundError as error:
        raise SourceError(f"{what} is not there; complete the job, and upload it again") from error
    try:
        if uploaded.is_volumetric:
            return _cuboid(body, piece.box.shape, dtype)
        return _tile(body, needed, piece.box.shape, dtype)
    except StoreError:
        raise
    except Exception as error:  # whatever decoders raise
        store.delete(piece.url)
        reason = str(error) if isinstance(error, VoxlakeError) else f"{type(error).__name__}"
        raise SourceError(
            f"{what} cannot be read and was deleted: {reason}; mend its source, complete the job, "
            "and upload it again"
        ) from error


def _cuboid(body: bytes, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    nbytes = int(np.prod(shape)) * dtype.itemsize
    check_head(body[:HEAD_BYTES], nbytes, "it")
    decoded = blosc.decompress(body)
    if len(decoded) != nbytes:
        raise SourceError(
            f"it has {len(decoded)} bytes, and {shape} voxels of {dtype} have {nbytes}"
        )
    return np.frombuffer(decoded, dtype).reshape(shape)


def _tile(body: bytes, needed: Box, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    pixels = decode_tile(body)[np.newaxis, np.newaxis]
    fits = all(a <= n <= b for a, n, b in zip(needed.stop, pixels.shape, shape, strict=True))
    if not fits or not np.can_cast(pixels.dtype, dtype, "safe"):
        raise SourceError(
            f"it is {pixels.dtype} of {pixels.shape[2:]} pixels, but should be {dtype} of "
            f"{needed.stop[2:]} to {shape[2:]}"
        )
    return pixels
