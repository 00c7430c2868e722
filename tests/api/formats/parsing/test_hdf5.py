"""HDF5 bodies are read by a process that can do nothing else, and whose end harms nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.formats.parsing.bodies import cutout_of
from tests.api.formats.parsing.hdf5_bodies import bombs_of_hdf5, encoded_hdf5, of_empty_chunks

from voxlake.api.formats.parsing import hdf5
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

CUTOUT = cutout_of((2, 3, 4), "uint64")
VOXELS = np.arange(24, dtype=np.uint64).reshape(CUTOUT.shape)
BODY = encoded_hdf5(VOXELS, 1)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[hdf5.Reader]:
    """A reader of its own, whose end no other test sees."""
    reader = hdf5.Reader()
    monkeypatch.setattr(hdf5, "_READER", reader)
    yield reader
    reader.close()


def parse(body: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    return hdf5.parse(CUTOUT, memoryview(body))


CONFINED = """
import os, signal, socket
import h5py
from voxlake.api.formats.parsing.hdf5_reader import confine

def begin(act):
    if child := os.fork():
        return child
    try:
        confine(64 << 20, 1)
        exec(act)
    except (OSError, MemoryError) as error:
        os._exit(2 if isinstance(error, OSError) else 1)
    os._exit(0)

for child in [begin(act) for act in {acts!r}]:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""A program that forks for each of some acts, and says how it ends when it is confined."""


def test_who_is_confined_can_do_nothing() -> None:
    ends = {
        "pass": {0},
        "bytes(80 << 20)": {1},
        "open('/etc/passwd')": {2},
        "h5py.File('/dev/shm/voxlake-none.h5', 'w')": {2},
        "socket.socket()": {2},
        "signal.pause()": {-signal.SIGALRM},
        "while True: pass": {-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGALRM},
    }
    program = [sys.executable, "-c", CONFINED.format(acts=list(ends))]
    ran = subprocess.run(program, capture_output=True, check=True)
    for (act, allowed), end in zip(ends.items(), ran.stdout.split(), strict=True):
        assert int(end) in allowed, act


def test_links_are_told_from_what_is_no_file() -> None:
    reasons = {}
    for what, body in bombs_of_hdf5().items():
        with pytest.raises(InvalidInputError) as refused:
            parse(body)
        reasons[what] = str(refused.value)
    for what, reason in {
        "voxels in a file of the server": "in other files",
        "voxels in other HDF5 files": "in other files",
        "a link to another file": "link to elsewhere",
        "a link to a dataset": "link to elsewhere",
        "many members": "500 members",
        "2^60 voxels, none of them there": "shape (1048576, 1048576, 1048576)",
        "texts": "object voxels",
    }.items():
        assert reason in reasons[what], what


def test_many_are_read_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        for number, voxels in enumerate(pool.map(parse, [BODY] * 40)):
            np.testing.assert_array_equal(voxels, VOXELS, str(number))


def test_a_reader_that_died_is_started_again(reader: hdf5.Reader) -> None:
    np.testing.assert_array_equal(parse(BODY), VOXELS)
    first = reader._process
    assert first is not None
    first.kill()
    first.wait()
    np.testing.assert_array_equal(parse(BODY), VOXELS)
    assert reader._process is not first


def test_what_takes_long_is_given_up(monkeypatch: pytest.MonkeyPatch, reader: hdf5.Reader) -> None:
    np.testing.assert_array_equal(parse(BODY), VOXELS)
    cutout = cutout_of((128, 128, 256), "uint8")
    body = of_empty_chunks(cutout.shape, (1, 1, 1))  # type: ignore[arg-type]
    monkeypatch.setattr(hdf5, "_SECONDS", 1)
    monkeypatch.setattr(hdf5, "BESIDES_BYTES", 16 << 30)
    with pytest.raises(InvalidInputError, match="more memory or time"):
        hdf5.parse(cutout, memoryview(body))
    np.testing.assert_array_equal(parse(BODY), VOXELS)


def test_the_reader_knows_nothing_of_the_gateway(reader: hdf5.Reader) -> None:
    parse(BODY)
    assert reader._process is not None
    folder = Path(f"/proc/{reader._process.pid}")
    assert (folder / "environ").read_bytes() == b""
    opened = {str(each.readlink()) for each in (folder / "fd").iterdir()}
    assert {each.partition(":")[0] for each in opened} <= {"socket", "/dev/null"}
