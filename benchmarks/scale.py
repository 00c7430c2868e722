"""``python -m benchmarks.scale``: a job of a petabyte without its voxels.

931,588 shards of 1 GiB (97 x 98 x 98) are planned, recorded as done, killed half-way and resumed,
with tasks that do nothing: what is measured is what a job costs beside its work. Then fewer such
tasks go through a real Dask cluster.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from voxlake.compute.cluster import stream
from voxlake.compute.cluster.opening import open_cluster
from voxlake.compute.jobs.recorder import Recorder, StageTally
from voxlake.compute.plan import Plan, Result
from voxlake.platform.catalog import open_catalog
from voxlake.platform.jobs.record import JobState, StageRecord
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from voxlake.ngff.grid.box import Cell
    from voxlake.platform.catalog import Catalog

PETABYTE = (97, 98, 98)
"""Shards along each axis."""

SHARD_VOXELS = 1024**3
NAME = DatasetName.parse("scale/petabyte/em")


@dataclass(frozen=True, slots=True)
class NoTask:
    """A task that does nothing, and says as much as one that wrote a shard."""

    source: str
    target: str
    cell: Cell

    def __call__(self) -> Result:
        """Return at once."""
        return Result(voxels=SHARD_VOXELS, bytes=hash(self.cell) % 2**30)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    tasks: int
    seconds: float
    cpu_s: float
    """Of the client's process."""
    peak_mib: float
    """Of the client's process, and its growth over what it had before the first task."""
    grown_mib: float
    database_mib: float = 0.0

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        return (
            self.what,
            f"{self.tasks:,}",
            f"{self.seconds:.1f}",
            f"{self.tasks / self.seconds:,.0f}",
            f"{self.cpu_s:.1f}",
            f"{self.peak_mib:.0f}",
            f"{self.grown_mib:.1f}",
            f"{self.database_mib:.1f}",
        )


def petabyte(grid: tuple[int, ...]) -> Plan:
    """Return the plan of a job with a task for each cell of the grid."""

    def make(cell: Cell) -> NoTask:
        return NoTask("s3://somewhere/a-source-of-slices/*.tif", "s3://lake/a/b/c.ome.zarr/0", cell)

    plan = Plan("ingest", grid, make, "f" * 32)
    return Plan("ingest", grid, make, "f" * 32, voxels=len(plan) * SHARD_VOXELS)


@contextmanager
def begun(catalog: Catalog, plan: Plan) -> Iterator[tuple[Recorder, list[int]]]:
    """Yield what the job of the catalog is recorded with, and what is left of it to do."""
    ledger = catalog.ledger
    jobs = ledger.list_jobs() or [ledger.create_job("ingest", NAME, {})]
    claim = ledger.claim(jobs[0].id)
    ledger.begin_stage(claim, StageRecord("ingest", len(plan), plan.fingerprint, plan.voxels))
    done = ledger.done_tasks(claim.job, "ingest")
    with Recorder(ledger, claim, Event()) as recorder:
        recorder.begin(StageTally("ingest", done.count(1), 0, 0))
        yield recorder, [index for index, is_done in enumerate(done) if not is_done]
        recorder.end()
        ledger.set_state(claim, JobState.DONE)


def bare(catalog: Catalog, plan: Plan) -> int:
    """Do what is left of the tasks one after another, without a cluster; return how many."""
    ran = 0
    with begun(catalog, plan) as (recorder, left):
        for index in left:
            recorder.done(index, plan.task(index)())
            ran += 1
    return ran


def through_dask(catalog: Catalog, plan: Plan, client: Client) -> int:
    """Do the same on a cluster."""
    ran = 0
    with begun(catalog, plan) as (recorder, left):
        tasks = ((index, plan.task(index)) for index in left)
        for finished in stream.run_tasks(client, tasks, recorder.check):
            recorder.done(finished.index, finished.result or Result())
            ran += 1
    return ran


def child(request: str) -> None:
    """Run one measurement in this process, and print its figures."""
    asked = json.loads(request)
    plan = petabyte(tuple(asked["grid"]))
    lake = StoreURL.parse(asked["lake"])
    with open_catalog(lake, Settings(database_url=asked["database"])) as catalog:
        with _cluster(asked["workers"], asked.get("per_call", 1)) as client:
            before, began, cpu_s = _peak_mib(), time.monotonic(), time.process_time()
            ran = through_dask(catalog, plan, client) if client else bare(catalog, plan)
            seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu_s
            peak = _peak_mib()
        size = _database_mib(catalog, lake)
    row = Row(asked["what"], ran, seconds, cpu_s, peak, peak - before, size)
    print(json.dumps(asdict(row)), flush=True)


