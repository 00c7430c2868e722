"""Azure Blob Storage: Azurite, Microsoft's own emulator, from npm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "voxlake"
ACCOUNT_KEY = base64.b64encode(b"a key of the test server alone...").decode()
CONTAINER = "lakes"
PUBLIC = "public"
_SERVER = Path(__file__).parent / "node_modules/azurite/dist/src/blob/main.js"


@dataclass(frozen=True, slots=True)
class AzureServer:
    """A running server, with a container for the key above and one that everybody may read."""

    endpoint: str
    """Of the account."""
    container: str
    public: str


@contextmanager
def run_azurite(folder: Path) -> Iterator[AzureServer]:
    """Run a server that keeps its data in memory until the end of the block."""
    (port,) = free_ports(1)
    command = [
        *("env", f"AZURITE_ACCOUNTS={ACCOUNT}:{ACCOUNT_KEY}", "node", str(_SERVER)),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"),
    ]
    host = f"http://127.0.0.1:{port}"
    server = AzureServer(f"{host}/{ACCOUNT}", CONTAINER, PUBLIC)
    process = start(command, folder / "azurite.log", lambda: _answers(host))
    try:
        _make_container(server, CONTAINER)
        _make_container(server, PUBLIC, {"x-ms-blob-public-access": "container"})
        yield server
    finally:
        stop(process)


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(host, timeout=1):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False


def _make_container(server: AzureServer, name: str, more: dict[str, str] | None = None) -> None:
    """Make a container; signed as said at
    https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key.
    """
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06", **(more or {})}
    signed = "".join(f"{key}:{headers[key]}\n" for key in sorted(headers))
    path = f"{urlsplit(server.endpoint).path}/{name}"
    text = f"PUT{'\n' * 12}{signed}/{ACCOUNT}{path}\nrestype:container"
    code = hmac.digest(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256)
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(code).decode()}"
    address = f"{server.endpoint}/{name}?restype=container"
    request = urllib.request.Request(address, b"", headers, method="PUT")
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request, timeout=10):
        pass
