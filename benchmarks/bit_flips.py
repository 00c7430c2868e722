"""``python -m benchmarks.bit_flips``: flip bits of a small lake and cut its objects, one at a time.

Each time fsck looks, and a reader reads. Damage must be found, and must not be read as voxels; some
flips change nothing that is decoded (they are counted as harmless).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.ngff.datasets import Sample, fill

from benchmarks.tables import markdown_table
from voxlake.compute.fsck.finding import Check, findings_of
from voxlake.compute.fsck.plans import OBJECTS_STAGE, FsckTarget, plan_fsck
from voxlake.compute.opened import opened_volume
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind, Layout
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.trust import trusted_rows
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, create_dataset
from voxlake.ngff.metadata.reading import read_labels_names
from voxlake.ngff.shards.whole import read_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.compute.fsck.finding import Finding
    from voxlake.ngff.volume import Volume

SHAPE = (48, 40, 140)
CHUNK, SHARD = (16, 16, 16), (32, 32, 32)
VOXEL_SIZE = VoxelSize(10, 10, 10)

MEMORY = Path("/dev/shm")

REFUSED, SAME, WRONG = "refused", "same", "wrong"
"""What a reader got: an error, what was written, or something else."""


@dataclass(frozen=True)
class Target:
    """An object that is damaged, and how to look at it."""

    kind: str
    path: Path
    look: Callable[[], list[Finding]]
    read: Callable[[], object]
    """What a reader gets of it; must stay as it was, or raise."""


@dataclass
class Tally:
    """What became of the damage to one kind of object."""

    outcomes: Counter[tuple[bool, str]]

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a row: done, found, refused, harmless and unseen, wrong, missed."""
        done = self.outcomes.total()
        found = sum(count for (seen, _), count in self.outcomes.items() if seen)
        wrong = sum(count for (_, read), count in self.outcomes.items() if read == WRONG)
        refused = sum(count for (_, read), count in self.outcomes.items() if read == REFUSED)
        harmless = self.outcomes[False, SAME]
        return tuple(map(str, (done, found, refused, harmless, done - found - harmless, wrong)))


HEAD = ("object", "damaged", "found", "refused", "harmless, not found", "missed", "read wrong")


def main(arguments: list[str] | None = None) -> None:
    """Damage a lake in memory and print two tables."""
    parser = argparse.ArgumentParser("python -m benchmarks.bit_flips", description=__doc__)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--truncations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None)
    try:
        targets = make_lake(StoreURL.parse(folder))
        for what, damage, count in (
            ("bit flips", flipped, options.flips),
            ("truncations", cut, options.truncations),
        ):
            began = time.monotonic()
            tallies = damage_all(targets, damage, count, options.seed)
            rows = [(kind, *tally.cells()) for kind, tally in tallies.items()]
            total = Tally(sum((tally.outcomes for tally in tallies.values()), Counter()))
            title = f"{count} {what}, {time.monotonic() - began:.0f} s"
            print(markdown_table(title, [HEAD, *rows, ("all", *total.cells())]), flush=True)
    finally:
        shutil.rmtree(folder)


def damage_all(
    targets: list[Target], damage: Callable[[bytes, random.Random], bytes], count: int, seed: int
) -> dict[str, Tally]:
    """Damage `count` objects, one after the other, each kind as often as the others."""
    chance = random.Random(seed)
    kinds = sorted({target.kind for target in targets})
    tallies = {kind: Tally(Counter()) for kind in kinds}
    for number in range(count):
        kind = kinds[number % len(kinds)]
        target = chance.choice([each for each in targets if each.kind == kind])
        tallies[kind].outcomes[_suffer(target, damage, chance)] += 1
    return tallies


def flipped(body: bytes, chance: random.Random) -> bytes:
    """Return `body` with one bit flipped."""
    at = chance.randrange(8 * len(body))
    changed = bytearray(body)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def cut(body: bytes, chance: random.Random) -> bytes:
    """Return the beginning of `body`."""
    return body[: chance.randrange(len(body))]


def make_lake(lake: StoreURL) -> list[Target]:
    """Make a lake of an image with labels and their index; return its objects."""
    found: list[Target] = []
    image = _filled(lake, Sample(shape=SHAPE, voxel_size=VOXEL_SIZE))
    sample = Sample(Kind.LABELS, SHAPE, "uint64", voxel_size=VOXEL_SIZE, name="seg", of="em")
    labels = _filled(lake, sample)
    index = lake / Place(DatasetName("lab", "brain", "seg"), Kind.LABELS, "em").index_key
    volume = labels.level(0)
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, index)
    found += _targets("image", FsckTarget(image.url))
    found += _targets("labels", FsckTarget(labels.url, index, image.url))
    found += _sidecars(FsckTarget(labels.url, index, image.url))
    listing = image.url / "labels" / "zarr.json"
    found.append(
        Target(
            "list of labels",
            listing.path,
            partial(_looked, FsckTarget(image.url), OBJECTS_STAGE, 0),
            partial(read_labels_names, image.url),
        )
    )
    return found


