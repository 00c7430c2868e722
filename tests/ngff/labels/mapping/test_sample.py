"""Supervoxels with their mapping, as the sample ships them, and the label index."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from tests.ngff.labels.samples import filled

from voxlake.compute.sample.folder import SampleFolder
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.changes import import_mapping
from voxlake.ngff.labels.mapping.mapping import apply, open_mapping, remap
from voxlake.ngff.labels.mapping.neuroproof import read_transforms
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.table import UNKNOWN
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL


def ground_truth(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write a file like the sample's; return its supervoxels (z, y, x) and their bodies."""
    rng = np.random.default_rng(4)
    lumps = rng.integers(0, 300, (5, 6, 7)).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    pairs = np.stack([np.arange(300), np.append(0, rng.integers(1, 40, 299) * 1000)], axis=-1)
    pairs[7:9, 1] = 0
    sample = SampleFolder(folder)
    with h5py.File(folder / "plain.h5", "w") as file:
        file["stack"], file["transforms"] = lumps.astype(np.int32), pairs
    sample.ground_truth.write_bytes(gzip.compress((folder / "plain.h5").read_bytes()))
    return lumps, pairs[lumps, 1]


@pytest.mark.parametrize("name", ["groundtruth.h5.gz", "plain.h5"])
def test_bodies_of_the_sample(lake: StoreURL, tmp_path: Path, name: str) -> None:
    supervoxels, bodies = ground_truth(tmp_path)
    volume, index = filled(lake / "labels", supervoxels.astype(np.uint32)), lake / "index"
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, index)
    import_mapping(index, *read_transforms(tmp_path / name).T)
    mapping = open_mapping(index)
    np.testing.assert_array_equal(apply(mapping, volume.read(volume.box).result()), bodies)
    table = remap(mapping, Labels(volume, index).view().all())
    ids, counts = np.unique(bodies[bodies != 0], return_counts=True)
    assert table.labels.tolist() == ids.tolist()
    assert table.voxels.tolist() == counts.tolist()
    for line, body in enumerate(ids):
        where = np.argwhere(bodies == body)
        assert table.start[line].tolist() == where.min(axis=0).tolist()
        assert table.stop[line].tolist() == (where.max(axis=0) + 1).tolist()
        alone = len(np.unique(supervoxels[bodies == body])) == 1
        assert (table.chunks[line] == UNKNOWN) is not alone


def test_a_torn_file_is_refused(tmp_path: Path) -> None:
    ground_truth(tmp_path)
    whole = (tmp_path / "groundtruth.h5.gz").read_bytes()
    for body in (whole[:-20], b"", b"text"):
        (tmp_path / "torn.h5").write_bytes(body)
        with pytest.raises(SourceError, match=r"torn\.h5"):
            read_transforms(tmp_path / "torn.h5")


def test_other_transforms_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["transforms"] = np.zeros((3, 4), int)
    with pytest.raises(SourceError, match=r"\(3, 4\)"):
        read_transforms(tmp_path / "other.h5")
