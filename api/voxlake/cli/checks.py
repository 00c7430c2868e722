"""What ``voxlake doctor`` looks at: each check says how it is, and what to do if it is not well."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
from packaging.requirements import Requirement

from voxlake.api.checks.catalog import look_at_database
from voxlake.api.checks.jobs import look_at_jobs, look_at_workers
from voxlake.api.checks.kept import look_at_kept
from voxlake.api.checks.machine import (
    look_at_cache,
    look_at_disk,
    look_at_open_files,
    look_at_spool,
)
from voxlake.api.checks.measured import look_at_measured
from voxlake.api.checks.outcome import Outcome, checked
from voxlake.api.checks.settings import look_at_settings
from voxlake.api.views.viewer_folder import viewer_folder
from voxlake.cli.catalog.repair import differences
from voxlake.cli.opened.lake import is_lake
from voxlake.cli.options import InLake, OnCluster
from voxlake.cli.shown.output import size
from voxlake.compute.sample.fib25 import BASE_URL
from voxlake.compute.sample.folder import SampleFolder
from voxlake.documents.service.lake import CheckDocument
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.condition import NEWEST, condition_of
from voxlake.platform.catalog.opening import catalog_database
from voxlake.platform.errors import ClusterLostError, StoreReadOnlyError
from voxlake.platform.store.process import prepare_process
from voxlake.platform.store.s3.offers import DELETES
from voxlake.platform.store.selftest import check_store

if TYPE_CHECKING:
    from voxlake.compute.cluster.condition import WorkerCondition
    from voxlake.platform.settings import Settings

PYTHON = (3, 12)
_ANSWER_S = 5.0
NO_LAKE: Outcome = ("warn", "not tried, without a lake", None)
NOT_OPENED: Outcome = ("warn", "not tried, without a catalog of this version", None)


def examine(lake: InLake, cluster: OnCluster) -> Iterator[CheckDocument]:
    """Yield the outcome of every check; none of them raises for what it looks at."""
    looks: tuple[tuple[str, Callable[[InLake, OnCluster], Outcome]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("settings", _settings),
        ("lake", _lake),
        ("store", _store),
        ("disk", _disk),
        ("database", _database),
        ("catalog", _catalog),
        ("jobs", _jobs),
        ("workers", _workers),
        ("stale", _stale),
        ("sidecars", _sidecars),
        ("measured", _measured),
        ("kept", _kept),
        ("issuer", _issuer),
        ("gateway", _gateway),
        ("scheduler", _scheduler),
        ("viewer", _viewer),
        ("sample", _sample),
        ("memory", _memory),
        ("spool", lambda _lake, cluster: look_at_spool(cluster.settings)),
        ("cache", lambda _lake, cluster: look_at_cache(cluster.settings)),
        ("open files", lambda _lake, _cluster: look_at_open_files()),
    )
    prepare_process()
    for name, look in looks:
        yield checked(name, partial(look, lake, cluster))


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


def _settings(_lake: InLake, cluster: OnCluster) -> Outcome:
    return look_at_settings(os.environ, cluster.settings)


def _lake(lake: InLake, _cluster: OnCluster) -> Outcome:
    if lake.lake is None:
        return "warn", "none was named", "give --lake URL, or set VOXLAKE_LAKE"
    if not is_lake(lake.url):
        advice = f"make one: voxlake init --lake {lake.url}"
        return "warn", f"there is none at {lake.url}", advice
    return "ok", str(lake.url), None


def _store(lake: InLake, _cluster: OnCluster) -> Outcome:
    if lake.lake is None or not is_lake(lake.url):
        return NO_LAKE
    try:
        report = check_store(lake.url)
    except StoreReadOnlyError as error:
        return "warn", str(error), "the lake can be read, served and queried, and not changed"
    if report.failed:
        faults = "; ".join(f"{each.name}: {each.text}" for each in report.failed)
        return "fail", faults, "keep lakes on another store: this one can lose writes"
    done = ", ".join(each.name for each in report.capabilities if each.ok)
    for each in report.lacking:
        if each.name == DELETES:
            return "warn", f"{done}; {each.text}", "see docs/how-to/delete-and-bring-back.md"
    return "ok", done, None


def _disk(lake: InLake, _cluster: OnCluster) -> Outcome:
    return NO_LAKE if lake.lake is None or not is_lake(lake.url) else look_at_disk(lake.url)


def _database(lake: InLake, cluster: OnCluster) -> Outcome:
    if lake.lake is None or not is_lake(lake.url):
        return NO_LAKE
    with closing(catalog_database(lake.url, cluster.settings)) as database:
        return look_at_database(database)


def _catalog(lake: InLake, cluster: OnCluster) -> Outcome:
    if not _is_current(lake, cluster):
        return NOT_OPENED
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


def _is_current(lake: InLake, cluster: OnCluster) -> bool:
    """Return whether there is a catalog that can be opened and stays as it is thereby."""
    if lake.lake is None or not is_lake(lake.url):
        return False
    with closing(catalog_database(lake.url, cluster.settings)) as database:
        return condition_of(database).revision == NEWEST


def _jobs(lake: InLake, cluster: OnCluster) -> Outcome:
    if not _is_current(lake, cluster):
        return NOT_OPENED
    with open_catalog(lake.url, cluster.settings) as catalog:
        return look_at_jobs(catalog.database)


def _workers(lake: InLake, cluster: OnCluster) -> Outcome:
    if not _is_current(lake, cluster):
        return NOT_OPENED
    with open_catalog(lake.url, cluster.settings) as catalog:
        return look_at_workers(catalog.database)


def _kept(lake: InLake, cluster: OnCluster) -> Outcome:
    if not _is_current(lake, cluster):
        return NOT_OPENED
    with open_catalog(lake.url, cluster.settings) as catalog:
        return look_at_kept(catalog, cluster.settings)


def _stale(lake: InLake, cluster: OnCluster) -> Outcome:
    if not _is_current(lake, cluster):
        return NOT_OPENED
    # Reading what is stored of datasets, which those without a lake do without.
    from voxlake.api.checks.stale import look_at_stale

    with open_catalog(lake.url, cluster.settings) as catalog:
        return look_at_stale(lake.url, catalog.list_datasets())


def _sidecars(lake: InLake, cluster: OnCluster) -> Outcome:
    if not _is_current(lake, cluster):
        return NOT_OPENED
    from voxlake.api.checks.sidecars import look_at_sidecars

    with open_catalog(lake.url, cluster.settings) as catalog:
        return look_at_sidecars(lake.url, catalog.list_datasets())


def _measured(lake: InLake, cluster: OnCluster) -> Outcome:
    if not _is_current(lake, cluster):
        return NOT_OPENED
    with open_catalog(lake.url, cluster.settings) as catalog:
        return look_at_measured(catalog.database)


def _issuer(_lake: InLake, cluster: OnCluster) -> Outcome:
    if (url := cluster.settings.oidc_issuer) is None:
        return "ok", "none named: a gateway here is its owner's alone", None
    from voxlake.api.checks.issuer import look_at_issuer

    return look_at_issuer(url)


def _gateway(_lake: InLake, cluster: OnCluster) -> Outcome:
    if (url := cluster.settings.public_url) is None:
        return "ok", "VOXLAKE_PUBLIC_URL names none", None
    from voxlake.api.checks.address import look_at_address

    return look_at_address(url)


def _scheduler(_lake: InLake, cluster: OnCluster) -> Outcome:
    if not cluster.scheduler:
        return "ok", "none named: jobs start a cluster on this machine", None
    # Dask, which all other checks do without.
    from voxlake.compute.cluster.condition import cluster_condition
    from voxlake.compute.cluster.gateway import is_gateway

    if is_gateway(cluster.scheduler):
        return _of_gateway(cluster.scheduler)
    fault = _unreachable(cluster.scheduler)
    if fault is not None:
        return "fail", fault, "start it, or leave the address out"
    return of_cluster(cluster.settings, cluster_condition(cluster.settings))


def _of_gateway(address: str) -> Outcome:
    from voxlake.compute.cluster.gateway import gateway_version

    try:
        version = gateway_version(address)
    except ClusterLostError as error:
        return "fail", str(error), "look at its address, and at DASK_GATEWAY__AUTH__TYPE"
    return "ok", f"{address} (dask-gateway {version}) starts a cluster for each job", None


def of_cluster(settings: Settings, workers: Mapping[str, WorkerCondition]) -> Outcome:
    """Return what is to be said of the workers of a cluster."""
    from voxlake.compute.cluster.room import room_for_task

    if not workers:
        return "fail", f"{settings.scheduler} has no workers", "start some"
    threads = sum(worker.threads for worker in workers.values())
    told = f"{settings.scheduler} has {len(workers)} workers with {threads} threads"
    for address, worker in workers.items():
        if worker.differs:
            differs = ", ".join(f"{name} {other}" for name, other in worker.differs.items())
            advice = "install the same versions everywhere: tasks are pickled from here to there"
            return "fail", f"{told}; {address} has {differs}", advice
    limit = settings.memory_limit_bytes
    rooms = [room_for_task(w.memory_bytes, w.threads) for w in workers.values() if w.memory_bytes]
    small = [room for room in rooms if room < limit]
    if small:
        told += f"; {len(small)} have less memory than {size(limit)} for each thread"
        advice = (
            f"raise --memory-limit, lower --nthreads, or VOXLAKE_MEMORY_LIMIT_BYTES={min(small)}"
        )
        return "warn", told, advice
    return "ok", told, None


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
