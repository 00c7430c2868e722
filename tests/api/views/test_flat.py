"""Datasets without shards over HTTP: clients of the field read them equal to the source."""

from __future__ import annotations

import json
import shutil
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts
import zarr
import zstandard
from tests.api.conftest import TOKEN, Served
from zarr.codecs import BloscCodec

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box, cell_box
from voxlake.ngff.shards import index_cache
from voxlake.platform import store

if TYPE_CHECKING:
    import httpx2

EM, CELLS, DYES = "lab/brain/em", "lab/brain/cells", "lab/light/dyes"
PUBLIC = [EM, CELLS, DYES]
OWNER = {"Authorization": f"Bearer {TOKEN}"}
V2_KEYS = {"name": "v2", "configuration": {"separator": "."}}
FORMATS = {3: "zarr3", 2: "zarr"}


def levels_of(served: Served, name: str) -> list[Any]:
    """Return the voxels of all levels, as TensorStore reads them from the store."""
    folder = f"{EM}.ome.zarr/labels/cells" if name == CELLS else f"{name}.ome.zarr"
    dataset = open_dataset(served.lake / folder)
    volumes = map(dataset.level, range(dataset.levels))
    return [volume.read(volume.box).result() for volume in volumes]


@pytest.mark.parametrize("zarr_format", [3, 2])
@pytest.mark.parametrize("name", [*PUBLIC, f"{EM}/labels/cells", "lab/brain/secret"])
def test_tensorstore_reads_every_level(served: Served, name: str, zarr_format: int) -> None:
    whole = levels_of(served, CELLS if "cells" in name else name)
    for number, voxels in enumerate(whole):
        kvstore = {
            "driver": "http",
            "base_url": f"{served.url}/flat/{name}/{number}/",
            "headers": [f"{key}: {value}" for key, value in OWNER.items()],
        }
        spec = {"driver": FORMATS[zarr_format], "kvstore": kvstore}
        array = ts.open(spec, open=True).result()
        assert array.chunk_layout.write_chunk.shape == array.chunk_layout.read_chunk.shape
        np.testing.assert_array_equal(array.read().result(), voxels)


@pytest.mark.parametrize("zarr_format", [3, 2])
@pytest.mark.parametrize("name", PUBLIC)
def test_zarr_python_reads_every_level(served: Served, name: str, zarr_format: Any) -> None:
    group = zarr.open_group(f"{served.url}/flat/{name}", mode="r", zarr_format=zarr_format)
    for number, voxels in enumerate(levels_of(served, name)):
        array = group[str(number)]
        assert isinstance(array, zarr.Array)
        assert array.shards is None
        np.testing.assert_array_equal(array[...], voxels)


@pytest.mark.parametrize("zarr_format", [3, 2])
def test_xarray_and_dask_read_it(served: Served, zarr_format: int) -> None:
    import xarray as xr

    opened = xr.open_dataset(
        f"{served.url}/flat/{CELLS}",
        engine="zarr",
        # The documents of zarr v2 are there in one, too.
        consolidated=zarr_format == 2,
        zarr_format=zarr_format,
        drop_variables=["1"],
        # Of zarr v2 it takes fill for missing.
        mask_and_scale=False,
        chunks={},
    )
    assert opened["0"].dims == ("z", "y", "x")
    assert opened["0"].chunksizes["z"][0] == 16
    np.testing.assert_array_equal(opened["0"].values, served.voxels[CELLS])


def test_the_attributes_are_those_of_ngff_0_4(served: Served) -> None:
    from ome_zarr_models.v04.image import ImageAttrs

    with served.client() as client:
        attributes = client.get(f"/flat/{EM}/.zattrs").json()
        listed = client.get(f"/flat/{EM}/labels/.zattrs").json()
        cells = client.get(f"/flat/{EM}/labels/cells/.zattrs").json()
    [multiscale] = ImageAttrs.model_validate(attributes).multiscales
    assert (multiscale.version, [axis.name for axis in multiscale.axes]) == ("0.4", [*"zyx"])
    scale = attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale == [40.0, 10.0, 10.0]
    assert listed == {"labels": ["cells"]}
    assert cells["image-label"] == {"version": "0.4", "source": {"image": "../../"}}
    with served.client(owner=True) as client:
        assert client.get(f"/flat/{EM}/labels/.zattrs").json() == {"labels": ["cells", "draft"]}


