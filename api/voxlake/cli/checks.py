"""What ``voxlake doctor`` looks at: each check says how it is, and what to do if it is not well."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Literal
from urllib.parse import urlsplit

import psutil
from packaging.requirements import Requirement

from voxlake.api.views.viewer_folder import viewer_folder
from voxlake.cli.catalog_repair import differences
from voxlake.cli.lake import is_lake
from voxlake.cli.options import InLake, OnCluster
from voxlake.cli.shown.output import size
from voxlake.compute.sample.fib25 import BASE_URL
from voxlake.compute.sample.folder import SampleFolder
from voxlake.documents.lake import CheckDocument
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import StoreReadOnlyError, VoxlakeError
from voxlake.platform.store.selftest import check_store

PYTHON = (3, 12)
ROOM_BYTES = 1 << 30
"""Less free space than this in a local lake is worth a word."""
_ANSWER_S = 5.0

type Outcome = tuple[Literal["ok", "warn", "fail"], str, str | None]
"""How it is, what was found, and what to do if it is not well."""


def examine(lake: InLake, cluster: OnCluster) -> Iterator[CheckDocument]:
    """Yield the outcome of every check; none of them raises for what it looks at."""
    looks: tuple[tuple[str, Callable[[InLake, OnCluster], Outcome]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("lake", _lake),
        ("store", _store),
        ("catalog", _catalog),
        ("scheduler", _scheduler),
        ("viewer", _viewer),
        ("sample", _sample),
        ("memory", _memory),
    )
    for name, look in looks:
        try:
            state, outcome, advice = look(lake, cluster)
        except VoxlakeError as error:
            advice = "; ".join(getattr(error, "__notes__", ())) or None
            state, outcome = "fail", str(error)
        yield CheckDocument(name=name, state=state, found=outcome, advice=advice)


def _python(_lake: InLake, _cluster: OnCluster) -> Outcome:
    version_here = sys.version.split()[0]
    if sys.version_info < PYTHON:
        return "fail", version_here, f"install Python {PYTHON[0]}.{PYTHON[1]} or newer"
    return "ok", version_here, None


def _packages(_lake: InLake, _cluster: OnCluster) -> Outcome:
    wrong = [text for text in map(_fault, requires("voxlake") or ()) if text]
    if wrong:
        return "fail", "; ".join(wrong), "install voxlake again, into a new environment"
    return "ok", f"voxlake {version('voxlake')} and all it needs", None


def _fault(text: str) -> str | None:
    requirement = Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if not requirement.specifier.contains(installed, prereleases=True):
        return f"{requirement.name} is {installed}, not {requirement.specifier}"
    return None


def _lake(lake: InLake, _cluster: OnCluster) -> Outcome:
    if lake.lake is None:
        return "warn", "none was named", "give --lake URL, or set VOXLAKE_LAKE"
    if not is_lake(lake.url):
        advice = f"make one: voxlake init --lake {lake.url}"
        return "warn", f"there is none at {lake.url}", advice
    return "ok", str(lake.url), None


def _store(lake: InLake, _cluster: OnCluster) -> Outcome:
    if lake.lake is None or not is_lake(lake.url):
        return "warn", "not tried, without a lake", None
    try:
        report = check_store(lake.url)
    except StoreReadOnlyError as error:
        return "warn", str(error), "the lake can be read, served and queried, and not changed"
    if report.failed:
        faults = "; ".join(f"{each.name}: {each.text}" for each in report.failed)
        return "fail", faults, "keep lakes on another store: this one can lose writes"
    done = ", ".join(each.name for each in report.capabilities)
    if lake.url.is_local:
        room = shutil.disk_usage(lake.url.path).free
        if room < ROOM_BYTES:
            return "warn", f"{done}; {size(room)} are free", "free some space"
        done += f"; {size(room)} are free"
    return "ok", done, None


def _catalog(lake: InLake, cluster: OnCluster) -> Outcome:
    if lake.lake is None or not is_lake(lake.url):
        return "warn", "not tried, without a lake", None
    with open_catalog(lake.url, cluster.settings) as catalog:
        count, found = len(catalog.list_datasets()), differences(lake.url, catalog)
    mend = f"make the catalog say what the store holds: voxlake init --lake {lake.url}"
    if found.lost:
        lost = ", ".join(str(record.name) for record in found.lost)
        return "fail", f"{count} datasets; the store does not hold {lost}", mend
    if found.unknown:
        unknown = ", ".join(str(place.name) for place in found.unknown)
        return "warn", f"{count} datasets; not known is {unknown}, which the store holds", mend
    return "ok", f"{count} datasets", None


def _scheduler(_lake: InLake, cluster: OnCluster) -> Outcome:
    if not cluster.scheduler:
        return "ok", "none named: jobs start a cluster on this machine", None
    fault = _unreachable(cluster.scheduler)
    if fault is not None:
        return "fail", fault, "start it, or leave the address out"
    # Dask, which all other checks do without.
    from voxlake.compute.cluster.opening import open_cluster

    with open_cluster(cluster.settings, 1) as client:
        threads = sum(client.nthreads().values())
    if not threads:
        return "fail", f"{cluster.scheduler} has no workers", "start some"
    return "ok", f"{cluster.scheduler} has {threads} threads", None


def _unreachable(address: str) -> str | None:
    """Return why nobody answers at the address; Dask itself asks again for a long time."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in {"tcp", "tls"} or parts.hostname is None or parts.port is None:
            return f"{address} is no address like tcp://HOST:PORT"
        socket.create_connection((parts.hostname, parts.port), timeout=_ANSWER_S).close()
    except (OSError, ValueError) as error:
        return f"no scheduler answers at {address} ({error})"
    return None


def _viewer(_lake: InLake, _cluster: OnCluster) -> Outcome:
    folder = viewer_folder()
    if folder is not None:
        return "ok", str(folder), None
    advice = "in a checkout: make viewer" + ("" if shutil.which("npm") else " (install Node first)")
    return "warn", "not built; the public viewer stands in", advice


def _sample(_lake: InLake, cluster: OnCluster) -> Outcome:
    if (folder := cluster.settings.sample_dir) is not None:
        SampleFolder(folder).check()
        return "ok", str(folder), None
    # An HTTP client, which those with a copy of the sample do without.
    import httpx2

    advice = "voxlake demo makes a phantom instead; VOXLAKE_SAMPLE_DIR may name a copy"
    try:
        answer = httpx2.head(f"{BASE_URL}groundtruth.h5.gz", timeout=_ANSWER_S)
    except (httpx2.HTTPError, OSError) as error:
        return "warn", f"cannot be downloaded ({type(error).__name__}: {error})", advice
    if answer.status_code != httpx2.codes.OK:
        return "warn", f"its server answers {answer.status_code}", advice
    return "ok", BASE_URL, None


def _memory(_lake: InLake, cluster: OnCluster) -> Outcome:
    free, limit = psutil.virtual_memory().available, cluster.settings.memory_limit_bytes
    workers = 1 if cluster.scheduler else max(1, cluster.workers or psutil.cpu_count() or 1)
    room = f"{size(free)} are free for {workers} tasks at a time of up to {size(limit)} each"
    if free < workers * limit:
        return "warn", room, "lower VOXLAKE_MEMORY_LIMIT_BYTES or --workers"
    return "ok", room, None
