"""Settings, read from ``VOXLAKE_*`` environment variables when asked for, never at import."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn, Self

from pydantic import AliasChoices, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from voxlake.platform.setting_values import Listed, Networks, Origins, PublicURL


class Settings(BaseSettings):
    """Everything that can be configured. Build one at the start of a program and pass it on."""

    model_config = SettingsConfigDict(
        env_prefix="VOXLAKE_",
        # Compositions and unit files name all settings, and leave empty what is not given.
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    lake: str | None = Field(
        default=None, description="The lake: a folder, memory://, s3://, gs:// or az://."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL of the catalog; by default SQLite, inside a local lake.",
    )
    scheduler: str | None = Field(
        default=None,
        description="Address of a Dask scheduler, or `gateway+https://HOST` of a dask-gateway; by "
        "default a local cluster.",
    )
    workers: int | None = Field(
        default=None,
        ge=0,
        description="Processes of the local cluster, 0: inside this process; of a dask-gateway, "
        "at most so many workers.",
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
    cache_dir: Path | None = Field(
        default=None,
        description="Folder, on a disk of the gateway, of what it read of shards on S3, below what "
        "is in memory; for this user alone, and shared by its workers. Without one nothing is "
        "kept on a disk.",
    )
    cache_bytes: int = Field(
        default=10 << 30, ge=1 << 20, description="Bytes that it may fill, about."
    )
    cutout_limit_bytes: int = Field(
        default=16 << 30,
        gt=0,
        description="Largest cutout that the gateway answers, and largest box that is written at "
        "once, if its memory for answers holds it.",
    )
    gateway_request_timeout_s: float = Field(
        default=60,
        gt=0,
        description="Seconds that the gateway works on a request until its answer begins, and from "
        "each part of it to the next.",
    )
    gateway_body_timeout_s: float = Field(
        default=30,
        gt=0,
        description="Seconds that the body of a request, and each 8 MiB of it, may take to come.",
    )
    gateway_send_timeout_s: float = Field(
        default=30,
        gt=0,
        description="Seconds without a byte taken after which a client of the gateway is cut off; "
        "at most 5 while others wait for memory that it holds.",
    )
    gateway_drain_s: float = Field(
        default=0,
        ge=0,
        description="Seconds that a gateway told to end (SIGTERM) still takes requests, while "
        "/readyz says that it is not ready.",
    )
    gateway_grace_s: int = Field(
        default=5,
        ge=0,
        description="Seconds that answers on their way have after that, before they are cut off.",
    )
    log_format: Literal["human", "json"] | None = Field(
        default=None,
        description="How a gateway logs, to stderr; by default as JSON, unless that is a terminal.",
    )
    log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        default=None,
        description="What a gateway logs at least; by default info, a line for each request, and "
        "on a terminal warning.",
    )
    traces_url: str | None = Field(
        default=None,
        pattern="^https?://",
        description="A receiver of OpenTelemetry, http://HOST:4318 say, that gateways and workers "
        "tell by OTLP where their time goes; needs `pip install 'voxlake[traces]'`.",
    )
    traces_share: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of requests and jobs that it is told of, where a proxy has not decided.",
    )
    deleted_days: int = Field(
        default=7,
        ge=0,
        le=3650,
        description="Days that what is deleted through the gateway can be brought back, before a "
        "worker deletes it from the store; 0: a worker does so at once.",
    )
    audit_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that entries of the audit are kept; by default for ever.",
    )
    usage_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that is kept what was used, by whom; by default for ever.",
    )
    jobs_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that jobs are kept that are done or cancelled, but for what made a "
        "dataset that is there; by default for ever.",
    )
    price_stored_tb_month: float = Field(
        default=0,
        ge=0,
        description="Price of 10^12 bytes stored for a month, in any currency; 0: what is stored "
        "is told in bytes alone.",
    )
    price_sent_tb: float = Field(
        default=0, ge=0, description="Price of 10^12 bytes sent, as above; 0: it is told in bytes."
    )
    budget_month: float = Field(
        default=0,
        ge=0,
        description="What a month may cost by these prices: alerts tell when four fifths of it, "
        "and all of it, are used up; nothing is refused. 0: none is told.",
    )
    metrics_public: bool = Field(
        default=False,
        description="Let everybody read the gateway's /metrics, where only Prometheus reaches it.",
    )
    gateway: str | None = Field(
        default=None,
        description="Address of the gateway that VOXLAKE_TOKEN is for: the Python client and the "
        "commands send it there, and nowhere else.",
    )
    token: SecretStr | None = Field(
        default=None,
        description="Token of programs that ask that gateway, workers of Dask among them, in the "
        "place of the one that `voxlake login` keeps.",
    )
    link_key: SecretStr | None = Field(
        default=None,
        description="Keys of 32 or more characters, parted by spaces or commas, that links are "
        "signed with: the first signs, all are good. The same for all gateways of a lake; by "
        "default one that is kept beside the owner's token.",
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
    gcs_anonymous: bool | None = Field(
        default=None,
        description="Read Google Cloud Storage without credentials; by default if there are no "
        "application default credentials, of GOOGLE_APPLICATION_CREDENTIALS say.",
    )
    gcs_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+$",
        description="An emulator in the place of Google Cloud Storage; it gets no credentials.",
    )
    azure_account: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "VOXLAKE_AZURE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"
        ),
        description="Storage account of az://CONTAINER/PATH, if that names none: the one that the "
        "credentials of Azure are of. By default that of AZURE_STORAGE_ACCOUNT_NAME.",
    )
    azure_account_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "VOXLAKE_AZURE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"
        ),
        description="Key of that account; by default that of AZURE_STORAGE_ACCOUNT_KEY, else what "
        "AZURE_STORAGE_SAS_TOKEN or AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID say.",
    )
    azure_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Endpoint URL of that account, where it is not "
        "https://ACCOUNT.blob.core.windows.net.",
    )
    azure_anonymous: bool | None = Field(
        default=None,
        description="Read Azure Blob Storage without credentials; by default if none are set. "
        "0: ask the machine for its identity.",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="File (PEM) of the authorities whose certificates are believed, of S3, STS, "
        "SQS, the issuer and the web, in the place of those of the system.",
    )
    store_connect_timeout_s: float = Field(
        default=5, gt=0, description="Seconds to wait for a connection to the store."
    )
    store_stall_timeout_s: float = Field(
        default=10,
        gt=0,
        description="Seconds without a byte after which a transfer is broken off. Large bodies "
        "that are sent have the seconds of `VOXLAKE_STORE_TIMEOUT_S`.",
    )
    store_timeout_s: float = Field(
        default=60, gt=0, description="Seconds one request to the store may take."
    )
    store_retries: int = Field(
        default=5, ge=0, description="How often a failed request to the store is tried again."
    )
    allowed_stores: Listed = Field(
        default=(),
        description="Stores whose OME-Zarr may be registered in place, with commas between them: "
        "folders, s3://BUCKET/PREFIX, gs://, az://, https://HOST/PATH. What lies in the lake "
        "always may.",
    )
    ingest_stores: Listed = Field(
        default=(),
        description="Where jobs that are asked for over HTTP may read sources, with commas between "
        "them: folders, s3://BUCKET/PREFIX, gs://, az://. Who may make datasets may read all of "
        "it; by default they read none.",
    )
    private_stores: bool = Field(
        default=False,
        description="Let names of hosts in allowed_stores lead into a private network.",
    )
    presigned_seconds: int = Field(
        default=0,
        ge=0,
        le=300,
        description="Seconds that the addresses of S3 are good for to which clients that prefer so "
        "are sent for stored bytes; 0: none are sent.",
    )
    sts_role_arn: str | None = Field(
        default=None,
        description="Role of S3 that temporary keys are given by; without one none are.",
    )
    sts_endpoint: str | None = Field(
        default=None, description="Endpoint URL of STS; by default that of S3, else AWS."
    )
    sts_seconds: int = Field(
        default=900,
        ge=900,
        le=43200,
        description="Seconds that temporary keys are good for, whatever is revoked meanwhile.",
    )
    upload_store: str | None = Field(
        default=None,
        description="Where clients of boss-ingest upload tiles and cuboids, s3://BUCKET/PREFIX; "
        "without it there are no ingest jobs below /v1.",
    )
    upload_access_key_id: str | None = Field(
        default=None,
        description="Key that these clients are handed: it may put objects there, and send, "
        "receive and delete messages of queues voxlake-upload-*, no more.",
    )
    upload_secret_access_key: SecretStr | None = Field(
        default=None, description="Secret of that key."
    )
    sqs_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "VOXLAKE_SQS_ENDPOINT", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"
        ),
        description="SQS endpoint URL, for the queues of ingest jobs; by default that of "
        "AWS_ENDPOINT_URL, else AWS.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="Issuer of OpenID Connect at which people sign in, exactly as its discovery "
        "document names it; without one the gateway is its owner's alone.",
    )
    oidc_client_id: str | None = Field(
        default=None, description="What the issuer knows the gateway by."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Secret of the gateway at the issuer; none of a public client."
    )
    oidc_device_client_id: str | None = Field(
        default=None,
        description="What the issuer knows programs by that people run, a public client; by "
        "default the client id, if it has no secret.",
    )
    oidc_audience: str | None = Field(
        default=None,
        description="Audience that bearer tokens must name; by default the client id.",
    )
    oidc_scope: str = Field(
        default="openid profile email", description="What is asked of the issuer at a login."
    )
    oidc_name_claim: str = Field(
        default="preferred_username", description="Claim that new users are named by."
    )
    oidc_groups_claims: Listed = Field(
        default=("groups", "roles", "realm_access.roles"),
        description="Claims that hold groups or roles, with commas between them; dots lead inside.",
    )
    oidc_administrators: Listed = Field(
        default=(),
        description="Groups or roles, of these claims, that make who has them administrators.",
    )

    requests_per_minute: int = Field(
        default=60_000,
        ge=0,
        description="Requests that the gateway answers each user, or each address of nobody in "
        "particular, in a minute, by each of its processes; 0: without end.",
    )
    bytes_per_minute: int = Field(
        default=64 << 30,
        ge=0,
        description="Bytes that it sends each of them in a minute; 0: without end.",
    )
    requests_at_once: int = Field(
        default=500,
        ge=0,
        description="Requests of one of them that it works on at the same time; 0: without end.",
    )
    failed_logins_per_minute: int = Field(
        default=100,
        ge=0,
        description="Wrong tokens and login links that it looks at of each address in a minute; 0: "
        "without end.",
    )
    public_url: PublicURL | None = Field(
        default=None,
        description="Address at which people reach the gateway, by a reverse proxy say. All links, "
        "redirects and cookies are made for it, whatever a request says.",
    )
    viewer_origins: Origins = Field(
        default=(),
        description="Origins of viewers on other servers, with commas between them, that those who "
        "are signed in can let read in their name (middleauth).",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="Addresses or networks of reverse proxies, with commas between them. What they "
        "say of a request (X-Forwarded-*, Forwarded) is believed, and of nobody else.",
    )

    @property
    def device_client_id(self) -> str | None:
        """What the issuer knows the command line by."""
        own = self.oidc_client_id if self.oidc_client_secret is None else None
        return self.oidc_device_client_id or own

    @property
    def audience(self) -> str | None:
        """Whom the bearer tokens of the issuer must be for."""
        return self.oidc_audience or self.oidc_client_id

    @model_validator(mode="after")
    def _check_audience(self) -> Self:
        if self.oidc_issuer is not None and not self.audience:
            raise ValueError(
                "an issuer makes tokens for many, so say which are for this gateway: "
                "set VOXLAKE_OIDC_CLIENT_ID too"
            )
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: secrets never travel, each process reads its own settings."""
        raise TypeError("settings hold secrets and are not pickled; read them anew where needed")
