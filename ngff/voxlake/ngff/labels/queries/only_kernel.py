"""The compiled pass that keeps some labels. Importing this module imports numba."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.labels.mapping.kernel import find_slot
from voxlake.platform.compiled import njit

if TYPE_CHECKING:
    import numpy.typing as npt

_ONE = np.uint64(1)
_WORD = np.uint64(64)


@njit(nogil=True, cache=True)
def keep_voxels(
    voxels: npt.NDArray[Any], kept: npt.NDArray[np.uint64], out: npt.NDArray[Any]
) -> None:
    """Write those of `voxels` (n,) that are among `kept` to `out` (n,), and 0 for all others.

    `kept` are looked up in a hash that is a quarter full, so that most voxels cost one look.
    """
    bits = _ONE
    while (_ONE << bits) < np.uint64(4 * len(kept)):
        bits += _ONE
    shift = _WORD - bits
    keys = np.zeros(_ONE << bits, np.uint64)
    for label in kept:
        keys[find_slot(keys, shift, label)] = label
    for i in range(len(voxels)):
        label = np.uint64(voxels[i])
        # The slot of what is not kept is a free one, and its key 0.
        out[i] = keys[find_slot(keys, shift, label)]
