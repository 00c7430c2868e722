"""Images that only bioio opens, through its own plug-ins."""

from __future__ import annotations

import importlib.util
import shutil
from importlib.metadata import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.sources import open_source, openers
from voxlake.compute.sources.images.bioio_image import PLUGINS, open_bioio
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import OutOfBoundsError, SourceError, UnsupportedError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources import Source
    from voxlake.platform.store import StoreURL

RNG = np.random.default_rng(11)
ZYX = RNG.integers(0, 2**16, (5, 33, 41), np.uint16)
TCZYX = RNG.integers(0, 256, (2, 3, 4, 20, 24), np.uint8)
IMAGEJ = {"axes": "ZYX", "spacing": 3.0, "unit": "um"}


def write_lsm(path: Path, voxels: np.ndarray, **options: Any) -> str:
    """Write a TIFF under a name that voxlake's own reader of TIFF does not know."""
    tifffile.imwrite(path.with_suffix(".tif"), voxels, **options)
    shutil.move(path.with_suffix(".tif"), path)
    return str(path)


def random_boxes(shape: tuple[int, ...]) -> list[Box]:
    ends = [np.sort(RNG.integers(0, n + 1, (10, 2))) for n in shape]
    found = [[tuple(map(int, end[k])) for end in ends] for k in range(10)]
    return [Box(tuple(lo for lo, _ in box), tuple(hi for _, hi in box)) for box in found]


def equals(source: Source, voxels: np.ndarray) -> None:
    source.check()
    assert source.shape == voxels.shape
    assert source.dtype == voxels.dtype
    for box in [Box.of_shape(voxels.shape), *random_boxes(voxels.shape)]:
        found = source.read(box)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, voxels[box.slices])
    with pytest.raises(OutOfBoundsError):
        source.read(Box.of_shape(tuple(n + 1 for n in voxels.shape)))


def test_a_volume_plane_by_plane(tmp_path: Path) -> None:
    source = open_source(write_lsm(tmp_path / "v.lsm", ZYX, metadata={"axes": "ZYX"}))
    equals(source, ZYX)
    assert (source.axes, source.block) == (("z", "y", "x"), (1, 33, 41))
    assert source.calibration.voxel_size is None


def test_five_axes(tmp_path: Path) -> None:
    location = write_lsm(
        tmp_path / "v.lsm", TCZYX, photometric="minisblack", metadata={"axes": "TCZYX"}
    )
    source = open_source(location)
    equals(source, TCZYX)
    assert (source.axes, source.block) == (("t", "c", "z", "y", "x"), (1, 1, 1, 20, 24))


def test_colours_are_channels(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "v.ppm")
    source = open_source(str(tmp_path / "v.ppm"))
    assert source.axes == ("c", "z", "y", "x")
    equals(source, np.moveaxis(pixels, -1, 0)[:, np.newaxis])


def test_voxel_sizes(tmp_path: Path) -> None:
    location = write_lsm(
        tmp_path / "v.lsm", ZYX, imagej=True, resolution=(0.5, 0.25), metadata=IMAGEJ
    )
    source = open_source(location)
    equals(source, ZYX)
    # bioio gives the numbers of this plug-in no unit: that they are micrometres would be a guess.
    assert source.calibration.voxel_size is None
    assert source.calibration.said == "z 3 (no unit), y 4 (no unit), x 2 (no unit)"


def test_scenes(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "v.tif") as tif:
        tif.write(ZYX, metadata={"axes": "ZYX"})
        tif.write(ZYX[:2, :20, :20] // 2, metadata={"axes": "ZYX"})
    shutil.move(tmp_path / "v.tif", tmp_path / "v.lsm")
    location = str(tmp_path / "v.lsm")
    equals(open_source(location), ZYX)
    equals(open_source(f"{location}?scene=1"), ZYX[:2, :20, :20] // 2)
    equals(open_source(f"{location}?scene=Image:1"), ZYX[:2, :20, :20] // 2)
    fingerprints = {open_source(location + s).fingerprint for s in ("", "?scene=1")}
    assert len(fingerprints) == 2
    with pytest.raises(SourceError, match="has no scene 7; it has Image:0, Image:1, or 0 to 1"):
        open_source(f"{location}?scene=7")


def test_a_torn_file(tmp_path: Path) -> None:
    location = write_lsm(tmp_path / "v.lsm", ZYX, compression="zlib", metadata={"axes": "ZYX"})
    whole = (tmp_path / "v.lsm").read_bytes()
    source = open_source(location)
    (tmp_path / "v.lsm").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"v\.lsm"):
        source.read(Box.of_shape(ZYX.shape))
    with pytest.raises(SourceError, match=r"v\.lsm"):
        source.check()


def test_what_no_plugin_takes(tmp_path: Path) -> None:
    (tmp_path / "notes.xyz").write_text("notes")
    with pytest.raises(SourceError, match="of no kind that voxlake reads"):
        open_source(str(tmp_path / "notes.xyz"))
    with pytest.raises(SourceError, match=r"absent\.lsm\?scene=1 is not there"):
        open_source(str(tmp_path / "absent.lsm?scene=1"))


def test_it_is_asked_last() -> None:
    assert openers()[-1].name == "bioio"


def test_without_bioio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = write_lsm(tmp_path / "v.lsm", ZYX)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"pip install 'voxlake\[bioio\]' bioio-tifffile"):
        open_source(location)
    (tmp_path / "notes.xyz").write_text("notes")
    assert open_bioio(str(tmp_path / "notes.xyz")) is None


@pytest.mark.parametrize("name", ["a.czi", "b.ND2", "c.lif", "d.dv", "e.oib"])
def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(64))
    plugin = PLUGINS[name[1:].lower()]
    with pytest.raises(UnsupportedError, match=rf"'voxlake\[bioio\]' {plugin}$"):
        open_source(str(tmp_path / name))


def test_a_file_that_its_plugin_does_not_take(tmp_path: Path) -> None:
    (tmp_path / "a.lsm").write_bytes(bytes(64))
    with pytest.raises(SourceError, match=r"a\.lsm is taken by no plug-in of bioio; restore"):
        open_source(str(tmp_path / "a.lsm"))


def test_the_extra_that_is_told_is_there() -> None:
    assert "bioio" in (metadata("voxlake").get_all("Provides-Extra") or ())


def test_ingest(tmp_path: Path, lake: StoreURL) -> None:
    location = write_lsm(tmp_path / "v.lsm", ZYX, metadata={"axes": "ZYX"})
    place = Place(DatasetName("c", "e", "em"), Kind.IMAGE)
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        request = IngestRequest(location, place, VoxelSize(10, 10, 10))
        run_job(workspace, start_ingest(workspace, request))
        volume = workspace.dataset(place).level(0)
        np.testing.assert_array_equal(volume.read(volume.box).result(), ZYX)
