"""The document ``info`` of a volume in Neuroglancer's precomputed format."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document


class ScaleDocument(Document):
    """A level of a volume, all x, y, z."""

    key: str
    size: tuple[int, int, int]
    resolution: tuple[float, float, float] = Field(description="Nanometres.")
    voxel_offset: tuple[int, int, int]
    chunk_sizes: tuple[tuple[int, int, int]]
    encoding: str
    compressed_segmentation_block_size: tuple[int, int, int] | None = Field(
        None, description="Left out for other encodings."
    )


class VolumeInfo(Document):
    """The document ``info`` of a volume."""

    kind: Literal["neuroglancer_multiscale_volume"] = Field(
        "neuroglancer_multiscale_volume", alias="@type"
    )
    type: Literal["image", "segmentation"]
    data_type: str
    num_channels: int
    scales: tuple[ScaleDocument, ...] = Field(description="The finest first.")
