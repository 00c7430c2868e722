"""The page on the format suffices: its own programs, by JSON and Parquet alone, read a lake."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.ngff.datasets import Sample, create
from tests.ngff.labels.bulk_jobs import BulkJob
from tests.ngff.labels.samples import bodies, new_volume
from tests.ngff.labels.scenes import Scene
from tests.ngff.labels.writing import write_labels

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.changes import cleave, import_mapping, merge, snapshot
from voxlake.ngff.labels.mapping.mapping import bodies_of, open_mapping
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.reading import get_object
from voxlake.ngff.labels.objects.writing import delete_objects, put_objects
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.marker import open_marker
from voxlake.ngff.labels.upkeep.reservation import reserve
from voxlake.ngff.stale import list_marks, marked
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume

pytestmark = pytest.mark.folder

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "format.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the programs of the page define; they import nothing of voxlake."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 8
    assert {*re.findall(r"^(?:import|from) (\w+)", "".join(blocks), re.MULTILINE)} == {
        "json",
        "pathlib",
        "pyarrow",
        "re",
        "struct",
    }
    defined: dict[str, Any] = {}
    for block in blocks:
        exec(block, defined)
    return defined


def test_the_page_reads_marks(page: dict[str, Any], lake: StoreURL) -> None:
    level = create(lake, Sample(shape=(40, 70, 700))).level(0)
    with marked(level, [Box((1, 2, 3), (40, 70, 600))]):
        boxes = [mark.box for mark in list_marks(level.url)]
        read = page["stale_boxes"](lake.path / "lab" / "brain" / "em.stale")
    assert sorted(read) == sorted(tuple(zip(box.start, box.stop, strict=True)) for box in boxes)
    assert len(read) == 2


@pytest.fixture
def volume(lake: StoreURL) -> Volume:
    """Labels whose index has several segments, and a shard that has not been taken in."""
    volume, index = new_volume(lake / "labels"), lake / "index"
    voxels = bodies(3)
    write_labels(volume, index, volume.box, voxels)
    compact(Labels(volume, index))
    part = Box((0, 0, 0), (8, 12, 16))
    write_labels(volume, index, part, np.roll(voxels[part.slices], 3, 1))
    compact(Labels(volume, index))
    write_labels(volume, index, Box((16, 0, 0), (17, 3, 3)), np.full((1, 3, 3), 77, np.uint64))
    return volume


@pytest.fixture
def index(lake: StoreURL, volume: Volume) -> Path:
    return (lake / "index").path


def test_voxels_are_counted_from_the_index(
    page: dict[str, Any], volume: Volume, index: Path
) -> None:
    rows, dirty = page["rows_in_force"](index)
    assert dirty == {(2, 0, 0)}
    counts: dict[int, int] = {}
    for row in rows:
        counts[row["label"]] = counts.get(row["label"], 0) + row["voxels"]
    for cell in dirty:
        for row in page["rows_of_shard"](index, cell, page["etag"](volume.shard_url(cell).path)):
            counts[row["label"]] = counts.get(row["label"], 0) + row["voxels"]
    labels, wanted = np.unique(volume.read(volume.box).result(), return_counts=True)
    assert counts == {int(label): int(n) for label, n in zip(labels, wanted, strict=True) if label}


def test_boxes_are_what_the_rows_add_up_to(page: dict[str, Any], index: Path) -> None:
    for segment in page["newest"](index / "manifest")["runs"]:
        for part in segment["parts"]:
            rows = page["segment_rows"](index, part)
            for label, voxels, *box, chunks, shards in page["boxes"](index, part):
                own = [row for row in rows if row["label"] == label]
                assert voxels == sum(row["voxels"] for row in own)
                assert box[:3] == [min(row[axis] for row in own) for axis in ("z0", "y0", "x0")]
                assert box[3:] == [max(row[axis] for row in own) for axis in ("z1", "y1", "x1")]
                assert (chunks, shards) == (sum(len(row["chunks"]) for row in own), len(own))


def test_covers_have_the_etags_of_shards(page: dict[str, Any], volume: Volume, index: Path) -> None:
    covered: dict[int, str] = {}
    for segment in page["newest"](index / "manifest")["runs"]:
        covered |= page["covered"](index, segment)
    cells = [cell for cell in product(*map(range, volume.grid)) if cell != (2, 0, 0)]
    for cell in cells:
        path = volume.shard_url(cell).path
        etag = page["etag"](path) if path.exists() else ""
        assert covered.get(volume.shard_number(cell), "") == etag


def test_bodies_and_objects_are_read(page: dict[str, Any], lake: StoreURL, index: Path) -> None:
    url = lake / "index"
    merge(url, [1, 2, 3])
    import_mapping(url, [5, 6, 9], [50, 50, 0])
    merge(url, [50, 7])
    cleave(url, 50, [6], 60)
    snapshot(url)
    labels = list(range(1, 12))
    found = page["body_of"](index, labels)
    assert [found[label] for label in labels] == bodies_of(open_mapping(url), labels).tolist()
    [taken] = (index / "mapping" / "snapshots").iterdir()
    assert page["pairs"](taken).items() <= {**found, 50: 50}.items() | {(9, 0)}
    put_objects(url, [LabelObject(id=1, name="a"), LabelObject(id=2)])
    put_objects(url, [LabelObject(id=1, name="b")])
    delete_objects(url, [2])
    objects = page["objects"](index)
    assert {label: row["name"] for label, row in objects.items()} == {1: get_object(url, 1).name}


def fields(of: str) -> set[str]:
    """Return the fields that the tables of the page list of a document."""
    rows = re.findall(rf"^\| {of} \| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_tables_list_every_field(page: dict[str, Any], volume: Volume, index: Path) -> None:
    url = StoreURL.parse(str(index))
    merge(url, [1, 2])
    put_objects(url, [LabelObject(id=1)])
    few = url / "few"  # the ids of the others end where labels do
    reserve(Labels(new_volume(url / "voxels"), few), 3)
    BulkJob(Scene(volume, url), 1).step()
    open_marker(url, (0, 0, 0), "tests")
    document = page["document"]
    manifest = page["newest"](index / "manifest")
    objects = page["newest"](index / "objects" / "manifest")
    [bulk] = (index / "dirty").glob("all.*")
    found = {
        "manifest": manifest,
        "segment": manifest["runs"][0],
        "file": manifest["runs"][0]["parts"][0],
        "sidecar": page["sidecar"](next((index / "shards").iterdir()))[0],
        "marker": document(next((index / "dirty").glob("0.0.0.*"))),
        "bulk marker": document(bulk),
        "block": page["newest"](few.path / "ids"),
        "entry": document(next((index / "mapping" / "log").iterdir())),
        "objects": objects,
        "objects file": objects["deltas"][0],
    }
    for of, said in found.items():
        assert fields(of) == {*said}, of
    patch, _ = page["sidecar"](next((index / "patches").iterdir()))
    assert fields("patch") | fields("sidecar") == {*patch}


def test_damage_is_seen_by_the_page(page: dict[str, Any], index: Path) -> None:
    newest = max((index / "manifest").iterdir())
    body = newest.read_bytes()
    for place in (12, len(body) // 2, len(body) - 4):
        newest.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        with pytest.raises((AssertionError, ValueError, LookupError)):
            page["rows_in_force"](index)
