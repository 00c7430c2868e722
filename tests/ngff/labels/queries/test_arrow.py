"""Labels and runs as Arrow: types and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.ngff.labels.queries.samples import brute_runs
from tests.ngff.labels.queries.test_extent import brute_extent, labels_of
from tests.ngff.labels.samples import bodies, filled

from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.queries.arrow import (
    LABELS_SCHEMA,
    RUNS_SCHEMA,
    labels_to_arrow,
    runs_to_arrow,
)
from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


def test_all_labels_as_a_table(lake: StoreURL) -> None:
    voxels = bodies(61)
    volume = filled(lake / "labels", voxels)
    table = labels_to_arrow(Labels(volume, lake / "index").view().all())
    assert table.schema == LABELS_SCHEMA
    extents = [brute_extent(voxels, label) for label in labels_of(voxels)]
    assert table.to_pylist() == [
        {
            "label": one.label,
            "voxels": one.voxels,
            **dict(zip(("z0", "y0", "x0"), one.box.start, strict=True)),
            **dict(zip(("z1", "y1", "x1"), one.box.stop, strict=True)),
            "chunks": one.chunks,
            "shards": one.shards,
        }
        for one in extents
    ]
    top = labels_to_arrow(Labels(volume, lake / "index").view().all().largest(2))
    assert top["voxels"].to_pylist() == sorted((one.voxels for one in extents), reverse=True)[:2]
    known = pa.table({"label": pa.array([extents[0].label], pa.uint64()), "name": ["first"]})
    assert table.join(known, "label", join_type="inner")["name"].to_pylist() == ["first"]


def test_runs_as_a_stream(lake: StoreURL) -> None:
    voxels = bodies(62)
    volume = filled(lake / "labels", voxels)
    stream = runs_to_arrow(Labels(volume, lake / "index").view().sparse_volume(1))
    assert stream.schema == RUNS_SCHEMA
    table = stream.read_all()
    runs = sorted(zip(*(table[name].to_pylist() for name in RUNS_SCHEMA.names), strict=True))
    assert runs == brute_runs(voxels, 1, volume.box)
    assert pc.sum(table["length"]).as_py() == np.count_nonzero(voxels == 1)


def test_an_error_of_the_runs_ends_the_stream(lake: StoreURL) -> None:
    volume = filled(lake / "labels", bodies(63))
    with pytest.raises(LimitExceededError):
        runs_to_arrow(Labels(volume, lake / "index").view().sparse_volume(1, max_runs=1)).read_all()
