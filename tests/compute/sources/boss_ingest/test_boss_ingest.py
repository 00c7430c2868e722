"""Configurations of boss-ingest, with plug-ins as users wrote them: ten lines, for one thread."""

from __future__ import annotations

import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.sources import Source, cached_source, open_source
from voxlake.compute.sources.boss_ingest import open_boss_ingest, suggested_name
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import (
    InvalidNameError,
    OutOfBoundsError,
    PlanChangedError,
    SourceError,
    UnsupportedError,
)
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL

VOXELS = np.random.default_rng(3).integers(0, 2**16, (2, 11, 40, 50), np.uint16)
"""t, z, y, x."""

PLUGINS = """
import io
import os
import sqlite3
import numpy as np
from PIL import Image
from ingestclient.plugins.path import PathProcessor
from ingestclient.plugins.tile import TileProcessor
from ingestclient.plugins.chunk import (
    ChunkProcessor, TZYX_ORDER, XYZ_ORDER, XYZT_ORDER, ZYX_ORDER
)

class Paths(PathProcessor):
    def setup(self, parameters):
        self.parameters = parameters
        self.names = sqlite3.connect(":memory:")  # refuses to be used by another thread

    def process(self, x_index, y_index, z_index, t_index=None):
        self.names.execute("select 1")
        return os.path.join(self.parameters["folder"], "t%d.npy" % t_index)

class Tiles(TileProcessor):
    def setup(self, parameters):
        self.parameters = parameters
        self.size = parameters["ingest_job"]["tile_size"]

    def process(self, file_path, x_index, y_index, z_index, t_index=None):
        y, x = y_index * self.size["y"], x_index * self.size["x"]
        tile = np.load(file_path)[z_index, y:y + self.size["y"], x:x + self.size["x"]]
        output = io.BytesIO()
        Image.fromarray(tile).save(output, self.parameters.get("format", "TIFF"))
        return output

class PaddedTiles(Tiles):
    def process(self, *args):
        tile = np.array(Image.open(Tiles.process(self, *args)))
        padded = np.zeros((self.size["y"], self.size["x"]), tile.dtype)
        padded[:tile.shape[0], :tile.shape[1]] = tile
        output = io.BytesIO()
        Image.fromarray(padded).save(output, "TIFF")
        return output

class Chunks(ChunkProcessor):
    def setup(self, parameters):
        self.job = parameters.pop("ingest_job")
        self.parameters = parameters

    def process(self, file_path, x_index, y_index, z_index):
        size = self.job["chunk_size"]
        starts = [i * size[n] for i, n in ((z_index, "z"), (y_index, "y"), (x_index, "x"))]
        index = tuple(slice(a, a + size[n]) for a, n in zip(starts, "zyx"))
        chunk = np.load(file_path)[index]
        return {
            "xyz": (chunk.T, XYZ_ORDER), "zyx": (chunk, ZYX_ORDER),
            "xyzt": (chunk.T[..., None], XYZT_ORDER), "tzyx": (chunk[None], TZYX_ORDER),
            "wrong": (chunk[None], ZYX_ORDER), "times": (np.stack([chunk] * 2), TZYX_ORDER),
            "unknown": (chunk, 7),
        }[self.parameters["order"]]
"""


def write_config(folder: Path, **changes: Any) -> dict[str, Any]:
    """Write plug-ins, data and a configuration; `changes` are ``a__b=value`` for its fields."""
    folder.mkdir(exist_ok=True)
    (folder / "my_plugins.py").write_text(changes.pop("plugins", PLUGINS))
    for t, voxels in enumerate(VOXELS):
        if not (folder / f"t{t}.npy").exists():
            np.save(folder / f"t{t}.npy", voxels)
    z, y, x = VOXELS.shape[1:]
    config: dict[str, Any] = {
        "schema": {"name": "boss-v0.1-schema", "validator": "BossValidatorV01"},
        "client": {
            "backend": {"name": "boss", "class": "BossBackend", "host": "h", "protocol": "https"},
            "path_processor": {"class": "my_plugins.Paths", "params": {"folder": str(folder)}},
            "tile_processor": {"class": "my_plugins.Tiles", "params": {}},
        },
        "database": {"collection": "col", "experiment": "exp", "channel": "em"},
        "ingest_job": {
            "resolution": 0,
            "extent": {"x": [0, x], "y": [0, y], "z": [0, z], "t": [0, 1]},
            "tile_size": {"x": 16, "y": 12, "z": 1, "t": 1},
        },
    }
    for name, value in changes.items():
        *parts, last = name.split("__")
        part = config
        for key in parts:
            part = part[key]
        part.pop(last, None)
        if value is not None:
            part[last] = value
    (folder / "config.json").write_text(json.dumps(config))
    return config


