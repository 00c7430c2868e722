"""Kinds of data to measure codecs on: real where there is some, made up to be like it else."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from benchmarks.inputs import fib25_folder
from voxlake.compute.sample.fib25 import open_sample
from voxlake.compute.sample.folder import SampleFolder
from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 64
EDGE = 3 * CHUNK
"""Of the cube that is coded: as many whole chunks as the sample has."""


def kinds() -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the name of each kind of data and a cube of it, one at a time."""
    for name, make in KINDS.items():
        yield name, np.ascontiguousarray(make()[:EDGE, :EDGE, :EDGE])


def chunks(cube: npt.NDArray[Any]) -> list[bytes]:
    """Return the chunks of a cube as they are coded: C order, little endian."""
    starts = range(0, len(cube), CHUNK)
    return [
        np.ascontiguousarray(cube[z : z + CHUNK, y : y + CHUNK, x : x + CHUNK]).tobytes()
        for z in starts
        for y in starts
        for x in starts
    ]


def fib25_image() -> npt.NDArray[Any]:
    """Return electron microscopy."""
    return _read(open_sample(fib25_folder()).image)


def fib25_bodies() -> npt.NDArray[Any]:
    """Return its bodies."""
    return _read(open_sample(fib25_folder()).labels)


def fib25_supervoxels() -> npt.NDArray[Any]:
    """Return what the bodies were joined from, 21,317 in the sample."""
    folder = SampleFolder(Path(open_sample(fib25_folder()).image).parent)
    unpacked = io.BytesIO(gzip.decompress(folder.ground_truth.read_bytes()))
    with h5py.File(unpacked, "r") as file:
        return np.asarray(file["stack"][:EDGE, :EDGE, :EDGE], np.uint64)


def phantom_image() -> npt.NDArray[Any]:
    """Return the phantom's image."""
    return _read(f"phantom:{EDGE}")


def phantom_labels() -> npt.NDArray[Any]:
    """Return the phantom's labels, whose ids use all 64 bits."""
    return _read(f"phantom:{EDGE}?kind=labels")


def phantom_16_bit() -> npt.NDArray[Any]:
    """Return the phantom's image as a camera of 12 bits sees it, with the noise of its photons."""
    electrons = phantom_image().astype(np.float64) * 16
    return np.random.default_rng(0).poisson(electrons).clip(0, 4095).astype(np.uint16)


def light_sheet() -> npt.NDArray[Any]:
    """Return what a light-sheet microscope gives: an offset, read noise, few bright bodies."""
    random = np.random.default_rng(0)
    labels = phantom_labels()
    bright = np.where(labels % np.uint64(7) == 0, labels % np.uint64(1500), 0).astype(np.float64)
    photons = random.poisson(bright + 5)
    return (100 + photons + random.normal(0, 1.6, photons.shape)).round().astype(np.uint16)


def noise() -> npt.NDArray[Any]:
    """Return what nothing compresses."""
    return np.random.default_rng(0).integers(0, 256, (EDGE,) * 3, np.uint8)


def _read(location: str) -> npt.NDArray[Any]:
    source = open_source(location)
    return np.asarray(source.read(Box((0, 0, 0), (EDGE,) * 3)))


KINDS: dict[str, Callable[[], npt.NDArray[Any]]] = {
    "FIB-25 image, uint8": fib25_image,
    "phantom image, uint8": phantom_image,
    "phantom image, uint16": phantom_16_bit,
    "light sheet, uint16": light_sheet,
    "noise, uint8": noise,
    "FIB-25 bodies, uint64": fib25_bodies,
    "FIB-25 supervoxels, uint64": fib25_supervoxels,
    "phantom labels, uint64": phantom_labels,
}
"""Images first, then labels."""