def test_a_chunk_is_the_bytes_that_lie_in_the_shard(
    served: Served, anonymous: httpx2.Client
) -> None:
    body = store.read(served.lake / f"{EM}.ome.zarr/0/c/0/1/0").body
    voxels = served.voxels[EM]
    for chunk in ((0, 2, 0), (1, 3, 1)):
        answer = anonymous.get(f"/flat/{EM}/0/c/{'/'.join(map(str, chunk))}")
        assert answer.content in body
        plain = zstandard.decompress(answer.content)
        box = cell_box(chunk, (16, 16, 16))
        assert plain == np.ascontiguousarray(voxels[box.slices]).tobytes()
        other = anonymous.get(f"/flat/{EM}/0/{'/'.join(map(str, chunk))}")
        assert (other.content, other.headers["etag"]) == (answer.content, answer.headers["etag"])


def test_ranges_conditions_and_heads(anonymous: httpx2.Client) -> None:
    url = f"/flat/{EM}/0/c/0/0/0"
    whole = anonymous.get(url)
    etag, size = whole.headers["etag"], len(whole.content)
    head = anonymous.head(url)
    assert (head.headers["content-length"], head.headers["etag"]) == (str(size), etag)
    part = anonymous.get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{size}"
    tail = anonymous.get(url, headers={"Range": "bytes=-7", "If-Range": etag})
    assert tail.content == whole.content[-7:]
    assert anonymous.get(url, headers={"Range": f"bytes={size}-"}).status_code == 416
    for method in ("GET", "HEAD"):
        same = anonymous.request(method, url, headers={"If-None-Match": etag})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert anonymous.get(url, headers={"If-Match": '"other"'}).status_code == 412
    assert whole.headers["cache-control"] == "public, no-cache"
    neighbour = anonymous.get(f"/flat/{EM}/0/c/0/0/1")
    assert neighbour.headers["etag"] != etag
    document = anonymous.get(f"/flat/{EM}/0/zarr.json")
    again = {"If-None-Match": document.headers["etag"]}
    assert anonymous.get(f"/flat/{EM}/0/zarr.json", headers=again).status_code == 304


def test_a_shard_written_anew_is_read_by_its_own_index(
    served: Served, owner: httpx2.Client
) -> None:
    name, url = "lab/brain/alone", "/flat/lab/brain/alone/0/c/0/0/0"
    volume = open_dataset(served.lake / f"{name}.ome.zarr").level(0)
    box = Box((0, 0, 0), (16, 16, 16))
    before = owner.get(url)
    kept = volume.read(box).result()
    try:
        for value in (7, 2**60):
            volume.write(box, np.full(box.shape, value, np.uint64)).result()
            after = owner.get(url, headers={"If-None-Match": before.headers["etag"]})
            assert zstandard.decompress(after.content) == np.full(4096, value, "<u8").tobytes()
        volume.write(box, np.zeros(box.shape, np.uint64)).result()
        assert owner.get(url).status_code in {200, 404}
    finally:
        volume.write(box, kept).result()


