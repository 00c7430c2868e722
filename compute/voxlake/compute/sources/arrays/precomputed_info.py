"""The ``info`` of a Neuroglancer precomputed volume, and the grid of its chunks. Pure.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxlake.compute.sources.calibration import Calibration, scales_of
from voxlake.ngff.grid.units import exact
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.grid.box import Box

type Triple[T] = tuple[T, T, T]
"""x, y, z."""

KINDS = ("image", "segmentation")
_Document = ConfigDict(frozen=True, extra="ignore")


class Sharding(BaseModel):
    """How chunks are put into shards."""

    model_config = _Document

    minishard_bits: int = Field(ge=0, le=32)
    shard_bits: int = Field(ge=0, le=64)
    minishard_index_encoding: Literal["raw", "gzip"] = "raw"

    @property
    def digits(self) -> int:
        """Hexadecimal digits in the name of a shard."""
        return max(1, -(-self.shard_bits // 4))


class Scale(BaseModel):
    """One resolution; what else it says (of its encoding, say) is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    key: str
    size: Triple[int]
    resolution: Triple[float]
    """In nanometres."""
    chunk_sizes: tuple[Triple[int], ...] = Field(min_length=1)
    voxel_offset: Triple[int] = (0, 0, 0)
    encoding: str
    sharding: Sharding | None = None

    @property
    def chunk(self) -> Triple[int]:
        """Extents of a chunk."""
        return self.chunk_sizes[0]

    def calibration(self, finest: Scale) -> Calibration:
        """Return where the voxels lie, if the first voxel of the `finest` scale lies at its offset.

        The format counts from the corners of voxels: those of a coarser scale have their centres
        half of what they are larger further on.
        """
        starts = (
            offset * exact(size) + (exact(size) - exact(fine)) / 2
            for offset, size, fine in zip(
                self.voxel_offset, self.resolution, finest.resolution, strict=True
            )
        )
        return Calibration(scales_of("xyz", self.resolution, "nanometer", starts))

    def chunk_names(self, box: Box) -> Iterator[str]:
        """Yield the names of the chunks that `box` (x, y, z from 0) touches."""
        for cell in box.cells(self.chunk):
            yield "_".join(
                f"{index * n + offset}-{min((index + 1) * n, size) + offset}"
                for index, n, size, offset in zip(
                    cell, self.chunk, self.size, self.voxel_offset, strict=True
                )
            )


class Info(BaseModel):
    """The document ``info``."""

    model_config = _Document

    type: Literal["image", "segmentation"]
    data_type: Literal["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"]
    num_channels: int = Field(ge=1)
    scales: tuple[Scale, ...] = Field(min_length=1)

    @property
    def finest(self) -> Scale:
        """The scale of the smallest voxels, which need not be the first; of several the first."""
        return min(self.scales, key=lambda scale: math.prod(scale.resolution))


def parse_info(document: dict[str, Any], what: str) -> Info:
    """Return the `document` as an info.

    Raises
    ------
    SourceError
        If it is not as the format says.
    """
    try:
        info = Info.model_validate(document)
    except ValidationError as error:
        raise SourceError(f"{what} has a wrong info ({error}); restore or mend it") from error
    for scale in info.scales:
        if min(min(chunk) for chunk in scale.chunk_sizes) < 1 or math.prod(scale.size) < 1:
            raise SourceError(
                f"{what} has the scale {scale.key} of size {scale.size} in chunks "
                f"{scale.chunk_sizes}; restore its info"
            )
    return info


def select_scale(info: Info, name: str, what: str) -> int:
    """Return the number of the scale with that number or key; of the finest if `name` is empty.

    Raises
    ------
    SourceError
        If there is none.
    """
    keys = [scale.key for scale in info.scales]
    if not name:
        return info.scales.index(info.finest)
    if name in keys:
        return keys.index(name)
    if name.isdecimal() and int(name) < len(keys):
        return int(name)
    raise SourceError(
        f"{what} has no scale {name!r}; give ?scale= and a number below {len(keys)}, or one of "
        f"{', '.join(keys)}"
    )