def _filled(lake: StoreURL, sample: Sample) -> Dataset:
    """Return a dataset of several levels whose shards hold several chunks each."""
    levels = tuple(
        replace(level, layout=Layout(CHUNK, SHARD, level.layout.zstd_level))
        for level in sample.planned()
    )
    place = Place(DatasetName("lab", "brain", sample.name), sample.kind, sample.of)
    unit = sample.voxel_size.unit
    new = NewDataset(place, sample.axes, unit, np.dtype(sample.dtype), levels)
    dataset = open_dataset(create_dataset(lake, new))
    fill(dataset, sample)
    return dataset


def _targets(name: str, what: FsckTarget) -> Iterator[Target]:
    dataset = open_dataset(what.url)
    for level in range(dataset.levels):
        volume = open_volume(dataset.level_url(level), cache_bytes=0)
        for number, cell in enumerate(volume.box.cells(volume.shard)):
            yield Target(
                f"{name}, shards",
                volume.shard_url(cell).path,
                partial(_looked, what, f"fsck-{level}", number),
                partial(_shard, volume, cell),
            )
    for key in ("zarr.json", *(f"{level}/zarr.json" for level in range(dataset.levels))):
        path = (what.url / key).path
        look, read = partial(_looked, what, OBJECTS_STAGE, 0), partial(_everything, what.url)
        yield Target(f"{name}, metadata", path, look, read)


def _sidecars(what: FsckTarget) -> Iterator[Target]:
    volume, index = open_dataset(what.url).level(0), what.index
    assert index is not None
    for number, cell in enumerate(volume.box.cells(volume.shard)):
        etag = store.head(volume.shard_url(cell)).etag
        path = (index / "shards" / f"{'.'.join(map(str, cell))}.parquet").path
        yield Target(
            "label index, sidecars",
            path,
            partial(_looked, what, "fsck-0", number),
            partial(_rows, volume, index, cell, etag),
        )


def _looked(what: FsckTarget, stage: str, task: int) -> list[Finding]:
    """Return what one task of a stage of fsck finds."""
    opened_volume.cache_clear()
    plans = plan_fsck(replace(what, quick=True))
    (plan,) = (plan for plan in plans if plan.stage == stage)
    return [found for found in findings_of([plan.task(task)().encode()]) if found.is_fault]


def _everything(url: StoreURL) -> object:
    dataset = open_dataset(url)
    # No cache: the array may be the same by its times, and is not.
    volumes = [open_volume(dataset.level_url(n), cache_bytes=0) for n in range(dataset.levels)]
    return dataset.multiscale, [_read(volume.read(volume.box).result()) for volume in volumes]


def _shard(volume: Volume, cell: tuple[int, ...]) -> object:
    box = volume.shard_box(cell)
    return _read(volume.read(box).result()), _read(read_shard(volume, cell)[0])


def _read(voxels: np.ndarray[Any, Any]) -> tuple[object, ...]:
    return voxels.shape, voxels.dtype.str, voxels.tobytes()


def _rows(volume: Volume, index: StoreURL, cell: tuple[int, ...], etag: str) -> object:
    rows = trusted_rows(volume, index, cell, etag)
    if rows is None:  # not trusted: the voxels are asked instead
        raise VoxlakeError("no rows")
    columns = (rows.labels, rows.chunks, rows.voxels, rows.start, rows.stop)
    return tuple(column.tobytes() for column in columns)


def _suffer(
    target: Target, damage: Callable[[bytes, random.Random], bytes], chance: random.Random
) -> tuple[bool, str]:
    """Damage the object, look and read, and put it back; return (found, what was read)."""
    whole, times = target.path.read_bytes(), target.path.stat()
    before = target.read()
    try:
        _put(target.path, damage(whole, chance), times)
        found = any(f.check is not Check.STALE_SIDECAR for f in target.look())
        try:
            read = SAME if target.read() == before else WRONG
        except VoxlakeError:
            read = REFUSED
    finally:
        _put(target.path, whole, times)
    return found, read


def _put(path: Path, body: bytes, times: os.stat_result) -> None:
    """Write the file in place and keep its times, as a disk does that loses a bit."""
    with path.open("r+b") as file:
        file.write(body)
        file.truncate()
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


if __name__ == "__main__":
    main()
