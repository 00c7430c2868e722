"""NumPy's archive of arrays, with one in it: its directory is checked before anything is inflated.

A directory of few bytes can name many members, and a member of few bytes can inflate to many: one
member is taken, and no more bytes of it than the voxels have.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import numpy.typing as npt

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.npz import NPZ
from voxlake.api.formats.parsing import npy
from voxlake.api.formats.parsing.parser import Parser, misfit
from voxlake.platform.errors import InvalidInputError

_END = struct.Struct("<4s4H2LH")
"""End of central directory: PKWARE's APPNOTE.TXT 4.3.16."""
_LOCATOR_BYTES = 20
"""Of the record before it that leads to larger numbers (APPNOTE.TXT 4.3.15)."""
_DIRECTORY_BYTES = 4 << 10
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
"""What zipfile raises of an archive that is none, or none that it knows."""


def parse(cutout: Cutout, body: memoryview) -> npt.NDArray[Any]:
    """Return the voxels of the only member."""
    _check_end(body)
    most = cutout.nbytes + npy.HEAD_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            [member] = archive.infolist()
            if member.compress_type not in _METHODS or member.flag_bits & _ENCRYPTED:
                raise _broken("its member is neither stored nor deflated")
            if member.file_size > most:
                raise misfit(f"a member of {member.file_size} bytes", cutout)
            with archive.open(member) as file:
                inflated = file.read(member.file_size)
                # Its checksum is compared once its end was read.
                is_whole = len(inflated) == member.file_size and not file.read(1)
    except InvalidInputError:
        raise
    except _BROKEN as error:
        raise _broken(str(error)[:200]) from error
    if not is_whole:
        raise _broken("its member has another size than the directory says")
    return npy.parse(cutout, memoryview(inflated))


def _check_end(body: memoryview) -> None:
    """Check that an archive is all there is: a directory of one member, and of its usual size."""
    if body.nbytes < _END.size:
        raise _broken("it is too short")
    if bytes(body[:4]) != b"PK\3\4":
        raise _broken("it does not begin with a member")
    end = body.nbytes - _END.size
    mark, disk, first, here, members, size, _, comment = _END.unpack(body[end:])
    if mark != b"PK\5\6" or comment or disk or first:
        raise _broken("it has no end of a directory, or text behind it")
    if bytes(body[max(end - _LOCATOR_BYTES, 0) : end]).startswith(b"PK\6\7"):
        raise _broken("its directory is one of more than 4 GiB")
    if here != 1 or members != 1 or size > _DIRECTORY_BYTES:
        raise _broken(f"it has {members} members, and one is read")


def _broken(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the body is no .npz file of one array ({why}); write it by numpy.savez_compressed"
    )


NPZ_PARSER = Parser(NPZ.name, NPZ.media_type, parse, copies=3)
