"""Settings, read from ``VOXLAKE_*`` environment variables when asked for, never at import."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that can be configured. Build one at the start of a program and pass it on."""

    model_config = SettingsConfigDict(
        env_prefix="VOXLAKE_", frozen=True, extra="ignore", populate_by_name=True
    )

    lake: str | None = Field(default=None, description="The lake: a folder, memory:// or s3://.")
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the catalog; by default SQLite, inside a local lake.",
    )
    scheduler: str | None = Field(
        default=None, description="Address of a Dask scheduler; by default a local cluster."
    )
    workers: int | None = Field(
        default=None, ge=0, description="Processes of the local cluster; 0: inside this process."
    )
    memory_limit_bytes: int = Field(
        default=4 << 30, gt=0, description="Most memory that one task may be projected to need."
    )
    task_bytes: int = Field(
        default=1 << 30,
        gt=0,
        description="Voxels that one task of an ingest or a pyramid handles, about, in bytes; "
        "up to eight times as many of large volumes.",
    )
    gateway_memory_bytes: int = Field(
        default=4 << 30,
        ge=64 << 20,
        description="Memory that the gateway may fill: a half with answers on their way, a quarter "
        "with decoded chunks, a quarter with what it read of label indexes, objects and mappings.",
    )
    cutout_limit_bytes: int = Field(
        default=1 << 30,
        gt=0,
        description="Largest cutout that the gateway answers, if its memory for answers holds it.",
    )
    gateway_request_timeout_s: float = Field(
        default=60,
        gt=0,
        description="Seconds that the gateway works on a request until its answer begins, and from "
        "each part of it to the next.",
    )
    gateway_send_timeout_s: float = Field(
        default=30,
        gt=0,
        description="Seconds without a byte taken after which a client of the gateway is cut off; "
        "at most 5 while others wait for memory that it holds.",
    )
    spool_dir: Path | None = Field(
        default=None,
        description="Where shards on their way to S3 are kept, in a folder of this user alone; by "
        "default where temporary files are (TMPDIR).",
    )
    follow_links: bool = Field(
        default=False,
        description="Follow symbolic links in the folder of a source that lead out of it.",
    )
    sample_dir: Path | None = Field(
        default=None, description="A folder with the sample data, instead of a download."
    )
    s3_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "VOXLAKE_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"
        ),
        description="S3 endpoint URL; by default that of AWS_ENDPOINT_URL, else AWS.",
    )
    s3_region: str = Field(default="us-east-1", description="S3 region.")
    s3_access_key_id: SecretStr | None = Field(
        default=None, description="S3 access key; by default the usual AWS_* variables."
    )
    s3_secret_access_key: SecretStr | None = Field(default=None, description="S3 secret key.")
    s3_anonymous: bool = Field(default=False, description="Read S3 without credentials.")
    store_connect_timeout_s: float = Field(
        default=5, gt=0, description="Seconds to wait for a connection to the store."
    )
    store_stall_timeout_s: float = Field(
        default=10, gt=0, description="Seconds without a byte after which a transfer is broken off."
    )
    store_timeout_s: float = Field(
        default=60, gt=0, description="Seconds one request to the store may take."
    )
    store_retries: int = Field(
        default=5, ge=0, description="How often a failed request to the store is tried again."
    )