def tiles(folder: Path, **changes: Any) -> str:
    write_config(folder, **changes)
    return str(folder / "config.json")


def chunks(folder: Path, order: str = "zyx", **changes: Any) -> str:
    fields = {
        "schema": {"name": "boss-v0.2-schema", "validator": "BossValidatorV02"},
        "client__tile_processor": None,
        "client__chunk_processor": {"class": "my_plugins.Chunks", "params": {"order": order}},
        "ingest_job__ingest_type": "volumetric",
        "ingest_job__tile_size": None,
        "ingest_job__chunk_size": {"x": 16, "y": 20, "z": 4},
    }
    return tiles(folder, **fields | changes)


V02_TILES = {
    "schema": {"name": "boss-v0.2-schema", "validator": "BossValidatorV02"},
    "ingest_job__ingest_type": "tile",
}
PART = {"x": [20, 47], "y": [5, 40], "z": [3, 9], "t": [1, 2]}


def whole(source: Source) -> np.ndarray:
    return source.read(Box.of_shape(source.shape))


@pytest.mark.parametrize("version", [{}, V02_TILES])
@pytest.mark.parametrize("image", ["TIFF", "PNG"])
def test_tiles(tmp_path: Path, version: dict[str, Any], image: str) -> None:
    params = {"format": image}
    source = open_source(tiles(tmp_path, client__tile_processor__params=params, **version))
    source.check()
    assert (source.axes, source.shape) == (("z", "y", "x"), VOXELS.shape[1:])
    assert source.block == (1, 12, 16)
    np.testing.assert_array_equal(whole(source), VOXELS[0])


@pytest.mark.parametrize("order", ["xyz", "zyx", "xyzt", "tzyx"])
def test_chunks(tmp_path: Path, order: str) -> None:
    source = open_source(chunks(tmp_path, order))
    source.check()
    assert source.block == (4, 20, 16)
    np.testing.assert_array_equal(whole(source), VOXELS[0])


def test_time_points(tmp_path: Path) -> None:
    extent = {"x": [0, 50], "y": [0, 40], "z": [0, 11], "t": [0, 2]}
    source = open_source(tiles(tmp_path, ingest_job__extent=extent))
    assert (source.axes, source.block) == (("t", "z", "y", "x"), (1, 1, 12, 16))
    np.testing.assert_array_equal(whole(source), VOXELS)


def test_an_extent_that_begins_elsewhere(tmp_path: Path) -> None:
    """Indices count from voxel 0 of the experiment, as the servers of bossDB count them."""
    source = open_source(tiles(tmp_path / "a", ingest_job__extent=PART))
    np.testing.assert_array_equal(whole(source), VOXELS[1, 3:9, 5:40, 20:47])
    source = open_source(chunks(tmp_path / "b", ingest_job__extent={**PART, "t": [0, 1]}))
    np.testing.assert_array_equal(whole(source), VOXELS[0, 3:9, 5:40, 20:47])


@pytest.mark.parametrize("make", [tiles, chunks])
def test_any_box_equals_numpy(tmp_path: Path, make: Any) -> None:
    source = open_source(make(tmp_path))
    ends = [st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted) for n in source.shape]

    @settings(max_examples=25)
    @given(st.tuples(*ends))
    def holds(found: tuple[tuple[int, int], ...]) -> None:
        box = Box(tuple(lo for lo, _ in found), tuple(hi for _, hi in found))
        voxels = source.read(box)
        assert voxels.flags.c_contiguous
        assert voxels.dtype == source.dtype
        np.testing.assert_array_equal(voxels, VOXELS[0][box.slices])

    holds()
    with pytest.raises(OutOfBoundsError):
        source.read(Box((0, 0, 0), (12, 40, 50)))


