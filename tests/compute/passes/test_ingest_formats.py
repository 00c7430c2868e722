"""Each foreign format, from `start_ingest` to the voxels of level 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mrcfile
import numpy as np
import pytest
import tensorstore as ts

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.errors import SourceError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

VOXELS = np.random.default_rng(7).integers(1, 256, (67, 71, 130), np.uint8)
PLACE = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)


def n5(folder: Path) -> str:
    metadata = {
        "dimensions": VOXELS.shape[::-1],
        "blockSize": [64, 64, 64],
        "dataType": "uint8",
        "compression": {"type": "gzip"},
        "resolution": [4, 4, 40],
        "units": ["nm", "nm", "nm"],
    }
    kvstore = {"driver": "file", "path": f"{folder}/em.n5/raw/"}
    spec = {"driver": "n5", "kvstore": kvstore, "metadata": metadata}
    ts.open(spec, create=True).result()[...].write(VOXELS.T).result()
    return f"{folder}/em.n5::/raw"


def precomputed(folder: Path) -> str:
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{folder}/em/"},
        "multiscale_metadata": {"data_type": "uint8", "num_channels": 1, "type": "image"},
        "scale_metadata": {
            "size": VOXELS.shape[::-1],
            "chunk_size": [64, 64, 64],
            "encoding": "raw",
            "resolution": [4, 4, 40],
        },
    }
    ts.open(spec, create=True).result()[..., 0].write(VOXELS.T).result()
    return f"precomputed://{folder}/em"


def mrc(folder: Path) -> str:
    with mrcfile.new(folder / "em.mrc") as file:
        file.set_data(VOXELS)  # as mode 6: 16 bits
        file.voxel_size = (40, 40, 400)
    return str(folder / "em.mrc")


def raw(folder: Path) -> str:
    VOXELS.tofile(folder / "em.raw")
    return f"{folder / 'em.raw'}?dtype=uint8&shape={','.join(map(str, VOXELS.shape))}"


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("write", "size"),
    [
        (n5, VoxelSize(40, 4, 4)),
        (precomputed, VoxelSize(40, 4, 4)),
        (mrc, VoxelSize(400, 40, 40, "angstrom")),
        (raw, VoxelSize(10, 10, 10)),
    ],
)
def test_every_voxel_arrives(
    workspace: Workspace, tmp_path: Path, write: Callable[[Path], str], size: VoxelSize
) -> None:
    given = size if write is raw else None  # the other three say it themselves
    request = IngestRequest(write(tmp_path), PLACE, given)
    run_job(workspace, start_ingest(workspace, request))
    dataset = workspace.dataset(PLACE)
    level = dataset.level(0)
    np.testing.assert_array_equal(level.read(level.box).result(), VOXELS)
    assert dataset.multiscale.voxel_size == size


def test_a_torn_input_is_refused_before_anything_is_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    location = n5(tmp_path)
    block = tmp_path / "em.n5/raw/1/0/0"
    block.write_bytes(block.read_bytes()[:9])
    with pytest.raises(SourceError, match="truncated"):
        start_ingest(workspace, IngestRequest(location, PLACE))
    assert not [each for each in store.walk(workspace.lake) if ".ome.zarr" in each.url.key]
