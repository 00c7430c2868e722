"""Loading of the compiled kernels, which takes the better part of a second and some 170 MiB.

So they are loaded by who reads much. Until then TensorStore reads.
"""

from __future__ import annotations

from threading import Lock, Thread

import numpy as np

LOAD_AFTER_BYTES = 256 << 20
"""Voxels that a process reads until the kernels are loaded, beside what it does."""


class _Loading:
    def __init__(self) -> None:
        self._left, self._lock = LOAD_AFTER_BYTES, Lock()
        self.is_done = False

    def load(self) -> None:
        from voxlake.ngff.reading.kernel import decode_pieces, find_pieces, put_pieces

        none, three, four = (np.zeros(shape, np.int64) for shape in (0, (0, 3), 4))
        pairs = np.zeros((0, 2), np.int64)
        put_pieces(none, none, three, four)
        decode_pieces(-1, (0, 0), 0, pairs, (none, none, none, three, four, 0), (0, 0))
        find_pieces(np.ones(3, np.int64), np.ones(3, np.int64), np.ones((2, 3), np.int64), 1)
        self.is_done = True

    def count(self, size: int) -> None:
        with self._lock:
            is_enough = 0 < self._left <= size
            self._left -= size
        if is_enough:
            Thread(target=self.load, name="voxlake-load-reader").start()


_LOADING = _Loading()


def load_reader() -> None:
    """Load the kernels, so that from here on our own threads read what they can."""
    _LOADING.load()


def is_loaded(size: int) -> bool:
    """Return whether the kernels are loaded, now that a box of `size` bytes is to be read."""
    if not _LOADING.is_done:
        _LOADING.count(size)
    return _LOADING.is_done