def test_tiles_padded_to_the_tile_size_are_cropped(tmp_path: Path) -> None:
    source = open_source(tiles(tmp_path, client__tile_processor__class="my_plugins.PaddedTiles"))
    np.testing.assert_array_equal(whole(source), VOXELS[0])


def test_every_thread_has_plugins_of_its_own(tmp_path: Path) -> None:
    """The path plug-in keeps a connection that raises if another thread than its own uses it."""
    source = open_source(tiles(tmp_path))
    boxes = [Box((z, 0, 0), (z + 1, 40, 50)) for z in range(11)] * 2
    with ThreadPoolExecutor(6) as pool:
        for box, found in zip(boxes, pool.map(source.read, boxes), strict=True):
            np.testing.assert_array_equal(found, VOXELS[0][box.slices])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema__name": "boss-v0.3-schema"}, "none of boss-v0.1-schema and boss-v0.2-schema"),
        ({"database": None}, "database: Field required"),
        ({"ingest_job__extent__x": [5, 5]}, r"ingest_job.extent.x: .*\[5, 5\] is not \[start"),
        ({"ingest_job__extent__x": [0, 1, 2]}, "ingest_job.extent.x"),
        ({"ingest_job__extent__x": ["0", 9]}, "ingest_job.extent.x.0: Input should be a valid int"),
        ({"ingest_job__tile_size__x": 0}, "ingest_job.tile_size.x: .*greater than 0"),
        ({"ingest_job__tile_size": None}, "ingest_job.tile_size is missing"),
        ({"client__tile_processor": None}, "client.tile_processor is missing"),
        ({"ingest_job__ingest_type": "volumetric"}, "client.chunk_processor is missing"),
        ({"ingest_job__ingest_type": "cloud"}, "ingest_job.ingest_type"),
        ({"client__path_processor__class": "Paths"}, "client.path_processor.class"),
    ],
)
def test_configurations_that_are_not_valid(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SourceError, match=f"config.json is not valid: .*{message}"):
        open_source(tiles(tmp_path, **changes))


def test_chunks_have_no_time(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="chunks have no time"):
        open_source(chunks(tmp_path, ingest_job__extent__t=[0, 2]))


def test_json_that_is_none_of_ours(tmp_path: Path) -> None:
    for text in ("{}", "[1, 2]", '{"schema": {"name": "other"}}', "boss", '["boss-v0.1-schema"]'):
        (tmp_path / "a.json").write_text(text)
        assert open_boss_ingest(str(tmp_path / "a.json")) is None
    (tmp_path / "a.json").write_text('{"schema": {"name": "boss-v0.1-schema"')
    with pytest.raises(SourceError, match="is no JSON"):
        open_source(str(tmp_path / "a.json"))


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        ("import no_such_library", "imports no_such_library, which is not installed.*pip install"),
        ("import pkg_resources_", "pip install pkg_resources_"),
        (
            "from ingestclient.plugins.stack import ZindexStackTileProcessor",
            "pip install --no-deps boss-ingest",
        ),
        ("import numpy\nx = numpy.int", "does not import: AttributeError: module 'numpy'.*older"),
        ("print 'hello'", "does not import: SyntaxError"),
        ("Paths = 3", "has no class Paths"),
        ("class Paths:\n  def setup(self, p): raise KeyError('root')", "cannot be set up.*root"),
        (
            "from ingestclient.plugins.path import PathProcessor\nclass Paths(PathProcessor): pass",
            "cannot be set up: TypeError: Can't instantiate",
        ),
        (
            "class Paths:\n  def setup(self, p): 0\n  def process(self, *a): raise IndexError(a)",
            r"Paths gave no tile at index x 0, y 0, z 0, t 0: IndexError: \(0, 0, 0, 0\)",
        ),
    ],
)
def test_plugins_that_fail(tmp_path: Path, plugins: str, message: str) -> None:
    rest = "class Tiles:\n  def setup(self, p): pass\n  def process(self, *a): pass\n"
    with pytest.raises(SourceError, match=message):
        open_source(tiles(tmp_path, plugins=f"{plugins}\n{rest}"))


