"""HDF5 files as h5py writes them, and those that are made to hurt who reads them."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    type Make = Callable[[h5py.File], object]

BOX = (2, 3, 4)
WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"compression": "gzip", "shuffle": True, "fletcher32": True},
    {"chunks": True, "maxshape": (None,)},
    {"compression": "lzf", "fillvalue": 7},
)
FILES: tuple[dict[str, Any], ...] = (
    {},
    {"libver": "latest"},
    {"userblock_size": 512, "track_order": True},
    {"libver": "v108"},
)


def made(make: Make, **options: Any) -> bytes:
    """Return a file."""
    body = io.BytesIO()
    with h5py.File(body, "w", **options) as file:
        make(file)
    return body.getvalue()


def encoded_hdf5(voxels: npt.NDArray[Any], seed: int) -> bytes:
    """Return a file with voxels; `seed` chooses among the ways to write it."""
    way = dict(WAYS[seed % len(WAYS)])
    if "maxshape" in way:
        way["maxshape"] *= voxels.ndim
    name = ("voxels", "em")[seed % 2]
    options = FILES[seed // len(WAYS) % len(FILES)]

    def make(file: h5py.File) -> None:
        file.create_dataset(name, data=voxels, **way)
        if name == "voxels":
            file.create_group("besides")

    return made(make, **options)


def bombs_of_hdf5() -> dict[str, bytes]:
    """Return what is to be refused for a box of shape `BOX` of uint64, by what it tries."""
    outside = h5py.VirtualLayout(BOX, "u8")
    outside[:] = h5py.VirtualSource("/etc/passwd", "voxels", BOX)
    return {
        "voxels in a file of the server": _with((*BOX,), external=[("/etc/passwd", 0, 192)]),
        "voxels in other HDF5 files": made(lambda file: file.create_virtual_dataset("em", outside)),
        "a link to another file": made(linked(h5py.ExternalLink("/etc/passwd", "/voxels"))),
        "a link to itself": made(linked(h5py.SoftLink("/voxels"))),
        "a link to a dataset": made(both(linked(h5py.SoftLink("/em")), voxels_in("em"))),
        "a group": made(lambda file: file.create_group("voxels")),
        "many members": made(lambda file: [file.create_group(str(n)) for n in range(500)]),
        "none": made(lambda _: None),
        "2^60 voxels, none of them there": _with((1 << 20,) * 3, compression="gzip"),
        "texts": made(lambda file: file.create_dataset("em", BOX, h5py.string_dtype())),
        "a type with fields": made(lambda file: file.create_dataset("em", BOX, [("a", "u8")])),
        "a chunk that inflates to 64 MiB": with_chunk(BOX, 64 << 20),
        "a chunk of 2 GiB": with_chunk((2, 1 << 13, 1 << 14), 1 << 20),
        "a head and nothing behind it": b"\x89HDF\r\n\x1a\n" + bytes(400),
    }


def linked(link: h5py.SoftLink | h5py.ExternalLink) -> Make:
    """Return what puts a link in the place of the voxels."""
    return lambda file: file.__setitem__("voxels", link)


def voxels_in(name: str) -> Make:
    """Return what puts voxels into a file."""
    return lambda file: file.create_dataset(name, BOX, "u8")


def both(one: Make, other: Make) -> Make:
    """Return what does one, and then the other."""
    return lambda file: (one(file), other(file))


def _with(shape: tuple[int, ...], **options: Any) -> bytes:
    return made(lambda file: file.create_dataset("voxels", shape, "u8", **options))


def with_chunk(chunk: tuple[int, int, int], inflated: int) -> bytes:
    """Return a file of one chunk, which is of another size than its bytes inflate to."""

    def make(file: h5py.File) -> None:
        options = {"chunks": chunk, "maxshape": (None,) * 3, "compression": "gzip"}
        dataset = file.create_dataset("voxels", BOX, "u8", **options)
        dataset.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(inflated)))

    return made(make)


def of_empty_chunks(shape: tuple[int, int, int], chunk: tuple[int, int, int]) -> bytes:
    """Return a file of chunks that are not there, of one byte a voxel."""
    options = {"chunks": chunk, "compression": "gzip"}
    return made(lambda file: file.create_dataset("voxels", shape, np.uint8, **options))
