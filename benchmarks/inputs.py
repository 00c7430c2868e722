"""The input of all candidates: a TIFF stack, what must come of it, and a lake made from it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tifffile

from benchmarks.candidates.tensorstore import factors
from benchmarks.case import Case
from benchmarks.reference import block_mean
from voxlake.compute.sample.fib25 import open_sample
from voxlake.compute.sources import open_source
from voxlake.ngff.box import Box
from voxlake.platform.settings import Settings

SLAB = 48
"""Slices that are made at a time."""


class MakeSlab(Protocol):
    """Makes the slices [start, stop) of a volume, (z, y, x)."""

    def __call__(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """Return them."""
        ...


def prepare_inputs(folder: Path, source: str, shape: tuple[int, int, int]) -> Case:
    """Write everything that the candidates are given below `folder`."""
    from benchmarks.candidates.ngff_zarr import prepare_level_0
    from benchmarks.candidates.voxlake import prepare_lake

    case = Case(folder, folder)
    write_stack(folder, slab_maker(source, shape), shape)
    prepare_lake(case.lake, folder / "stack")
    prepare_level_0(case)
    for level in range(1, len(case.documents)):
        reduced = block_mean(case.expected(level - 1), tuple(factors(case, level)))
        np.save(folder / f"level-{level}.npy", reduced)
    return case


def write_stack(folder: Path, make: MakeSlab, shape: tuple[int, int, int]) -> None:
    """Write the slices as TIFF files, and as one NumPy file to compare with."""
    (folder / "stack").mkdir(parents=True)
    whole = np.lib.format.open_memmap(folder / "level-0.npy", "w+", np.uint8, shape)
    for start in range(0, shape[0], SLAB):
        stop = min(start + SLAB, shape[0])
        whole[start:stop] = make(start, stop)
        for z in range(start, stop):
            tifffile.imwrite(folder / "stack" / f"{z:06}.tif", whole[z])
    whole.flush()


def slab_maker(source: str, shape: tuple[int, int, int]) -> MakeSlab:
    """Return what makes the slices of a source: ``phantom``, ``fib25`` or ``noise``."""
    if source == "noise":
        return lambda start, stop: np.random.default_rng(start).integers(
            0, 256, (stop - start, *shape[1:]), np.uint8
        )
    if source == "phantom":
        phantom = open_source(f"phantom:{','.join(map(str, shape))}")
        return lambda start, stop: phantom.read(Box((start, 0, 0), (stop, *shape[1:])))
    cube = _fib25()
    y, x = np.arange(shape[1]) % cube.shape[1], np.arange(shape[2]) % cube.shape[2]
    return lambda start, stop: cube[np.ix_(np.arange(start, stop) % len(cube), y, x)]


def _fib25() -> npt.NDArray[np.uint8]:
    """Return the cube of the sample: from its folder if there is one, else downloaded."""
    beside = Path(__file__).parents[2] / "shared" / "data" / "fib25"
    folder = Settings().sample_dir or (beside if beside.is_dir() else None)
    source = open_source(open_sample(folder).image)
    return np.asarray(source.read(Box.of_shape(source.shape)))
