"""Segments say of each label and shard what sidecars say of its chunks, for voxels of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import assume, given, settings
from tests.ngff.labels.samples import brute_rows, new_volume
from tests.ngff.labels.scan.test_rows import labelled

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.versioned.sorted_file import file_url
from voxlake.platform import store

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

CORNERS = ("z0", "y0", "x0", "z1", "y1", "x1")


def grouped(volume: Volume, index: StoreURL) -> list[dict[str, Any]]:
    """Return the rows that a query engine finds in the sidecars, by label and shard."""
    found = []
    for cell in volume.box.cells(volume.shard):
        url = sidecar_url(index, cell)
        if not url.path.exists():
            continue
        rows = pq.read_table(url.path)
        table = rows.group_by("label").aggregate(
            [
                ("voxels", "sum"),
                ("chunk", "list"),
                *((name, "min") for name in CORNERS[:3]),
                *((name, "max") for name in CORNERS[3:]),
            ]
        )
        for row in table.to_pylist():
            short = {key.rpartition("_")[0] or key: value for key, value in row.items()}
            short["chunks"] = sorted(short.pop("chunk"))
            found.append({**short, "shard": volume.shard_number(cell)})
    return sorted(found, key=lambda row: (row["label"], row["shard"]))


def stored_segments(index: StoreURL) -> list[dict[str, Any]]:
    """Return all rows of the segments in force, as they lie in their files."""
    manifest = newest_manifest(index)
    assert manifest is not None
    files = [file for segment in manifest.segments for file in segment.files]
    tables = [pq.read_table(file_url(index, file.ulid).path) for file in files]
    rows: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist() if tables else []
    return rows


@settings(max_examples=20)
@given(sample=labelled())
def test_segments_group_the_rows_of_sidecars(
    memory_store: StoreURL,
    sample: tuple[npt.NDArray[Any], tuple[int, ...], tuple[int, ...]],
) -> None:
    voxels, chunk, shard = sample
    assume(len(list(Box.of_shape(voxels.shape).cells(shard))) <= 30)
    url = memory_store / uuid4().hex
    volume = new_volume(url / "labels", voxels.shape, chunk, shard, dtype=voxels.dtype.name)
    volume.write(volume.box, voxels).result()
    compact(Labels(volume, url / "index"))
    expected = grouped(volume, url / "index")
    assert stored_segments(url / "index") == expected
    cells = volume.box.cells(volume.shard)
    assert sum(len(row["chunks"]) for row in expected) == sum(
        len(brute_rows(volume, cell, voxels)) for cell in cells
    )
    store.delete_tree(url)