def test_a_plugin_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere.plug is not found; put it beside"):
        open_source(tiles(tmp_path, client__path_processor__class="nowhere.plug.Paths"))
    with pytest.raises(SourceError, match=r"ingestclient.plugins.stack is not found.*--no-deps"):
        open_source(tiles(tmp_path, client__path_processor__class="ingestclient.plugins.stack.Z"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return io.BytesIO(b'torn')", "gave no tile at index.*cannot identify image"),
        ("return save(tile, 'TIFF', 100)", "truncated|does not"),
        ("return save(tile.astype('u1'), 'PNG', 40)", "gave no tile"),
        ("return save(tile.astype('u1'), 'JPEG', 2)", "JPEG image is truncated"),
        ("return save(np.zeros((12, 16, 3), 'u1'), 'PNG', 0)", r"has the shape \(12, 16, 3\)"),
        ("return None", "gave no tile at index.*AttributeError"),
    ],
)
def test_tiles_that_are_no_images(tmp_path: Path, body: str, message: str) -> None:
    plugins = f"""{PLUGINS}
def save(tile, kind, cut):
    output = io.BytesIO()
    Image.fromarray(tile).save(output, kind)
    return io.BytesIO(output.getvalue()[:len(output.getvalue()) - cut])

class Odd(Tiles):
    def process(self, *args):
        tile = np.array(Image.open(Tiles.process(self, *args)))
        {body}
"""
    with pytest.raises(SourceError, match=message):
        open_source(
            tiles(tmp_path, plugins=plugins, client__tile_processor__class="my_plugins.Odd")
        )


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("wrong", "does not fit ZYX_ORDER"),
        ("times", "does not fit TZYX_ORDER"),
        ("unknown", "its order is 7"),
    ],
)
def test_chunks_of_another_order(tmp_path: Path, order: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(chunks(tmp_path, order))


def test_pieces_of_another_size_or_type(tmp_path: Path) -> None:
    """An image larger than a tile would be taken for one of its corners."""
    for z, (shape, dtype) in enumerate((((12, 17), "u2"), ((12, 15), "u2"), ((12, 16), "u1")), 1):
        plugins = f"""{PLUGINS}
class Odd(Tiles):
    def process(self, path, x, y, z, t=None):
        if z != {z}:
            return Tiles.process(self, path, x, y, z, t)
        output = io.BytesIO()
        Image.fromarray(np.zeros({shape}, {dtype!r})).save(output, "PNG")
        return output
"""
        name = "my_plugins.Odd"
        source = open_source(tiles(tmp_path, plugins=plugins, client__tile_processor__class=name))
        box = Box((z, 0, 0), (z + 1, 5, 5))
        with pytest.raises(SourceError, match=rf"index x 0, y 0, z {z}, t 0 is .*should be uint16"):
            source.read(box)


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    for part in range(2):
        np.save(tmp_path / f"t{part}.npy", VOXELS[part].astype("c8"))
    with pytest.raises(UnsupportedError, match="no real numbers"):
        open_source(chunks(tmp_path))


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    extent = {"x": [0, 50], "y": [0, 40], "z": [0, 11], "t": [0, 2]}
    source = open_source(tiles(tmp_path, ingest_job__extent=extent))
    (tmp_path / "t1.npy").unlink()
    with pytest.raises(SourceError, match=r"lacks files: .*t1\.npy"):
        source.check()


def test_a_plugin_may_make_up_for_missing_files(tmp_path: Path) -> None:
    plugins = PLUGINS.replace(
        "np.load(file_path)[z_index",
        "(np.load(file_path) if os.path.exists(file_path) else np.zeros((11, 40, 50), 'u2'))"
        "[z_index",
    )
    extent = {"x": [0, 50], "y": [0, 40], "z": [0, 11], "t": [0, 2]}
    source = open_source(tiles(tmp_path, plugins=plugins, ingest_job__extent=extent))
    (tmp_path / "t1.npy").unlink()
    source.check()
    np.testing.assert_array_equal(whole(source)[1], 0)


def test_the_fingerprint_sees_changes(tmp_path: Path) -> None:
    location = tiles(tmp_path)
    first = open_source(location).fingerprint
    assert len(pickle.dumps((location, first))) < 300
    assert open_source(location).fingerprint == first
    seen = {first}
    seen.add(open_source(tiles(tmp_path, ingest_job__resolution=1)).fingerprint)
    seen.add(open_source(tiles(tmp_path, plugins=f"{PLUGINS}\n# mended")).fingerprint)
    np.save(tmp_path / "t0.npy", VOXELS[1])
    seen.add(open_source(tiles(tmp_path)).fingerprint)
    assert len(seen) == 4
    with pytest.raises(PlanChangedError):
        cached_source(location, first)


def test_two_configurations_with_modules_of_one_name(tmp_path: Path) -> None:
    """A worker goes from one to the other; each time it runs the plug-in of the right one."""
    one = tiles(tmp_path / "one")
    other = tiles(
        tmp_path / "other",
        plugins=PLUGINS.replace("Image.fromarray(tile", "Image.fromarray(tile + 1"),
    )
    for _ in range(2):
        np.testing.assert_array_equal(whole(open_source(one)), VOXELS[0])
        np.testing.assert_array_equal(whole(open_source(other)), VOXELS[0] + 1)
    assert str(tmp_path) not in "".join(sys.path)
    (tmp_path / "other" / "my_plugins.py").unlink()
    with pytest.raises(SourceError, match="my_plugins is not found"):
        open_source(other)


def test_an_installed_module_comes_before_one_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    location = tiles(tmp_path / "a", client__path_processor__class="boss_site_plugin.Paths")
    (tmp_path / "a" / "boss_site_plugin.py").write_text("raise RuntimeError")
    (site / "boss_site_plugin.py").write_text(PLUGINS)
    monkeypatch.syspath_prepend(site)
    np.testing.assert_array_equal(whole(open_source(location)), VOXELS[0])
    del sys.modules["boss_site_plugin"]


def test_a_plugin_in_a_package_with_siblings(tmp_path: Path) -> None:
    package = tmp_path / "lab_plugins"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "shared.py").write_text(PLUGINS)
    (package / "ours.py").write_text(
        "from lab_plugins.shared import Paths\nfrom .shared import Tiles"
    )
    source = open_source(
        tiles(
            tmp_path,
            client__path_processor__class="lab_plugins.ours.Paths",
            client__tile_processor__class="lab_plugins.ours.Tiles",
        )
    )
    np.testing.assert_array_equal(whole(source), VOXELS[0])