def measured(lake: Path, database: str | None, what: str, **asked: object) -> Row:
    """Run a measurement in a process of its own."""
    output, _ = _started(lake, database, what, **asked).communicate()
    return Row(**json.loads(output.splitlines()[-1]))


def killed(lake: Path, database: str | None, grid: tuple[int, ...]) -> tuple[float, int]:
    """Start the bare job and kill it when half of it is done; return the seconds, and the tasks."""
    began = time.monotonic()
    process = _started(lake, database, "killed", grid=grid)
    half = len(petabyte(grid)) // 2
    with open_catalog(StoreURL.parse(str(lake)), Settings(database_url=database)) as catalog:
        ledger = catalog.ledger
        while not ((jobs := ledger.list_jobs()) and jobs[0].stages):
            time.sleep(0.05)
        while ledger.count_done(jobs[0].id, "ingest") < half:
            time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return time.monotonic() - began, ledger.count_done(jobs[0].id, "ingest")


def rows_of(
    folder: Path, title: str, database: str | None, options: argparse.Namespace
) -> list[Row]:
    """Measure one database."""
    rows = []
    lake = folder / title
    lake.mkdir()
    seconds, before = killed(lake, database, options.grid)
    rows.append(Row(f"{title}: killed at half", before, seconds, 0, 0, 0))
    rows.append(measured(lake, database, f"{title}: resumed, finished", grid=options.grid))
    return rows


def dask_rows(folder: Path, tasks: int) -> list[Row]:
    """Measure the cluster: threads of the client, and two processes; one task a call, and many."""
    rows = []
    for workers, per_call in ((0, 1), (0, 100), (2, 1), (2, 100)):
        lake = folder / f"dask-{workers}-{per_call}"
        lake.mkdir()
        what = f"dask, {workers or 'no'} processes, {per_call} a call"
        count = tasks if per_call > 1 else tasks // 4
        asked = {"grid": (count,), "workers": workers, "per_call": per_call}
        rows.append(measured(lake, None, what, **asked))
    return rows


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    titles = ("", "tasks", "s", "tasks/s", "client CPU s", "peak MiB", "grown MiB", "database MiB")
    lines = [titles, tuple("---" for _ in titles), *(row.cells for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--grid", type=_grid, default=PETABYTE, help="shards, as Z,Y,X")
    parser.add_argument("--dask-tasks", type=int, default=20_000)
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        child(options.child)
        return
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        if options.database != "postgres":
            rows += rows_of(Path(folder), "sqlite", None, options)
        if options.database != "sqlite":
            with _postgres() as url:
                rows += rows_of(Path(folder), "postgres", url, options)
        if options.dask_tasks:
            rows += dask_rows(Path(folder), options.dask_tasks)
    print(table(rows))


@contextmanager
def _postgres() -> Iterator[str]:
    """Yield a database on a real server, as the tests use it (fsync is off)."""
    from tests.servers.postgres import create_database, run_postgres

    with run_postgres() as url:
        yield create_database(url)


def _started(
    lake: Path, database: str | None, what: str, **asked: object
) -> subprocess.Popen[bytes]:
    request = {"lake": str(lake), "database": database, "what": what, "workers": None, **asked}
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.scale", "--child", json.dumps(request)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
        env=os.environ,
    )


@contextmanager
def _cluster(workers: int | None, per_call: int) -> Iterator[Client | None]:
    """Yield a local cluster that runs so many tasks a call at most, or None."""
    stream.MOST_PER_CALL = per_call
    if workers is None:
        yield None
        return
    with open_cluster(Settings(workers=workers), 1) as cluster:
        cluster.client.wait_for_workers(max(1, workers))
        yield cluster.client


def _peak_mib() -> float:
    """Return the most memory that this process has had since it became a program of its own."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _database_mib(catalog: Catalog, lake: StoreURL) -> float:
    if catalog.database.is_sqlite:
        files = (lake.path / ".voxlake").glob("catalog.sqlite*")
        return sum(file.stat().st_size for file in files) / 2**20
    with catalog.database.read() as connection:
        query = "SELECT pg_database_size(current_database())"
        return int(connection.exec_driver_sql(query).scalar_one()) / 2**20


def _grid(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    main()
