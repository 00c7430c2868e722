"""The input of all candidates: a stack of images, what must come of it, and a lake made from it."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from benchmarks.candidates.tensorstore import factors
from benchmarks.case import Case
from benchmarks.reference import block_mean
from voxlake.compute.sample.fib25 import open_sample
from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SLAB = 48
"""Slices that are made at a time."""


class MakeSlab(Protocol):
    """Makes the slices [start, stop) of a volume, (z, y, x)."""

    def __call__(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """Return them."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """The input that was asked for."""

    source: str
    """``phantom``, ``fib25`` or ``noise``."""
    shape: tuple[int, int, int]
    suffix: str = ".tif"
    """Format of the slices: ``.tif`` or ``.png``."""


def prepare_inputs(folder: Path, wanted: Wanted, preparers: Iterable[str] = ()) -> Case:
    """Write everything that the candidates are given below `folder`.

    `preparers` name functions that add what one candidate needs: ``package.module:name``.
    """
    from benchmarks.candidates.voxlake import prepare_lake

    case = Case(folder, folder)
    write_stack(folder, wanted)
    prepare_lake(case.lake, folder / "stack")
    for function in preparers:
        cast("Callable[[Case], None]", pkgutil.resolve_name(function))(case)
    for level in range(1, len(case.documents)):
        reduced = block_mean(case.expected(level - 1), tuple(factors(case, level)))
        np.save(folder / f"level-{level}.npy", reduced)
    return case


def write_stack(folder: Path, wanted: Wanted) -> None:
    """Write the slices as image files, and as one NumPy file to compare with."""
    (folder / "stack").mkdir(parents=True)
    make, depth = slab_maker(wanted.source, wanted.shape), wanted.shape[0]
    whole = np.lib.format.open_memmap(folder / "level-0.npy", "w+", np.uint8, wanted.shape)
    for start in range(0, depth, SLAB):
        stop = min(start + SLAB, depth)
        whole[start:stop] = make(start, stop)
        for z in range(start, stop):
            write_slice(folder / "stack" / f"{z:06}{wanted.suffix}", whole[z])
    whole.flush()


def write_slice(path: Path, voxels: npt.NDArray[np.uint8]) -> None:
    """Write an image file: TIFF as it is, PNG with the compression that libpng has by default."""
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(voxels, level=6))
    else:
        tifffile.imwrite(path, voxels)


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
    """Return the cube of the sample."""
    source = open_source(open_sample(fib25_folder()).image)
    return np.asarray(source.read(Box.of_shape(source.shape)))


def fib25_folder() -> Path | None:
    """Return the folder of the sample if there is one; else it is downloaded."""
    beside = Path(__file__).parents[2] / "shared" / "data" / "fib25"
    return Settings().sample_dir or (beside if beside.is_dir() else None)
