"""The program that reads HDF5 bodies, apart from the gateway: libhdf5 is not made for enemies.

``python -I hdf5_reader.py`` has a socket as its standard input. For each socket that it is handed
there it forks, and the fork reads one body. Before it looks at the first byte it gives up what it
might be turned to: it can open no file and no connection, start no process, and has only so much
memory and time. A file that crashes it, never ends or unpacks to anything ends one fork.

A line of JSON, `Asked`, and the body are sent; the answer is a line of JSON, and the voxels where
it says ``"voxels"``.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any, TypedDict

import h5py
import numpy as np
import numpy.typing as npt

NAME = "voxels"
"""Of the dataset that is read where a file has several."""


class Asked(TypedDict):
    """What a body is to hold, and what reading it may take."""

    body: int
    """Its bytes."""
    shape: list[int]
    dtype: str
    memory: int
    """Bytes of memory besides what the program has."""
    seconds: int
    """Of a processor."""


class UnreadError(Exception):
    """A file is not read, for a reason."""


class MisfitError(Exception):
    """A file has other voxels than those that were asked for."""


def main() -> None:
    """Fork for each socket that is handed over, until the gateway has gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks that end are not waited for
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal it is for the gateway
    with socket.socket(fileno=0) as gateway:
        while True:
            handed, sockets, _, _ = socket.recv_fds(gateway, 1, 1)
            if not handed:
                return
            if not os.fork():
                try:
                    gateway.close()
                    with socket.socket(fileno=sockets[0]) as client:
                        answer(client)
                finally:
                    os._exit(0)
            os.close(sockets[0])


def answer(client: socket.socket) -> None:
    """Read one body, and answer what is in it."""
    with client.makefile("rwb") as stream:
        asked: Asked = json.loads(stream.readline())
        confine(asked["memory"], asked["seconds"])
        try:
            voxels = read(stream.read(asked["body"]), tuple(asked["shape"]), asked["dtype"])
        except MisfitError as error:
            said, voxels = {"misfit": str(error)}, np.empty(0)
        except Exception as error:  # noqa: BLE001  (whatever h5py raises of what is no HDF5)
            said, voxels = {"unread": (str(error) or type(error).__name__)[:200]}, np.empty(0)
        else:
            said = {"voxels": str(voxels.dtype)}
        stream.write(json.dumps(said).encode() + b"\n")
        stream.write(voxels.data)


def confine(memory: int, seconds: int) -> None:
    """Have no more memory and time than that, and no file, connection or process, from here on."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    signal.alarm(4 * seconds)
    for limited, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limited, (most, most))


def read(body: bytes, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Return the voxels of the one dataset of a file, little-endian.

    Raises
    ------
    UnreadError
        If they are elsewhere, or there is not one dataset.
    MisfitError
        If they are of another shape or type.
    """
    with h5py.File(io.BytesIO(body), "r") as file:
        dataset = one_dataset(file)
        if dataset.shape != shape or dataset.dtype.newbyteorder("<") != np.dtype(dtype):
            raise MisfitError(f"{str(dataset.dtype)[:100]} voxels of shape {dataset.shape}")
        return np.ascontiguousarray(dataset[()].astype(dtype, copy=False))


def one_dataset(file: h5py.File) -> h5py.Dataset:
    """Return the dataset `NAME`, or the only one."""
    if NAME not in file and len(file) != 1:
        raise UnreadError(f"it has {len(file)} members, and none is {NAME!r}")
    name = NAME if NAME in file else next(iter(file))
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise UnreadError(f"{name[:100]!r} is a link to elsewhere")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise UnreadError(f"{name[:100]!r} is no dataset")
    if dataset.external or dataset.is_virtual:
        raise UnreadError(f"the voxels of {name[:100]!r} are in other files")
    return dataset


if __name__ == "__main__":
    main()
