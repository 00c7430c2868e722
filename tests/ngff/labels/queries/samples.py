"""What NumPy says of the voxels of a label, and readers of DVID's encodings."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.queries.sparse_volume import Runs

type Run = tuple[int, int, int, int]


def brute_runs(voxels: npt.NDArray[Any], label: int, box: Box) -> list[Run]:
    """Return z, y, x, length of the runs of `label` in `box`, voxel by voxel."""
    found: list[Run] = []
    for z, y, x in np.argwhere(voxels[box.slices] == np.uint64(label)) + np.array(box.start):
        if found and found[-1][:2] == (z, y) and found[-1][2] + found[-1][3] == x:
            found[-1] = (*found[-1][:3], found[-1][3] + 1)
        else:
            found.append((int(z), int(y), int(x), 1))
    return found


def as_runs(parts: Iterable[Runs]) -> list[Run]:
    """Return all runs, sorted; each part must be sorted by itself."""
    found: list[Run] = []
    for part in parts:
        runs = [
            (int(z), int(y), int(x), int(n))
            for z, y, x, n in np.column_stack((part.start, part.length))
        ]
        assert runs
        assert runs == sorted(runs)
        found += runs
    return sorted(found)


def decode_spans(body: bytes) -> list[Run]:
    """Return the runs of ``srles``: int32 x, y, z, length."""
    return sorted((z, y, x, n) for x, y, z, n in struct.iter_unpack("<iiii", body))


def decode_rles(body: bytes) -> list[Run]:
    """Return the runs of ``rles``; the header must be that of a binary sparse volume."""
    payload, dimensions, along, reserved, voxels, spans = struct.unpack("<BBBBII", body[:12])
    assert (payload, dimensions, along, reserved, voxels) == (0, 3, 0, 0, 0)
    assert len(body) == 12 + 16 * spans
    return decode_spans(body[12:])


def decode_blocks(body: bytes, shape: tuple[int, ...]) -> tuple[int, npt.NDArray[np.bool_]]:
    """Return label and mask of ``blocks``, bit by bit, in a volume of at least `shape`."""
    gx, gy, gz, label = struct.unpack("<IIIQ", body[:20])
    mask = np.zeros([n + 8 * g for n, g in zip(shape, (gz, gy, gx), strict=True)], np.bool_)
    at = 20
    while at < len(body):
        x, y, z, flag = struct.unpack("<iiiB", body[at : at + 13])
        at += 13
        block = mask[z : z + 8 * gz, y : y + 8 * gy, x : x + 8 * gx]
        assert flag in (1, 2)
        if flag == 1:
            block[...] = True
            continue
        for number in range(gz * gy * gx):
            k, j, i = number // (gy * gx) * 8, number // gx % gy * 8, number % gx * 8
            inner, at = body[at], at + 1
            assert inner in (0, 1, 2)
            if inner == 1:
                block[k : k + 8, j : j + 8, i : i + 8] = True
            if inner == 2:
                for bit in range(512):
                    if body[at + bit // 8] >> bit % 8 & 1:
                        block[k + bit // 64, j + bit // 8 % 8, i + bit % 8] = True
                at += 64
    return label, mask
