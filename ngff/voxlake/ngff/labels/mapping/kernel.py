"""The compiled pass that gives each voxel its body.

Importing this module imports numba; `voxlake.ngff.labels.mapping.mapping` does so on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.platform.compiled import njit

if TYPE_CHECKING:
    import numpy.typing as npt

FIRST_BITS = 12
"""The hash has two to the power of so many slots to begin with; doubled when half full."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing (Knuth, 6.4).
_ONE = np.uint64(1)
_WORD = np.uint64(64)


@njit(nogil=True, cache=True)
def remap_voxels(
    voxels: npt.NDArray[Any],
    supervoxels: npt.NDArray[np.uint64],
    bodies: npt.NDArray[np.uint64],
    out: npt.NDArray[np.uint64],
) -> None:
    """Write the body of each of `voxels` (n,) to `out` (n,).

    Voxels are looked up in a hash of the labels met so far, and a label that is not in it yet,
    once, by bisection among `supervoxels`, ascending. So a mapping of millions costs no more than
    the labels of the block, and nothing is built for it. Runs of equal voxels are no case of their
    own: where they end cannot be predicted, and that costs more than a look-up.
    """
    # A free slot has the key 0 and the value 0, which is right for the background.
    keys = np.zeros(_ONE << np.uint64(FIRST_BITS), np.uint64)
    values = np.zeros(_ONE << np.uint64(FIRST_BITS), np.uint64)
    shift = _WORD - np.uint64(FIRST_BITS)
    done = 0
    while True:
        done = _remap_until_full(voxels, done, (supervoxels, bodies), (keys, values), out)
        if done == len(voxels):
            return
        keys, values = _doubled(keys, values, shift)
        shift -= _ONE


@njit(nogil=True, cache=True)
def _remap_until_full(
    voxels: npt.NDArray[Any],
    done: int,
    mapping: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]],
    table: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]],
    out: npt.NDArray[np.uint64],
) -> int:
    """Go on from voxel `done`, and return where the hash was half full, or the end.

    A function of its own, because arrays that a loop assigns anew are counted in each turn.
    """
    keys, values = table
    shift = _WORD
    room = len(keys) // 2
    size = len(keys)
    while size > 1:
        size >>= 1
        shift -= _ONE
    for key in keys:
        room -= key != 0
    for i in range(done, len(voxels)):
        label = np.uint64(voxels[i])
        slot = find_slot(keys, shift, label)
        if keys[slot] != label:
            if room <= 0:
                return i
            keys[slot], values[slot] = label, _bisect(mapping[0], mapping[1], label)
            room -= 1
        out[i] = values[slot]
    return len(voxels)


@njit(nogil=True, cache=True, inline="always")
def find_slot(keys: npt.NDArray[np.uint64], shift: np.uint64, label: np.uint64) -> np.uint64:
    """Return the place of `label` among `keys`, or the free one where it belongs."""
    slot = (label * _GOLDEN) >> shift
    while keys[slot] != label and keys[slot] != 0:
        slot = (slot + _ONE) & np.uint64(len(keys) - 1)
    return slot


@njit(nogil=True, cache=True)
def _doubled(
    keys: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64], shift: np.uint64
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    more_keys = np.zeros(2 * len(keys), np.uint64)
    more_values = np.zeros(2 * len(keys), np.uint64)
    for i in range(len(keys)):
        if keys[i] != 0:
            slot = find_slot(more_keys, shift - _ONE, keys[i])
            more_keys[slot], more_values[slot] = keys[i], values[i]
    return more_keys, more_values


@njit(nogil=True, cache=True)
def _bisect(
    supervoxels: npt.NDArray[np.uint64], bodies: npt.NDArray[np.uint64], label: np.uint64
) -> np.uint64:
    place = np.searchsorted(supervoxels, label)
    found = label
    if place < len(supervoxels) and supervoxels[place] == label:
        found = bodies[place]
    return found