def test_what_is_fill_is_404_and_what_fails_is_not(
    served: Served, owner: httpx2.Client, anonymous: httpx2.Client
) -> None:
    for chunk in ("0/c/0/0/0", "0/1/2/3", "0/c/9999/0/0"):
        assert anonymous.get(f"/flat/lab/brain/vast/{chunk}").status_code == 404, chunk
    for chunk in ("0/c/0/0", "0/c/0/0/99", "0/c/0/0/0/0", "0/9/9/9", "0/.zarr", "0/c"):
        assert anonymous.get(f"/flat/{EM}/{chunk}").status_code == 404, chunk
    level = (served.lake / "lab/brain/secret.ome.zarr/0").path
    shard, document = level / "c/0/0/0", level / "zarr.json"
    url, body = "/flat/lab/brain/secret/0/c/0/0/0", shard.read_bytes()
    assert owner.get(url).status_code == 200
    try:
        shard.write_bytes(body[:-3] + b"xyz")
        assert owner.get(url).status_code == 500
        shard.unlink()
        assert owner.get(url).status_code == 404
        document.rename(level / "away")
        assert owner.get(url).status_code == 409
        (level / "away").rename(document)
        shard.symlink_to(document)
        assert owner.get(url).status_code == 403
    finally:
        shard.unlink(missing_ok=True)
        shard.write_bytes(body)


def test_an_index_is_read_once(anonymous: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"/flat/{EM}/0/c/0/0/"
    assert anonymous.get(f"{url}0").status_code == 200

    def read_index(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(index_cache, "_read_index", read_index)
    assert anonymous.get(f"{url}1").status_code == 200
    assert anonymous.get(f"{url}0").status_code == 200


def test_documents_say_what_is_there(anonymous: httpx2.Client) -> None:
    consolidated = anonymous.get(f"/flat/{EM}/.zmetadata").json()["metadata"]
    assert {".zgroup", ".zattrs", "0/.zarray", "0/.zattrs", "1/.zarray"} <= set(consolidated)
    for key, document in consolidated.items():
        assert anonymous.get(f"/flat/{EM}/{key}").json() == document
    assert 'href=".zarray"' in anonymous.get(f"/flat/{EM}/0/").text
    assert 'href="0/"' in anonymous.get(f"/flat/{EM}/").text


def test_arrays_of_others_keep_their_chunks(served: Served, owner: httpx2.Client) -> None:
    """Of blosc within shards, and without shards by keys of their own."""
    group = (served.lake / "lab/brain/alone.ome.zarr").path
    voxels = np.arange(8 * 8 * 8, dtype=">u2").reshape(8, 8, 8)
    document, kept = group / "1/zarr.json", (group / "1").rename(group / "kept")
    blosc = BloscCodec(cname="lz4", shuffle="shuffle")
    try:
        for more in ({"shards": (8, 8, 8)}, {"chunk_key_encoding": V2_KEYS}):
            options: Any = {"chunks": (4, 4, 4), "compressors": blosc, **more}
            array = zarr.create_array(
                str(group / "1"), shape=(8, 8, 8), dtype="u2", overwrite=True, **options
            )
            array[...] = voxels
            served.app.state.gateway.volumes._entries.clear()
            for zarr_format in FORMATS:
                options = {"headers": OWNER}
                found: Any = zarr.open_array(
                    f"{served.url}/flat/lab/brain/alone/1",
                    mode="r",
                    zarr_format=zarr_format,  # type: ignore[arg-type]  # a literal
                    storage_options=options,
                )
                assert (found.chunks, found.shards) == ((4, 4, 4), None)
                np.testing.assert_array_equal(found[...], voxels)
        assert json.loads(document.read_text())["chunk_key_encoding"]["name"] == "v2"
    finally:
        served.app.state.gateway.volumes._entries.clear()
        shutil.rmtree(group / "1")
        kept.rename(group / "1")


def test_consolidated_metadata_of_shards_are_not_handed_on(
    served: Served, anonymous: httpx2.Client
) -> None:
    document = (served.lake / "lab/light/dyes.ome.zarr/zarr.json").path
    body = document.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(str(document.parent), zarr_format=3)
        assert b"consolidated" in anonymous.get("/zarr/lab/light/dyes/zarr.json").content
        assert b"consolidated" not in anonymous.get("/flat/lab/light/dyes/zarr.json").content
    finally:
        document.write_bytes(body)
