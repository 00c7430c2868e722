"""Bodies of boxes as other programs write them, and those that are made to hurt."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from numcodecs import blosc
from tests.api.formats.parsing.hdf5_bodies import bombs_of_hdf5, encoded_hdf5

from voxlake.api.formats import Cutout
from voxlake.ngff.grid.axes import Axis
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt


def cutout_of(shape: tuple[int, ...], dtype: str) -> Cutout:
    """Return a box that voxels are to be sent for."""
    axes = tuple(Axis(name, None) for name in "tczyx"[-len(shape) :])
    ones = (1.0,) * len(shape)
    return Cutout("lab/brain/em", 0, Box.of_shape(shape), np.dtype(dtype), axes, ones, ones)


BOXES = tuple(
    cutout_of(shape, dtype)
    for shape, dtype in (
        ((2, 3, 4), "uint64"),
        ((1, 1, 1), "uint8"),
        ((5, 7, 9), "uint16"),
        ((1, 2, 3, 4, 5), "float32"),
        ((3, 64, 8), "int32"),
    )
)


def body_of(name: str, cutout: Cutout, seed: int = 0) -> bytes:
    """Return a body of a format with the voxels of a box."""
    rng = np.random.default_rng(seed)
    voxels = rng.integers(0, 1 + seed % 200, cutout.shape).astype(cutout.dtype)
    return encoded(name, voxels, seed)


def encoded(name: str, voxels: npt.NDArray[Any], seed: int = 0) -> bytes:
    """Return a body as other programs write it; `seed` chooses among their ways."""
    file = io.BytesIO()
    match name:
        case "raw":
            return voxels.tobytes()
        case "npy":
            np.save(file, np.asfortranarray(voxels) if seed % 2 else voxels)
        case "npz":
            (np.savez_compressed if seed % 2 else np.savez)(file, voxels)
        case "blosc":
            coder = (b"zstd", b"lz4", b"blosclz", b"zlib", b"lz4hc")[seed % 5]
            return bytes(blosc.compress(voxels, coder, seed % 10, seed % 3))
        case "hdf5":
            return encoded_hdf5(voxels, seed)
    return file.getvalue()


def seeds_of(name: str) -> Iterator[bytes]:
    """Yield what fuzzing begins with: real bodies and hostile ones, after the number of a box."""
    for number, cutout in enumerate(BOXES):
        for seed in range(6):
            yield bytes([number]) + body_of(name, cutout, seed)
    yield from (b"\0" + body for body in bombs_of(name).values() if len(body) < 8192)


def whole(voxels: npt.NDArray[Any], cutout: Cutout) -> bool:
    """Return whether voxels are as they are to be written."""
    fits = voxels.shape == cutout.shape and voxels.dtype == cutout.dtype
    return fits and voxels.dtype.isnative and voxels.flags.c_contiguous


def header(text: str, version: int = 1) -> bytes:
    """Return a ``.npy`` file with any header and nothing behind it."""
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode("latin1")


def described(descr: str, shape: str = "(2, 3, 4)") -> bytes:
    """Return a ``.npy`` file without voxels."""
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")


def archive(members: int, size: int, *, deflated: bool = True) -> bytes:
    """Return a ZIP file of so many members of so many zeros."""
    file = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as opened:
        for number in range(members):
            opened.writestr(f"{number}.npy", bytes(size))
    return file.getvalue()


def lying_archive(claimed: int, size: int) -> bytes:
    """Return a ZIP file whose member inflates to more bytes than its directory says."""
    body = bytearray(archive(1, size))
    place = body.find(b"PK\x01\x02")
    body[22:26] = body[place + 24 : place + 28] = claimed.to_bytes(4, "little")
    return bytes(body)


def blosc_head(inflated: int, block: int, rest: bytes = b"", flags: int = 0x91) -> bytes:
    """Return a Blosc buffer with any promise in its head."""
    return bytes([2, 1, flags, 8]) + struct.pack("<III", inflated, block, 16 + len(rest)) + rest


_NESTED = "(" * 900
_PICKLED = np.array([[[{"a": 1}]]], object)


def bombs_of(name: str) -> dict[str, bytes]:
    """Return what is to be refused by a parser for the first box, by what it tries."""
    pickled = io.BytesIO()
    np.save(pickled, _PICKLED)
    match name:
        case "npy":
            return {
                "an object that runs when it is unpickled": pickled.getvalue(),
                "objects in a structure": described("[('a', 'O'), ('b', '<u8')]"),
                "a shape of 2^60 voxels": described("'<u8'", f"({2**20}, {2**20}, {2**20})"),
                "a negative shape": described("'<u8'", "(-2, -3, 4)"),
                "a shape that overflows": described("'<u8'", f"({2**62}, 4, 2)"),
                "a type of a gigabyte": described("'|V1073741824'"),
                "nested brackets": header(f"{{'descr': {_NESTED}"),
                "a header of 4 GiB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
                "a header of another version": header("{}", 3),
                "names in other scripts": header("{'descr': '\xe9'}"),
                "no header": b"\x93NUMPY",
            }
        case "npz":
            return {
                "a member that inflates to 64 MiB": archive(1, 64 << 20),
                "one that inflates to more than it says": lying_archive(192 + 128, 64 << 20),
                "many members": archive(2000, 3),
                "no member": archive(0, 0),
                "a pickle": archive_of(pickled.getvalue()),
                "another archive in it": archive_of(archive_of(archive(1, 1 << 20))),
                "a directory of 4 GiB": zip64_end(),
                "bytes behind it": archive(1, 3) + b"PK",
            }
        case "blosc":
            return {
                "a head of 2 GiB": blosc_head(2**31 - 17, 64),
                "a head of 4 GiB": blosc_head(2**32 - 1, 2**32 - 1),
                "a block of 2 GiB": blosc_head(192, 2**31 - 1, bytes(64)),
                "no block": blosc_head(192, 0, bytes(64)),
                "blocks that begin anywhere": blosc_head(192, 64, b"\xff" * 64),
                "blocks that begin before it": blosc_head(192, 64, b"\x80\xff\xff\xff" * 16),
                "another coder": blosc_head(192, 192, bytes(64), 0xF1),
                "a copy that is too short": blosc_head(192, 192, bytes(8), 0x12),
                "nothing": b"",
            }
        case "hdf5":
            return bombs_of_hdf5()
    return {"nothing": b"", "too much": bytes(1 << 20)}


def archive_of(member: bytes) -> bytes:
    """Return a ZIP file of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("voxels.npy", member)
    return file.getvalue()


def zip64_end() -> bytes:
    """Return the end of a ZIP file whose directory claims to be of 4 GiB."""
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 1 << 32, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 100, 0, 0)
    return end64 + locator + end
