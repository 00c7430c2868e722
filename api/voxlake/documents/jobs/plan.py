"""What a job will store, take and cost, before it runs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

from voxlake.documents.document import Document

type Estimate = Annotated[int, BeforeValidator(lambda n: round(n) if isinstance(n, float) else n)]
"""A number of bytes that was estimated, to the next whole one."""


class PlannedLevel(Document):
    """One level, as it will be."""

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    shard: tuple[int, ...]
    shards: int = Field(description="At most: shards of nothing but fill are not stored.")
    raw_bytes: int
    stored_bytes: Estimate
    empty: float = Field(description="Share of chunks of nothing but fill, estimated.")
    made: bool = Field(description="False of a level that is there already.")


class Requests(Document):
    """Requests to the store, about; on a file system the same number of files is touched."""

    put: int = 0
    get: int = 0
    head: int = 0
    delete: int = Field(0, description="Of shards of only fill: an older one would have to go.")


class PlannedStage(Document):
    """One stage of the job."""

    name: str
    tasks: int
    region: tuple[int, ...] = Field(description="Voxels that a task handles, at most.")
    reading: str = Field(description="How a task gets at its voxels, in words.")
    reads: float = Field(description="How often each block of what is read is decoded, on average.")
    memory_bytes: int = Field(description="Projected peak of a task.")
    voxels: int
    core_seconds: float
    requests: Requests


class StoredEstimate(Document):
    """An estimate, and where the truth lies in 95 of 100 such samples if boxes are alike."""

    bytes: Estimate
    low: Estimate
    high: Estimate


class SampleDocument(Document):
    """What was measured; rates are MB of voxels for each CPU second of this machine."""

    boxes: int
    voxels: int
    share: float = Field(description="Of the voxels of level 0.")
    whole: bool = Field(
        description="Whether everything was read: what is stored is then known, not estimated."
    )
    seconds: float
    ratio: float | None = Field(
        description="Raw bytes for one that is stored, of all boxes together; null if nothing "
        "would be stored."
    )
    ratio_low: float | None = Field(description="Of the box that a tenth of them are below.")
    ratio_high: float | None = Field(description="Of the box that a tenth of them are above.")
    empty: float = Field(description="Share of chunks of nothing but fill.")
    read_mb_per_core_s: float | None = Field(description="Null: not measured.")
    reduce_mb_per_core_s: float | None
    encode_mb_per_core_s: float | None
    decode_mb_per_core_s: float | None
    write_mb_per_core_s: float | None = Field(description="Of stored bytes.")


class MemoryDocument(Document):
    """Memory of a task, and space for temporary files."""

    task_bytes: int
    limit_bytes: int
    fits: bool = Field(description="False: the job would be refused.")
    scratch_bytes: int = Field(
        description="Temporary files of a worker process; 0 unless the source is staged."
    )
    scratch_free_bytes: int = Field(
        description="What the folder for temporary files of this machine has."
    )


class TimeDocument(Document):
    """How long it takes."""

    cores: int
    core_seconds: float
    seconds: float
    assumed: str = Field(description="What of.")


class CostDocument(Document):
    """What it costs, by the price table."""

    currency: str
    compute: float
    requests: float
    once: float = Field(description="The job.")
    storage_month: float = Field(description="What it leaves, each month.")
    read_out: float = Field(description="Reading all of it out of the store once.")
    prices: str = Field(description="Which price table.")
    as_of: date = Field(description="Day of its prices.")


class PlanDocument(Document):
    """What a job will store, take and cost."""

    job: str
    dataset: str
    source: str | None
    understood: str | None = Field(
        None, description="What is understood of the source: extents, axes, type, size of a voxel."
    )
    dtype: str
    reduction: str
    levels: tuple[PlannedLevel, ...]
    stored: StoredEstimate
    objects: int = Field(
        description="That the job makes, at most: shards, sidecars of the label index, metadata."
    )
    stages: tuple[PlannedStage, ...]
    requests: Requests
    sample: SampleDocument
    memory: MemoryDocument
    time: TimeDocument
    cost: CostDocument
    notes: tuple[str, ...]


class PricesDocument(Document):
    """The price table in force."""

    where: str
    put_your_own_in: str = Field(description="File that is read if there is one.")
    text: str = Field(description="TOML.")
