"""The configuration of a boss-ingest job, schema v0.1 and v0.2: what it says, and whether it may.

The rules are those of boss-ingest 0.12.0 (``ingestclient/schema``, ``core/validator.py``), but that
chunks may be of any size: bossDB wants multiples of its cuboids, voxlake does not.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError


class _Part(BaseModel):
    """Fields beyond those that voxlake reads are allowed: the schema has no rule against them."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Schema(_Part):
    """Which schema the document follows."""

    name: str
    validator: str

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in {"boss-v0.1-schema", "boss-v0.2-schema"}:
            raise ValueError(f"{name!r} is none of boss-v0.1-schema and boss-v0.2-schema")
        return name


class Processor(_Part):
    """A plug-in class by its dotted path, and what its ``setup`` is given."""

    path: str = Field(alias="class", pattern=r"^\w+(\.\w+)+$")
    params: dict[str, Any]


class Client(_Part):
    """The plug-ins. The backend, which names a bossDB, is not asked for."""

    path_processor: Processor
    tile_processor: Processor | None = None
    chunk_processor: Processor | None = None


class Database(_Part):
    """Where bossDB would have kept the voxels."""

    collection: str
    experiment: str
    channel: str


type Range = tuple[int, int]


class Extent(_Part):
    """Voxels, half-open, in the coordinates of the experiment."""

    x: Range
    y: Range
    z: Range
    t: Range

    @field_validator("*")
    @classmethod
    def _some(cls, bounds: Range) -> Range:
        if not 0 <= bounds[0] < bounds[1]:
            raise ValueError(f"{list(bounds)} is not [start, stop) with 0 <= start < stop")
        return bounds


class Size(_Part):
    """Voxels of a tile or chunk. A tile is one slice of one time point, whatever else it says."""

    x: int = Field(gt=0)
    y: int = Field(gt=0)
    z: int = Field(gt=0)


class Job(_Part):
    """What is read, and in pieces of what size."""

    ingest_type: Literal["tile", "volumetric"] = "tile"
    resolution: int
    extent: Extent
    tile_size: Size | None = None
    chunk_size: Size | None = None

    @property
    def is_volumetric(self) -> bool:
        """Whether pieces are chunks; if not, tiles."""
        return self.ingest_type == "volumetric"

    @property
    def piece(self) -> tuple[int, int, int]:
        """Extents of a piece along z, y and x."""
        size = self.chunk_size if self.is_volumetric else self.tile_size
        if size is None:  # refused when the document was read
            raise SourceError("the configuration says no size of its tiles or chunks; add it")
        return (size.z if self.is_volumetric else 1, size.y, size.x)

    @property
    def box(self) -> Box:
        """What is read, t, z, y, x."""
        ranges = (self.extent.t, self.extent.z, self.extent.y, self.extent.x)
        return Box(tuple(lo for lo, _ in ranges), tuple(hi for _, hi in ranges))

    @property
    def pieces(self) -> int:
        """How many tiles or chunks that touches; their indices count from voxel 0."""
        return self.box.count_cells((1, *self.piece))


class Config(_Part):
    """A whole configuration."""

    schema_: Schema = Field(alias="schema")
    client: Client
    database: Database
    ingest_job: Job

    @model_validator(mode="after")
    def _complete(self) -> Self:
        kind = "chunk" if self.is_volumetric else "tile"
        if self.piece_processor is None:
            raise ValueError(f"client.{kind}_processor is missing, which a {kind} ingest needs")
        if (self.ingest_job.chunk_size if kind == "chunk" else self.ingest_job.tile_size) is None:
            raise ValueError(f"ingest_job.{kind}_size is missing, which a {kind} ingest needs")
        if self.is_volumetric and self.ingest_job.extent.t != (0, 1):
            raise ValueError(
                "ingest_job.extent.t is not [0, 1]: chunks have no time in boss-ingest"
            )
        return self

    @property
    def is_volumetric(self) -> bool:
        """Whether pieces are chunks; if not, tiles."""
        return self.ingest_job.is_volumetric

    @property
    def piece_processor(self) -> Processor | None:
        """The plug-in that makes the pieces; validated to be there."""
        return self.client.chunk_processor if self.is_volumetric else self.client.tile_processor
