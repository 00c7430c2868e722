"""The voxels of a phantom, compiled.

Space is a grid of cubes, each with one seed point in its middle half. A voxel belongs to the
nearest seed among the 27 cubes around it. Cubes that follow one another along z are one body, a few
at a time, and the membrane lies where the nearest seed of another body is almost as near. Squared
distances are whole numbers and ties fall to the first cube in C order: a voxel does not depend on
the box it is read with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from voxlake.platform.compiled import njit

if TYPE_CHECKING:
    from collections.abc import Callable

CUBE = 24
"""Edge of a cube of the grid, in voxels."""
_ROD = 4
"""Cubes in a row that make one body."""
_MEMBRANE, _CORE = np.float32(2.5), np.float32(1.0)
"""Differences of the two distances, in voxels: darker below the first, label 0 below the second."""
_DARK = np.float32(45)
"""Gray of a membrane."""
_ORGANELLE = np.float32(25)
"""Squared radius of the dark spot around the seeds of some bodies."""
_FAR = np.float32(1e6)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _compiled[F: Callable[..., object]](function: F) -> F:
    """Compile without the interpreter lock: several tasks of one process make boxes at once."""
    return cast("F", njit(nogil=True, cache=True)(function))  # it is called like F


@_compiled
def _mix64(value: np.uint64) -> np.uint64:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@_compiled
def _mix32(value: np.uint32) -> np.uint32:
    """Finaliser of MurmurHash3: of the width that vectorises."""
    value = np.uint32((value ^ (value >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    value = np.uint32((value ^ (value >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@_compiled
def _hash_place(seed: np.uint64, z: int, y: int, x: int) -> np.uint64:
    key = _mix64(seed + _GOLDEN * np.uint64(z + 8))
    key = _mix64(key + _GOLDEN * np.uint64(y + 8))
    return _mix64(key + _GOLDEN * np.uint64(x + 8))


@_compiled
def _body_hash(seed: np.uint64, z: int, y: int, x: int) -> np.uint64:
    """Return the hash of the body of a cube; where its rods begin differs from row to row."""
    shift = int(_hash_place(seed ^ np.uint64(1), 0, y, x) % np.uint64(_ROD))
    return _hash_place(seed ^ np.uint64(2), (z + shift) // _ROD, y, x)


@_compiled
def _look_around(
    seed: np.uint64, cube: tuple[int, int, int], points: np.ndarray, bodies: np.ndarray
) -> None:
    """Fill in the seed points (27, 3), from the cube's corner, and the bodies of 27 cubes."""
    for k in range(27):
        dz, dy, dx = k // 9 - 1, k // 3 % 3 - 1, k % 3 - 1
        z, y, x = cube[0] + dz, cube[1] + dy, cube[2] + dx
        jitter = _hash_place(seed, z, y, x)
        half, quarter = np.uint64(CUBE // 2), CUBE // 4
        points[k, 0] = dz * CUBE + quarter + np.int64(jitter % half)
        points[k, 1] = dy * CUBE + quarter + np.int64((jitter >> np.uint64(20)) % half)
        points[k, 2] = dx * CUBE + quarter + np.int64((jitter >> np.uint64(40)) % half)
        bodies[k] = _body_hash(seed, z, y, x)


@_compiled
def _first_of_body(bodies: np.ndarray, owners: np.ndarray) -> None:
    """Give each of 27 cubes the number of the first of the same body."""
    for k in range(27):
        owners[k] = k
        for j in range(k):
            if bodies[j] == bodies[k]:
                owners[k] = j
                break


@_compiled
def _measure_row(
    points: np.ndarray,
    owners: np.ndarray,
    place: tuple[int, int],
    row: np.ndarray,
    near: np.ndarray,
) -> None:
    """Measure the row along x of a cube that is at `place` (z, y) in it.

    ``row[0]`` and ``row[1]`` (of `CUBE` voxels) become the squared distances to the nearest seed
    and to the nearest of another body, `near` the number of the nearest body.
    """
    nearest, other = row[0], row[1]
    nearest[:], other[:], near[:] = _FAR, _FAR, -1
    for k in range(27):
        dz, dy = np.float32(place[0]) - points[k, 0], np.float32(place[1]) - points[k, 1]
        base, body, seed_x = dz * dz + dy * dy, owners[k], points[k, 2]
        for i in range(CUBE):  # whole rows: a constant length vectorises
            dx = np.float32(np.int32(i)) - seed_x
            d = base + dx * dx
            best, second, owner = nearest[i], other[i], near[i]  # loaded once: no branch is left
            closer, same = d < best, owner == body
            runner_up = best if closer else min(second, d)
            other[i] = second if same else runner_up
            nearest[i] = d if closer else best
            near[i] = body if closer else owner


@_compiled
def _label_row(
    out: np.ndarray, row: np.ndarray, near: np.ndarray, first: int, ids: np.ndarray
) -> None:
    """Write the labels of a measured row, from its voxel `first` on, as many as `out` takes."""
    for i in range(out.size):
        gap = np.sqrt(row[1, first + i]) - np.sqrt(row[0, first + i])
        out[i] = ids[near[first + i]] if gap >= _CORE else np.uint64(0)


@_compiled
def _shade_row(
    row: np.ndarray, near: np.ndarray, grays: np.ndarray, noise: np.uint32, shades: np.ndarray
) -> None:
    """Turn a measured row into gray values."""
    for i in range(CUBE):
        gap = np.sqrt(row[1, i]) - np.sqrt(row[0, i])
        spot = grays[1, near[i]] if row[0, i] < _ORGANELLE else np.float32(0)
        share = min(gap / _MEMBRANE, np.float32(1))
        grain = _mix32(np.uint32(noise + np.uint32(i))) & np.uint32(31)
        shade = _DARK + (grays[0, near[i]] - spot - _DARK) * share
        shades[i] = np.uint8(shade + np.float32(grain) - np.float32(16))


@_compiled
def _name_bodies(
    bodies: np.ndarray, origin: np.uint64, origin_id: np.uint64, ids: np.ndarray
) -> None:
    """Turn bodies into ids: one in 16 is background; that at the origin can be given its id."""
    for k in range(27):
        background = bodies[k] % np.uint64(16) == np.uint64(0)
        ids[k] = np.uint64(0) if background else _mix64(bodies[k])
        if origin_id != np.uint64(0) and bodies[k] == origin:
            ids[k] = origin_id


@_compiled
def _gray_bodies(bodies: np.ndarray, grays: np.ndarray) -> None:
    """Choose the gray (0) of each body and how much darker its organelles are (1)."""
    for k in range(27):
        grays[0, k] = np.float32(np.int64(bodies[k] >> np.uint64(8)) % 90 + 110)
        has_organelles = bodies[k] >> np.uint64(60) < np.uint64(6)
        grays[1, k] = np.float32(45) if has_organelles else np.float32(0)


@_compiled
def _span(start: int, size: int, cube: int) -> tuple[int, int]:
    """Return the part of a cube that a box touches along one axis, in voxels of the volume."""
    return max(start, cube * CUBE), min(start + size, (cube + 1) * CUBE)


@_compiled
def _cubes(out: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the cubes (n, 3) that the box of `out` touches."""
    first = start // CUBE
    last = (start + np.array(out.shape) - 1) // CUBE
    z, y, x = last - first + 1
    cubes = np.empty((z * y * x, 3), np.int64)
    for i in range(len(cubes)):
        cubes[i, 0] = first[0] + i // (y * x)
        cubes[i, 1] = first[1] + i // x % y
        cubes[i, 2] = first[2] + i % x
    return cubes


@_compiled
def fill(out: np.ndarray, start: np.ndarray, seed: np.uint64, origin_id: np.uint64) -> None:
    """Fill `out` (z, y, x), whose first voxel is at `start`: labels if uint64, image if uint8.

    The body at the origin gets `origin_id`, unless that is 0.
    """
    points, bodies = np.empty((27, 3), np.float32), np.empty(27, np.uint64)
    owners, ids = np.empty(27, np.int32), np.empty(27, np.uint64)
    grays, row = np.empty((2, 27), np.float32), np.empty((2, CUBE), np.float32)
    near, shades = np.empty(CUBE, np.int32), np.empty(CUBE, np.uint8)
    origin = _body_hash(seed, 0, 0, 0)
    for cube in _cubes(out, start):
        _look_around(seed, (cube[0], cube[1], cube[2]), points, bodies)
        _first_of_body(bodies, owners)
        _name_bodies(bodies, origin, origin_id, ids)
        _gray_bodies(bodies, grays)
        x0, x1 = _span(start[2], out.shape[2], cube[2])
        first = x0 - cube[2] * CUBE
        for z in range(*_span(start[0], out.shape[0], cube[0])):
            for y in range(*_span(start[1], out.shape[1], cube[1])):
                _measure_row(points, owners, (z - cube[0] * CUBE, y - cube[1] * CUBE), row, near)
                target = out[z - start[0], y - start[1], x0 - start[2] : x1 - start[2]]
                if out.itemsize == 8:
                    _label_row(target, row, near, first, ids)
                else:
                    noise = np.uint32(_hash_place(seed, z, y, cube[2]))
                    _shade_row(row, near, grays, noise, shades)
                    target[:] = shades[first : first + x1 - x0]
