"""HDF5: the one dataset of a file, or `voxels`, read by a process that can do nothing else.

What reads it is in `hdf5_reader`; here is what talks to it, and takes from it no more than the
voxels that were asked for, in no more time than it has.
"""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.hdf5 import HDF5
from voxlake.api.formats.parsing.parser import Parser, checked, misfit
from voxlake.platform.errors import InvalidInputError

BESIDES_BYTES = 32 << 20
"""Memory that reading a file may take besides the file and its voxels."""
_SECONDS, _BYTES_A_SECOND = 5, 8 << 20
"""Of a processor that reading takes, at most: some, and one for each so many bytes of voxels."""
_COPIES = 6
"""The voxels here; there the file, the voxels, these in the other byte order, and a chunk of all
of them on its way through two filters."""
_LINE_BYTES = 1 << 10


class Reader:
    """The process that reads; it is started with the first file, and ends with this one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._handing: socket.socket | None = None

    def connect(self) -> socket.socket:
        """Return a connection to a fork of it, which reads one file.

        Raises
        ------
        OSError
            If it cannot be started.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._started(), [b"\0"], [theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """End it; it is started again with the next file."""
        if self._handing is not None and self._process is not None:
            self._handing.close()
            self._process.terminate()
            self._process.wait()
            self._handing = self._process = None

    def _started(self) -> socket.socket:
        if self._handing is not None and self._process is not None:
            if self._process.poll() is None:
                return self._handing
            self.close()
        self._handing, theirs = socket.socketpair()
        program = Path(__file__).with_name("hdf5_reader.py")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(program)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},  # it has no business with what the gateway is told by its own
            )
        return self._handing


_READER = Reader()
atexit.register(_READER.close)


def parse(cutout: Cutout, body: memoryview) -> npt.NDArray[Any]:
    """Return the voxels, as the process reads them."""
    seconds = _SECONDS + cutout.nbytes // _BYTES_A_SECOND
    dtype = cutout.dtype.newbyteorder("<")
    asked = {
        "body": body.nbytes,
        "shape": cutout.shape,
        "dtype": dtype.str,
        "memory": body.nbytes + (_COPIES - 2) * cutout.nbytes + BESIDES_BYTES,
        "seconds": seconds,
    }
    voxels = np.empty(cutout.shape, dtype)
    try:
        with _READER.connect() as reader:
            reader.settimeout(8 * seconds)
            reader.sendall(json.dumps(asked).encode() + b"\n")
            reader.sendall(body)
            said = _receive(reader, voxels, time.monotonic() + 8 * seconds)
    except (OSError, ValueError) as error:
        raise _broken("reading it took more memory or time than such a file may") from error
    if "misfit" in said:
        raise misfit(str(said["misfit"]), cutout)
    if "unread" in said:
        raise _broken(str(said["unread"]))
    return checked(voxels, cutout)


def _receive(reader: socket.socket, voxels: npt.NDArray[Any], deadline: float) -> dict[str, object]:
    """Return what the process says, and fill `voxels` if it says that they follow."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < _LINE_BYTES:
        line += _some(reader, memoryview(bytearray(1)), deadline)
    said = json.loads(line)
    if not isinstance(said, dict):
        raise TypeError
    if "voxels" in said:
        rest = memoryview(voxels.reshape(-1).view(np.uint8))
        while rest:
            rest = rest[len(_some(reader, rest, deadline)) :]
    return said


def _some(reader: socket.socket, into: memoryview, deadline: float) -> memoryview:
    """Return the part of a buffer that was filled."""
    reader.settimeout(max(deadline - time.monotonic(), 0.001))
    size = reader.recv_into(into)
    if not size:
        raise ConnectionError
    return into[:size]


def _broken(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the body is no HDF5 file of one dataset ({why}); write it by h5py, and nothing beside it"
    )


HDF5_PARSER = Parser(HDF5.name, HDF5.media_type, parse, copies=_COPIES, besides_bytes=BESIDES_BYTES)
