"""Bulk builds of the segment by label: rows a second, and peak memory of each kind of task.

Shards are alike and their number grows, so what a task holds must not. Tasks of one kind run in a
process of their own, of which the peak is taken. What is built is compared with the sidecars.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from ulid import ULID

from benchmarks.child import peak_rss
from benchmarks.tables import markdown_table
from voxlake.compute.index.by_label import fragment_count
from voxlake.ngff.labels.bulk.build import Build, begin_bulk
from voxlake.ngff.labels.bulk.fragment import write_fragment
from voxlake.ngff.labels.bulk.pieces import choose_pieces, write_range
from voxlake.ngff.labels.bulk.publish import publish_bulk
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.scan.rows import Rows
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.sidecars.sidecar import Sidecar, encode, origin_of, sidecar_url
from voxlake.ngff.labels.sidecars.trust import shard_etag
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from benchmarks.rounds import Say
    from voxlake.ngff.volume import Volume

SHARD, CHUNK = 1024, 128
OF_SHARD = 20_000
"""Labels of a shard: rows of it in a segment."""

IN_CHUNKS = 3
"""Chunks that each of them is in."""

LONG = 50_000
"""Labels that may be in any shard: of 20 rows one is of these."""

PROBES = 200


@dataclass(frozen=True, slots=True)
class Done:
    """What the tasks of one kind took."""

    rows: int
    shards: int
    kind: str
    tasks: int
    seconds: float
    peak_mib: float
    """Of their process."""
    more_mib: float
    """Above what it had when everything was loaded."""


class WrongSegmentError(Exception):
    """The segment says something else than the sidecars."""


def run_label_segments(folder: Path, rows: list[int], say: Say) -> dict[str, Any]:
    """Build segments of about so many rows each, print the table and return all figures."""
    found: list[Done] = []
    for count in rows:
        shards = max(1, round(count / OF_SHARD))
        say(f"label segments: {shards * OF_SHARD} rows of {shards} shards")
        found += _build(folder / f"segments-{count}", shards)
    print(table_of(found), flush=True)
    return {"tasks": [asdict(each) for each in found]}


def table_of(found: list[Done]) -> str:
    """Return the figures as a table."""
    head = ("rows", "tasks", "of", "seconds", "Mrow/s", "peak MiB", "of these above idle")
    lines = [
        (
            f"{each.rows:,}",
            f"{each.tasks}",
            each.kind,
            f"{each.seconds:.2f}",
            f"{each.rows / each.seconds / 1e6:.2f}",
            f"{each.peak_mib:.0f}",
            f"{each.more_mib:.0f}",
        )
        for each in found
    ]
    return markdown_table("Bulk build of the segment by label", [head, *lines])


def _build(folder: Path, shards: int) -> list[Done]:
    folder.mkdir()
    _write_sidecars(folder, shards)
    fragments = fragment_count(shards)
    job = str(ULID())
    volume, index = _opened(folder)
    begin_bulk(Labels(volume, index), job, "benchmark")
    found = []
    for kind, tasks in (
        ("fragments", fragments),
        ("choosing", 1),
        ("ranges", fragments),
        ("publishing", 1),
    ):
        seconds, idle, peak = _in_process(str(folder), job, fragments, kind)
        mib = (peak / 2**20, (peak - idle) / 2**20)
        found.append(Done(shards * OF_SHARD, shards, kind, tasks, seconds, *mib))
    _check(volume, index, shards)
    return found


def _in_process(folder: str, job: str, fragments: int, kind: str) -> tuple[float, int, int]:
    """Return seconds, and the memory of a fresh process before its tasks and at their peak."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_tasks, (folder, job, fragments, kind))


def _tasks(folder: str, job: str, fragments: int, kind: str) -> tuple[float, int, int]:
    volume, index = _opened(folder)
    newest_manifest(index)
    build, idle, began = (
        Build(Labels(volume, index), job, fragments),
        peak_rss(),
        time.perf_counter(),
    )
    match kind:
        case "fragments":
            for number in range(fragments):
                write_fragment(build, number)
        case "choosing":
            choose_pieces(build)
        case "ranges":
            for number in range(fragments):
                write_range(build, number)
        case _:
            publish_bulk(build)
    return time.perf_counter() - began, idle, peak_rss()


def _opened(folder: Path | str) -> tuple[Volume, StoreURL]:
    url = StoreURL.parse(str(folder))
    return open_volume(url / "labels"), url / "index"


def _write_sidecars(folder: Path, shards: int) -> None:
    """Make sidecars that are trusted; of voxels nothing is there but objects that have an ETag."""
    zarr.create_array(
        str(folder / "labels"),
        shape=(SHARD, SHARD, SHARD * shards),
        chunks=(CHUNK,) * 3,
        shards=(SHARD,) * 3,
        dtype="uint64",
        fill_value=0,
    )
    volume, index = _opened(folder)
    for shard in range(shards):
        cell = (0, 0, shard)
        store.write(volume.shard_url(cell), str(shard).encode())
        etag = shard_etag(volume, cell)
        assert etag is not None
        body = encode(Sidecar(origin_of(volume, cell, etag), _rows(shard)))
        store.write(sidecar_url(index, cell), body)


def _labels(shard: int) -> npt.NDArray[np.uint64]:
    """Return the labels of a shard: most are near it alone, some may be anywhere."""
    rng = np.random.default_rng(shard)
    few = OF_SHARD // 20
    near = LONG + shard * OF_SHARD * 2 // 3 + rng.permutation(OF_SHARD * 2)[: OF_SHARD - few]
    return np.sort(np.concatenate([rng.permutation(LONG)[:few] + 1, near])).astype(np.uint64)


def _rows(shard: int) -> Rows:
    rng = np.random.default_rng([shard, 1])
    labels = _labels(shard).repeat(IN_CHUNKS)
    first = rng.integers(0, 512 - IN_CHUNKS, OF_SHARD).repeat(IN_CHUNKS)
    chunks = first + np.tile(np.arange(IN_CHUNKS), OF_SHARD)
    cells = np.stack(np.unravel_index(chunks, (SHARD // CHUNK,) * 3), axis=-1)
    start = cells * CHUNK + rng.integers(0, CHUNK - 10, (len(labels), 3))
    start[:, 2] += shard * SHARD
    stop = start + rng.integers(1, 10, (len(labels), 3))
    voxels = rng.integers(1, 1000, len(labels), np.uint64)
    return Rows(labels, chunks.astype(np.uint16), voxels, start, stop)


def _check(volume: Volume, index: StoreURL, shards: int) -> None:
    """Demand what the sidecars say of some labels, and as many rows as they have."""
    manifest = newest_manifest(index)
    if manifest is None or sum(segment.rows for segment in manifest.segments) != shards * OF_SHARD:
        raise WrongSegmentError(f"the segment has other rows than {shards} shards of {OF_SHARD}")
    rng = np.random.default_rng(0)
    some = [_rows(int(shard)) for shard in rng.integers(0, shards, 2)]
    probes = np.unique(np.concatenate([rng.choice(rows.labels, PROBES) for rows in some]))
    expected = np.zeros(len(probes), np.uint64)
    for shard in range(shards):
        rows = _rows(shard)
        place = np.minimum(np.searchsorted(probes, rows.labels), len(probes) - 1)
        np.add.at(expected, place, np.where(probes[place] == rows.labels, rows.voxels, 0))
    found = Labels(volume, index).view().find(probes)
    if not np.array_equal(found.labels, probes) or not np.array_equal(found.voxels, expected):
        raise WrongSegmentError("labels have other voxels than the sidecars say")
