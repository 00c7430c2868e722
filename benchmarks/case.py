"""What every candidate of a benchmark is given, and what it gives back."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATASET = "bench/phantom/em"
"""Name of the dataset in the lake."""


@dataclass(frozen=True)
class Case:
    """Prepared input on disk, and a folder for the output of one run."""

    inputs: Path
    """Holds the slices, the expected voxels of each level, and a lake with the same dataset."""
    output: Path
    """Empty when the run begins."""

    @property
    def lake(self) -> Path:
        """The prepared lake."""
        return self.inputs / "lake"

    @property
    def stored(self) -> Path:
        """The OME-Zarr group in the prepared lake."""
        return dataset_folder(self.lake)

    @property
    def slices(self) -> list[Path]:
        """The image files of the stack, in the order of z."""
        return sorted((self.inputs / "stack").iterdir())

    @cached_property
    def documents(self) -> list[dict[str, Any]]:
        """The ``zarr.json`` of each level: all candidates store with these codecs and shards."""
        paths = sorted(self.stored.glob("[0-9]*/zarr.json"), key=lambda path: int(path.parent.name))
        return [json.loads(path.read_text()) for path in paths]

    def expected(self, level: int) -> npt.NDArray[Any]:
        """Return the voxels that a level must have."""
        return np.asarray(np.load(self.inputs / f"level-{level}.npy", mmap_mode="r"))

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of level 0 along z, y, x."""
        return tuple(self.documents[0]["shape"])

    @property
    def megabytes(self) -> float:
        """Size of level 0 in 10^6 bytes."""
        return math.prod(self.shape) / 1e6


@dataclass(frozen=True, slots=True)
class Step:
    """Work that is timed; what comes before and after it is not."""

    part: str
    """Steps of the same part are added up."""
    megabytes: float
    """10^6 bytes of voxels that it handles."""
    run: Callable[[], npt.NDArray[Any] | None]
    """Does the work; voxels that it returns must be the same for all candidates."""


class Prepare(Protocol):
    """A candidate: prepares, outside the time that is taken, and yields the steps."""

    def __call__(self, case: Case, **options: Any) -> Iterator[Step]:
        """Yield the steps to be timed, in order."""
        ...


def dataset_folder(lake: Path) -> Path:
    """Return the OME-Zarr group of the dataset in a local lake."""
    return lake / f"{DATASET}.ome.zarr"


def chunk_shape(document: dict[str, Any]) -> tuple[int, ...]:
    """Return the smallest readable block of an array."""
    return tuple(document["codecs"][0]["configuration"]["chunk_shape"])


def shard_shape(document: dict[str, Any]) -> tuple[int, ...]:
    """Return the smallest writable block of an array."""
    return tuple(document["chunk_grid"]["configuration"]["chunk_shape"])


def create_array(case: Case, level: int) -> Path:
    """Create the empty array of a level in the output, with the metadata that voxlake gives it."""
    folder = case.output / str(level)
    folder.mkdir(parents=True)
    (folder / "zarr.json").write_text(json.dumps(case.documents[level]))
    return folder
