"""One array of a ``.npz`` file: mapped where it lies, or if it is compressed unpacked once.

``file.npz::name`` chooses one of several. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import struct
import sys
import zipfile
import zlib
from functools import partial
from typing import IO, TYPE_CHECKING

from numpy.lib import format as npy_format

from voxlake.compute.sources.arrangement import arrange_named
from voxlake.compute.sources.files.mapped_file import MappedFile, mapped_source
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import named_file, split_inner
from voxlake.platform.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from voxlake.compute.sources.source import Source

_ARRAY = ".npy"
_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, EOFError)
_READ_HEADER = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


def open_npz(location: str) -> Source | None:
    """Open a ``.npz`` file.

    Raises
    ------
    SourceError
        If it is not there, torn, or has several arrays of which none is named.
    UnsupportedError
        If the array is encrypted, or holds Python objects.
    """
    outer, inner = split_inner(location)
    path = named_file(outer, (".npz",))
    if path is None:
        return None
    what = f"NumPy file {location}"
    try:
        with zipfile.ZipFile(path) as archive:
            member = _chosen(archive, inner, location)
            file = _mapped(path, archive, member, what)
    except SourceError:
        raise
    except _ERRORS as error:
        raise SourceError(f"{what} cannot be read ({error}); restore it") from error
    except (NotImplementedError, RuntimeError) as error:  # of a compression; or it is encrypted
        raise UnsupportedError(f"{what} cannot be unpacked ({error}); save it again") from error
    arrangement = arrange_named((), file.shape, what)
    return mapped_source(file, arrangement, fingerprint_files([path], "npz", member.filename))


def _chosen(archive: zipfile.ZipFile, inner: str, location: str) -> zipfile.ZipInfo:
    members = {
        info.filename.removesuffix(_ARRAY): info
        for info in archive.infolist()
        if info.filename.endswith(_ARRAY)
    }
    if inner in members or (not inner and len(members) == 1):
        return members[inner] if inner else next(iter(members.values()))
    names = listed(sorted(members)) or "none"
    missing = f" and not {inner}" if inner else ""
    raise SourceError(
        f"NumPy file {location} has the arrays {names}{missing}; name one: "
        f"{split_inner(location)[0]}::NAME"
    )


def _mapped(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, what: str) -> MappedFile:
    """Return where the array lies, after a look at its header.

    Nothing is unpickled: of Python objects no voxel is read.
    """
    with archive.open(member) as stream:
        shape, is_turned, dtype, offset = _header(stream)
    if dtype.hasobject:
        raise UnsupportedError(f"{what} holds Python objects, which are not read; save numbers")
    needed = offset + math.prod(shape) * dtype.itemsize
    if member.file_size != needed:
        raise ValueError(f"{shape} voxels of {dtype} take {needed} bytes, not {member.file_size}")
    is_stored = member.compress_type == zipfile.ZIP_STORED
    return MappedFile(
        path,
        dtype,
        offset + (_start(path, member) if is_stored else 0),
        shape,
        trailing=sys.maxsize if is_stored else 0,
        order="F" if is_turned else "C",
        member=None if is_stored else partial(_open, path, member.filename),
    )


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Return shape, whether the first axis is the fastest, type, and the bytes of the header."""
    version = npy_format.read_magic(stream)
    if version not in _READ_HEADER:
        raise ValueError(f"version {version} of the npy format")
    shape, is_turned, dtype = _READ_HEADER[version](stream)
    return tuple(map(int, shape)), is_turned, dtype, stream.tell()


def _start(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where the bytes of a stored member begin (APPNOTE.TXT, 4.3.7)."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
    return member.header_offset + 30 + int(name) + int(extra)


def _open(path: Path, name: str) -> IO[bytes]:
    with zipfile.ZipFile(path) as archive:  # what is open in it stays open
        return archive.open(name)
