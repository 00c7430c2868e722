"""Store URLs: the address of a lake, of a dataset, of one object."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlencode, urlsplit

from voxlake.platform.errors import InvalidInputError, UnsupportedError
from voxlake.platform.secrets.credentials import refuse_credentials
from voxlake.platform.settings import Settings
from voxlake.platform.store.local.private import private_folder

type Scheme = Literal["file", "memory", "s3", "gs", "az", "http", "https"]

_AZURE = re.compile(r"https://(?P<account>[a-z0-9]{3,24})\.blob\.core\.windows\.net")


@dataclass(frozen=True, slots=True)
class StoreURL:
    """Where something is stored. Holds no secret, so it may be pickled, logged and shown.

    Examples
    --------
    >>> lake = StoreURL.parse("s3://lab/lake?endpoint=http://127.0.0.1:8333&region=eu-1")
    >>> str(lake / "flyem" / "zarr.json")
    's3://lab/lake/flyem/zarr.json?endpoint=http%3A%2F%2F127.0.0.1%3A8333&region=eu-1'
    """

    scheme: Scheme
    """``file``, ``memory`` (a folder on the machine's RAM disk), ``s3``, ``gs`` (Google Cloud
    Storage), ``az`` (Azure Blob Storage), or of the web."""
    root: str
    """The folder (absolute), the name of the memory store, the bucket or container, or the host."""
    key: str = ""
    """Path below the root, without a leading or trailing ``/``."""
    endpoint: str | None = None
    """S3 endpoint, None for AWS; of Azure, that of the storage account."""
    region: str | None = None
    """S3 region."""
    foreign: bool = field(default=False, repr=False)
    """Whether it is a server of others, from a list: it is asked without credentials, and connected
    to as `outbound` says."""

    @classmethod
    def parse(cls, text: str, settings: Settings | None = None) -> Self:
        """Parse a folder, a ``file://``, ``memory://NAME`` or ``s3://BUCKET/PATH`` URL.

        Or of another cloud: ``gs://BUCKET/PATH``, ``az://CONTAINER/PATH``. Endpoint and region of
        S3 come from the query (``?endpoint=...&region=...``), as does the storage account of Azure
        (``?account=...``, or its endpoint), else from `settings`, by default read from the
        environment.

        Raises
        ------
        InvalidInputError
            If the URL is malformed.
        UnsupportedError
            If its scheme is another.
        """
        if "://" not in text:
            return cls._of_folder(text)
        parts = _split(text)
        match parts.scheme:
            case "file":
                return cls._of_folder(unquote(parts.path))
            case "memory":
                name, _, key = f"{parts.netloc}{unquote(parts.path)}".partition("/")
                return cls("memory", _nonempty(name, text), _clean_key(key))
            case "s3":
                query = parse_qs(parts.query)
                chosen = settings or Settings()
                refuse_credentials(chosen.s3_endpoint or "")
                return cls(
                    "s3",
                    _nonempty(parts.netloc, text),
                    _clean_key(unquote(parts.path)),
                    _endpoint(query.get("endpoint", [chosen.s3_endpoint])[0]),
                    query.get("region", [chosen.s3_region])[0],
                )
            case "gs":
                if parts.query:
                    raise InvalidInputError(
                        f"store {text!r} has options, and gs:// takes none; leave out what follows "
                        "'?'"
                    )
                return cls("gs", _nonempty(parts.netloc, text), _clean_key(unquote(parts.path)))
            case "az":
                return cls(
                    "az",
                    _nonempty(parts.netloc, text),
                    _clean_key(unquote(parts.path)),
                    _azure_endpoint(parts.query, text, settings or Settings()),
                )
            case other:
                raise UnsupportedError(
                    f"store {text!r} has the scheme {other!r}; use a folder, memory://, s3://, "
                    "gs:// or az://"
                )

    @classmethod
    def parse_readable(cls, text: str, settings: Settings | None = None) -> Self:
        """Parse as `parse`, or an address of the web, where objects are read and never listed.

        Examples
        --------
        >>> StoreURL.parse_readable("https://lab.org/em.zarr/").key
        'em.zarr'

        Raises
        ------
        InvalidInputError, UnsupportedError
            As `parse`; and if an address of the web has more than a path.
        """
        if not text.startswith(("http://", "https://")):
            return cls.parse(text, settings)
        parts = _split(text)
        if parts.query or parts.fragment:
            raise InvalidInputError(f"{text!r} is no folder; give its address without '?' and '#'")
        scheme: Scheme = "https" if parts.scheme == "https" else "http"
        return cls(scheme, _nonempty(parts.netloc, text), _clean_key(unquote(parts.path)))

    @classmethod
    def _of_folder(cls, text: str) -> Self:
        if not text:
            raise InvalidInputError("an empty path is not a store; name a folder")
        try:
            # TensorStore refuses '..' in a path, and obstore a folder behind a link.
            return cls("file", str(Path(text).expanduser().resolve()))
        except (ValueError, OSError, RuntimeError) as error:
            raise InvalidInputError(f"{text!r} is not a path ({error}); name a folder") from error

    def __truediv__(self, key: str) -> StoreURL:
        """Return the URL of `key` below this one; ``..`` never leads out."""
        below = _clean_key(key)
        if self.key:
            below = f"{self.key}/{below}" if below else self.key
        # Named one by one: this is on the way to every chunk, and `replace` takes its time.
        return StoreURL(
            self.scheme,
            self.root,
            below,
            self.endpoint,
            self.region,
            self.foreign,
        )

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.key.rpartition("/")[2] or Path(self.root).name

    @property
    def is_local(self) -> bool:
        """Whether the objects are files on this machine."""
        return self.scheme in {"file", "memory"}

    @property
    def is_bucket(self) -> bool:
        """Whether it is in a bucket of a cloud, where objects have ETags that reads may ask for."""
        return self.scheme in {"s3", "gs", "az"}

    @property
    def is_listed(self) -> bool:
        """Whether the store tells what lies below the URL, which the web does not."""
        return self.scheme not in {"http", "https"}

    @property
    def folder(self) -> Path:
        """The root as a folder of this machine (local stores only)."""
        if self.scheme == "file":
            return Path(self.root)
        if self.scheme == "memory":
            return _memory_folder() / self.root
        raise InvalidInputError(f"{self} is not on this machine; use a local store")

    @property
    def path(self) -> Path:
        """The file or folder that the URL names (local stores only)."""
        return self.folder / self.key if self.key else self.folder

    def __str__(self) -> str:
        if self.scheme == "file":
            return str(self.path)
        options = {"endpoint": self.endpoint, "region": self.region}
        if self.scheme == "az" and (known := _AZURE.fullmatch(self.endpoint or "")):
            options = {"account": known["account"]}
        query = urlencode({k: v for k, v in options.items() if v})
        root = quote(self.root) if self.is_listed else self.root
        address = "/".join(filter(None, (root, quote(self.key))))
        return f"{self.scheme}://{address}" + (f"?{query}" if query else "")


def _split(text: str) -> SplitResult:
    refuse_credentials(text)
    try:
        return urlsplit(text)
    except ValueError as error:
        raise InvalidInputError(f"store {text!r} is not a URL ({error})") from error


def _endpoint(text: str | None) -> str | None:
    """Return an endpoint as all libraries take it: with a scheme, without a slash at its end.

    Without a scheme it is https, or http on this machine.

    Examples
    --------
    >>> _endpoint("127.0.0.1:8333"), _endpoint("s3.lab.org/"), _endpoint("http://s3:9000//")
    ('http://127.0.0.1:8333', 'https://s3.lab.org', 'http://s3:9000')
    """
    if not text:
        return None
    if "://" not in text:
        host = urlsplit(f"//{text}").hostname or ""
        here = host == "localhost" or host.startswith("127.") or host == "::1"
        text = f"{'http' if here else 'https'}://{text}"
    return text.rstrip("/")


def _azure_endpoint(query: str, text: str, settings: Settings) -> str:
    """Return the endpoint of the storage account that an address of Azure names, or the settings.

    Examples
    --------
    >>> _azure_endpoint("account=lab", "az://em?account=lab", Settings())
    'https://lab.blob.core.windows.net'
    """
    options = parse_qs(query)
    endpoint = options.get("endpoint", [None])[0]
    account = options.get("account", [None])[0]
    if endpoint is None and account is None:
        endpoint, account = settings.azure_endpoint, settings.azure_account
    if endpoint is None and account is not None:
        endpoint = f"https://{account}.blob.core.windows.net"
        if not _AZURE.fullmatch(endpoint):
            raise InvalidInputError(
                f"{account!r} is no storage account of Azure; one has 3 to 24 small letters and "
                "digits"
            )
    refuse_credentials(endpoint or "")
    found = _endpoint(endpoint)
    if found is None:
        raise InvalidInputError(
            f"store {text!r} names no storage account; write az://CONTAINER/PATH?account=ACCOUNT, "
            "or set VOXLAKE_AZURE_ACCOUNT"
        )
    return found


def _nonempty(name: str, text: str) -> str:
    if not name or name in {".", ".."}:
        raise InvalidInputError(
            f"store {text!r} names no bucket, container or memory store; add one"
        )
    return name


def _clean_key(key: str) -> str:
    parts = [part for part in key.split("/") if part]
    for part in parts:
        if part in {".", ".."} or "\0" in part or "\\" in part:
            raise InvalidInputError(f"key {key!r} leads outside its store; leave out '.' and '..'")
    return "/".join(parts)


def _memory_folder() -> Path:
    """Return the folder of memory stores: shared by the processes of one user, gone at reboot."""
    shared = Path("/dev/shm")  # noqa: S108  (a RAM disk, the folder below it is private)
    base = shared if shared.is_dir() else Path(tempfile.gettempdir())
    return private_folder(base / f"voxlake-memory-{os.getuid()}")
