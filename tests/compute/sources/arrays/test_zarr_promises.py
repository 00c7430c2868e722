"""Chunk files that a zarr's metadata do not lead to are refused; a zarr in a zarr is found."""

from __future__ import annotations

import json
import shutil
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts
import zarr
from tests.compute.sources.arrays.test_remote_zarr import Handler
from tests.compute.sources.reading import assert_whole, fails

from voxlake.compute.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RNG = np.random.default_rng(2)
VOXELS = RNG.integers(1, 60000, (12, 16, 20), "u2")


def array(path: Path, version: int, separator: str, **options: Any) -> None:
    """Write an array whose chunk names have that separator."""
    name: Any = "v2" if version == 2 else "default"
    zarr.create_array(
        path,
        data=VOXELS,
        chunks=(4, 8, 20),
        zarr_format=version,  # type: ignore[arg-type]  # 2 or 3
        chunk_key_encoding={"name": name, "separator": separator},
        **options,
    )


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the metadata of an array, and nothing else."""
    file = next(path / name for name in (".zarray", "zarr.json") if (path / name).exists())
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


KINDS = [(2, ".", {}), (2, "/", {}), (3, "/", {}), (3, ".", {}), (3, "/", {"shards": (8, 16, 20)})]


@pytest.mark.parametrize(("version", "separator", "options"), KINDS)
def test_all_that_is_there_is_read(
    tmp_path: Path, version: int, separator: str, options: dict[str, Any]
) -> None:
    array(tmp_path / "v.zarr", version, separator, **options)
    assert_whole(open_source(str(tmp_path / "v.zarr")), VOXELS)


@pytest.mark.parametrize(("version", "separator", "options"), KINDS)
def test_a_lost_separator_is_refused(
    tmp_path: Path, version: int, separator: str, options: dict[str, Any]
) -> None:
    array(tmp_path / "v.zarr", version, separator, **options)
    other = "." if separator == "/" else "/"

    def lose(document: dict[str, Any]) -> None:
        if version == 2:
            document.pop("dimension_separator")
            if separator == ".":
                document["dimension_separator"] = "/"
        else:
            document["chunk_key_encoding"] = {
                "name": "default",
                "configuration": {"separator": other},
            }

    edit(tmp_path / "v.zarr", lose)
    fails(tmp_path / "v.zarr", "v.zarr", "separator", separator.join("000"))


def test_a_chunk_of_another_name_is_refused(tmp_path: Path) -> None:
    array(tmp_path / "v.zarr", 2, ".")
    (tmp_path / "v.zarr/0.0.0").rename(tmp_path / "v.zarr/00.00.00")
    fails(tmp_path / "v.zarr", "00.00.00", "do not lead to")


def test_what_lies_inside_is_named_in_a_folder_called_as_a_pattern_is(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "scan [1]*.zarr", mode="w")
    group.create_array("0", data=VOXELS)
    assert_whole(open_source(f"{tmp_path}/scan [1]*.zarr::0"), VOXELS)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("shape", [(8, 16, 20), (12, 16, 19), (12, 8, 20)])
def test_a_shape_of_before_is_refused(
    tmp_path: Path, version: int, shape: tuple[int, int, int]
) -> None:
    """What lies in chunks that are read, beyond the shape, is padding."""
    array(tmp_path / "v.zarr", version, "/")
    edit(tmp_path / "v.zarr", lambda document: document.update(shape=list(shape)))
    if shape[2] == 19:
        assert_whole(open_source(str(tmp_path / "v.zarr")), VOXELS[..., :19])
    else:
        fails(tmp_path / "v.zarr", "v.zarr", str(shape), "metadata")


def test_an_array_resized_in_its_metadata_alone_is_refused(tmp_path: Path) -> None:
    array(tmp_path / "v.zarr", 3, "/")
    store = ts.open({"driver": "zarr3", "kvstore": f"file://{tmp_path}/v.zarr/"}).result()
    store.resize(exclusive_max=[5, 16, 20], resize_metadata_only=True).result()
    fails(tmp_path / "v.zarr", "v.zarr", "c/2/")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_http_the_likely_names_are_asked_for(tmp_path: Path, served: str) -> None:
    array(tmp_path / "v.zarr", 2, "/")
    assert_whole(open_source(f"{served}/v.zarr"), VOXELS)
    edit(tmp_path / "v.zarr", lambda document: document.pop("dimension_separator"))
    fails(f"{served}/v.zarr", "v.zarr", "0/0/0")
    array(tmp_path / "w.zarr", 3, "/")
    edit(tmp_path / "w.zarr", lambda document: document.update(shape=[12, 8, 20]))
    fails(f"{served}/w.zarr", "w.zarr", "c/0/1/0")


def test_in_a_zip(tmp_path: Path) -> None:
    array(tmp_path / "v.zarr", 2, "/")
    edit(tmp_path / "v.zarr", lambda document: document.pop("dimension_separator"))
    shutil.make_archive(str(tmp_path / "v.zarr"), "zip", tmp_path / "v.zarr")
    fails(tmp_path / "v.zarr.zip", "v.zarr.zip", "0/0/0")


@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("is_image", [True, False])
def test_consolidated_metadata_are_not_believed(
    tmp_path: Path, version: int, *, is_image: bool
) -> None:
    path = tmp_path / "v.zarr"
    group = image(path, version)
    if not is_image:
        group.attrs.clear()
    grown = group.create_array("raw", shape=(6, 16, 20), chunks=(4, 8, 20), dtype="u2")
    zarr.consolidate_metadata(path)
    grown.resize(VOXELS.shape)
    grown[...] = VOXELS
    assert_whole(open_source(str(path)), VOXELS)


def image(path: Path, version: int, level: str = "raw") -> zarr.Group:
    """Begin an OME-Zarr image whose array at `level` is yet to be made."""
    axes = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    scale = [{"type": "scale", "scale": [40.0, 4.0, 4.0]}]
    datasets = [{"path": level, "coordinateTransformations": scale}]
    multiscales: Any = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    format_: Any = version
    group = zarr.open_group(path, mode="w", zarr_format=format_)
    if version == 2:
        group.attrs["multiscales"] = multiscales
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    return group


def series(path: Path, version: int, names: list[str], *, listed: bool) -> list[np.ndarray]:
    """Write what bioformats2raw does; return the voxels of each series."""
    layout: Any = {"bioformats2raw.layout": 3}
    format_: Any = version
    root = zarr.open_group(path, mode="w", zarr_format=format_)
    root.attrs.update(layout if version == 2 else {"ome": {"version": "0.5", **layout}})
    ome: Any = {"series": names} if listed else {}
    inner = zarr.open_group(path / "OME", mode="w", zarr_format=format_)
    inner.attrs.update(ome if version == 2 else {"ome": {"version": "0.5", **ome}})
    made = []
    for number, name in enumerate(names):
        made.append(VOXELS + number)
        image(path / name, version).create_array("raw", data=made[-1])
    return made


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("listed", [True, False])
def test_the_only_series_is_read(tmp_path: Path, version: int, *, listed: bool) -> None:
    (voxels,) = series(tmp_path / "v.zarr", version, ["0"], listed=listed)
    source = open_source(str(tmp_path / "v.zarr"))
    assert_whole(source, voxels)
    assert source.calibration == open_source(f"{tmp_path / 'v.zarr'}::0").calibration


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(("names", "listed"), [(["0", "1"], False), (["a", "b/c"], True)])
def test_of_several_series_one_has_to_be_named(
    tmp_path: Path, version: int, names: list[str], *, listed: bool
) -> None:
    path = tmp_path / "v.zarr"
    made = series(path, version, names, listed=listed)
    fails(path, "2 series", *(f"{path}::{name}" for name in names))
    for name, voxels in zip(names, made, strict=True):
        assert_whole(open_source(f"{path}::{name}"), voxels)
        assert_whole(open_source(f"{path}::/{name}/raw"), voxels)


def test_an_array_of_a_group_is_named(tmp_path: Path, served: str) -> None:
    group = zarr.open_group(tmp_path / "v.zarr", mode="w")
    group["a/raw"], group["b"] = VOXELS, VOXELS + 1
    for address in (tmp_path / "v.zarr", f"{served}/v.zarr", f"file://{tmp_path}/v.zarr"):
        assert_whole(open_source(f"{address}::a/raw"), VOXELS)
        assert_whole(open_source(f"{address}::/b"), VOXELS + 1)
        fails(f"{address}::c", "v.zarr::c")
