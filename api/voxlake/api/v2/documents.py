"""The JSON documents of the API, as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    """A frozen JSON document."""

    model_config = ConfigDict(frozen=True)


class Summary(Document):
    """A dataset in a list."""

    name: str = Field(examples=["flyem/medulla/em"])
    kind: Literal["image", "labels"]
    of: str | None = Field(description="Labels only: name of the image they belong to.")
    state: Literal["ingesting", "ready", "failed"]
    public: bool = Field(description="Whether everybody may read it.")
    created_at: datetime


class DatasetList(Document):
    """The datasets that the asker may read."""

    datasets: list[Summary]


class AxisDocument(Document):
    """One axis, in the order of the arrays' dimensions."""

    name: str
    type: Literal["time", "channel", "space"] | None
    unit: str | None = Field(description="NGFF name of the unit.", examples=["nanometer"])


class LevelDocument(Document):
    """One level of resolution; all lists are in the order of the axes."""

    level: int = Field(description="0 is the finest.")
    path: str = Field(description="Of the array below the group.")
    shape: list[int]
    scale: list[float] = Field(description="Physical size of a voxel.")
    translation: list[float] = Field(description="Physical place of the first voxel's centre.")
    chunk: list[int] = Field(description="Smallest readable block, in voxels.")
    shard: list[int] = Field(description="Smallest writable block, in voxels.")
    codecs: list[dict[str, Any]] = Field(description="As the array's metadata have them.")


class IndexDocument(Document):
    """State of the label index; `shards` is the sum of `indexed`, `stale` and `missing`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    shards: int = Field(description="Shards of level 0 that are stored.")
    indexed: int = Field(description="Of these, those that the index describes as they are.")
    stale: int = Field(description="Those that were written anew since, or whose index is damaged.")
    missing: int = Field(description="Those that the index does not describe.")
    rows: int = Field(description="Pairs of label and chunk in the index.")
    bytes: int = Field(description="Size of the index on the store.")


class DatasetDocument(Summary):
    """A dataset, with what its metadata on the store say."""

    store_url: str = Field(description="The OME-Zarr group, for direct access.")
    zarr_url: str = Field(description="The same bytes through this gateway.")
    ngff_version: str
    shape: list[int] = Field(description="Of level 0.")
    dtype: str = Field(examples=["uint8"])
    axes: list[AxisDocument]
    levels: list[LevelDocument]
    index: IndexDocument | None = Field(description="Labels only, and only if asked for.")


class NeuroglancerDocument(Document):
    """A view of a dataset in Neuroglancer."""

    link: str = Field(description="Opens the viewer.")
    state: dict[str, Any] = Field(description="Neuroglancer's state, to be changed and re-used.")


class Health(Document):
    """The server is up."""

    status: Literal["ok"] = "ok"