def test_the_real_base_classes_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed as ``ingestclient`` is what plug-ins get."""
    for name in [n for n in sys.modules if n.partition(".")[0] == "ingestclient"]:
        monkeypatch.delitem(sys.modules, name)
    site = tmp_path / "site" / "ingestclient" / "plugins"
    site.mkdir(parents=True)
    for folder in (site, site.parent):
        (folder / "__init__.py").touch()
    for part in ("path", "tile"):
        (site / f"{part}.py").write_text(f"class {part.title()}Processor(object): real = True")
    (site / "chunk.py").write_text(
        "class ChunkProcessor(object): pass\nTZYX_ORDER = XYZ_ORDER = XYZT_ORDER = ZYX_ORDER = 1"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    plugins = f"{PLUGINS}\nassert Paths.real and Tiles.real\n"
    np.testing.assert_array_equal(
        whole(open_source(tiles(tmp_path / "a", plugins=plugins))), VOXELS[0]
    )
    for name in [n for n in sys.modules if n.partition(".")[0] == "ingestclient"]:
        del sys.modules[name]


def test_the_name_that_a_configuration_suggests(tmp_path: Path) -> None:
    assert suggested_name(tiles(tmp_path)) == DatasetName("col", "exp", "em")
    assert suggested_name("phantom:8") is None
    assert suggested_name(str(tmp_path / "t0.npy")) is None
    with pytest.raises(InvalidNameError):
        suggested_name(tiles(tmp_path, database__channel="a b"))


@pytest.mark.parametrize("make", [tiles, chunks])
def test_ingest(tmp_path: Path, lake: StoreURL, make: Any) -> None:
    location = make(tmp_path / "a")
    name = suggested_name(location)
    assert name is not None
    place = Place(name, Kind.IMAGE)
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        request = IngestRequest(location, place, VoxelSize(10, 10, 10))
        run_job(workspace, start_ingest(workspace, request))
        volume = workspace.dataset(place).level(0)
        np.testing.assert_array_equal(volume.read(volume.box).result(), VOXELS[0])
