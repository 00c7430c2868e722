"""Shards by the million without their voxels: the ledger, publishing an index, listing for fsck.

Tasks do nothing, covers hold ETags of no shard, and the listing is a store double that yields keys
without a network or a disk: what is measured is what voxlake itself takes for each.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import zarr
from ulid import ULID

from benchmarks.child import peak_rss
from voxlake.compute.fsck import objects
from voxlake.ngff.labels.segments.cover import (
    cover_of,
    newest_etags,
    read_cover,
    write_cover,
)
from voxlake.ngff.labels.segments.manifest import (
    Boxes,
    Geometry,
    Manifest,
    Segment,
    SegmentFile,
)
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.store import ObjectInfo, StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.rounds import Say

SHARD, CHUNK = 512, 64
FILES = 10_000
"""Of a manifest: of 64 MiB each, they are those of 25 * 10^9 rows."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What one part took."""

    what: str
    count: int
    of: str
    seconds: float
    """CPU seconds: what others of the machine do, and its disk, are not in them."""
    peak_mib: float
    """More memory than before."""

    @property
    def each_us(self) -> float:
        """Microseconds for one."""
        return self.seconds / self.count * 1e6


def simulate(folder: Path, shards: int, say: Say) -> list[Simulated]:
    """Simulate an index of so many shards, and the listing of as many keys."""
    found = []
    for what in (publish_cover, compare_cover, read_manifest, list_keys):
        say(f"growth: {what.__name__} of {shards:,}")
        found.append(what(folder, shards))
    return found


def publish_cover(folder: Path, shards: int) -> Simulated:
    """Write the cover of a segment: the part of publishing that grows with shards."""
    index = StoreURL.parse(str(folder / "index"))
    cover = cover_of(_etags(shards))
    return _measured("cover written", shards, "shards", lambda: write_cover(index, _name(), cover))


def compare_cover(folder: Path, shards: int) -> Simulated:
    """Read a cover, and hold it against the ETags of as many shards as they are listed."""
    index = StoreURL.parse(str(folder / "index"))
    write_cover(index, ulid := _name(), cover_of(_etags(shards)))
    segment = Segment(cover=ulid, shards=shards, files=())

    def compare() -> None:
        covered, listed = newest_etags([read_cover(index, segment)]), _etags(shards)
        if any(covered.get(number) != etag for number, etag in listed.items()):
            raise AssertionError("the cover is another")

    return _measured("cover read, and compared", shards, "shards", compare)


def read_manifest(_: Path, __: int) -> Simulated:
    """Parse a manifest of many files, as each gateway does of each new one."""
    file = SegmentFile(
        ulid=_name(),
        first=2**60,
        last=2**61,
        rows=2_000_000,
        bytes=64 << 20,
        footer=40_000,
        crc32=2**31,
        boxes=Boxes(labels=1_000_000, record=48, crc32c=2**31),
    )
    size = (1 << 17, 1 << 17, 1 << 17)
    manifest = Manifest(
        number=7,
        made=ULID().datetime,
        geometry=Geometry(shape=size, chunk=(CHUNK,) * 3, shard=(SHARD,) * 3),
        segments=(Segment(cover=_name(), shards=1_000_000, files=(file,) * FILES),),
    )
    body = manifest.model_dump_json(by_alias=True)
    what = f"manifest parsed, {len(body) / 1e6:.1f} MB"
    return _measured(what, FILES, "files", lambda: Manifest.model_validate_json(body))


def list_keys(folder: Path, shards: int) -> Simulated:
    """Have fsck look for strays among the keys of so many shards, that a store double lists."""
    edge = round(shards ** (1 / 3))
    address = folder / "array"
    zarr.create_array(
        str(address),
        shape=(edge * SHARD,) * 3,
        chunks=(CHUNK,) * 3,
        shards=(SHARD,) * 3,
        dtype="u1",
    )
    volume = open_volume(url := StoreURL.parse(str(address)))

    def walk(_: StoreURL) -> Iterator[ObjectInfo]:
        for cell in np.ndindex(edge, edge, edge):
            key = url / "c" / "/".join(map(str, cell))
            yield ObjectInfo(key, 1, "etag")

    def look() -> None:
        if list(objects._strays_in_arrays(url)):  # noqa: SLF001 (a part of its task)
            raise AssertionError("a shard was taken for a stray")

    with patch.object(store, "walk", walk), patch.object(objects, "_volumes", lambda _: [volume]):
        return _measured("keys listed, and found to belong", edge**3, "keys", look)


def _etags(shards: int) -> dict[int, str]:
    return {number: f'"{number * 0x9E3779B97F4A7C15 % 2**128:032x}"' for number in range(shards)}


def _name() -> str:
    return str(ULID())


def _measured(what: str, count: int, of: str, work: Callable[[], object]) -> Simulated:
    before, began = peak_rss(), time.process_time()
    work()
    return Simulated(
        what, count, of, time.process_time() - began, max(0, peak_rss() - before) / 2**20
    )
