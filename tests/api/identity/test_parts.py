"""Links to a part of a dataset: nothing finer than a level, nothing beside a box."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
import tensorstore as ts
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Served

SECRET = "lab/brain/secret"
SHARD, SHAPE = 32, (45, 67, 71)
BOX = {"z": (0, 32), "y": (10, 67), "x": (33, 70)}
"""Of level 0. Its end along y is that of the image, and along x it is not."""
WIDE = {"z": (0, 45), "y": (32, 67), "x": (0, 64)}


@contextmanager
def part(owner: httpx2.Client, name: str = SECRET, **asked: Any) -> Iterator[httpx2.Client]:
    answer = owner.post(f"/v2/links/{name}", json=asked)
    assert answer.status_code == 201, answer.text
    link = answer.json()["link"]
    assert (link["finest_level"], link["box"]) == (
        asked.get("finest_level", 0),
        {axis: list(ends) for axis, ends in asked.get("box", {}).items()},
    )
    with httpx2.Client(base_url=answer.json()["url"].rstrip("/")) as holder:
        yield holder


def levels_in(document: dict[str, Any]) -> list[str]:
    [multiscale] = document["attributes"]["ome"]["multiscales"]
    return [each["path"] for each in multiscale["datasets"]]


def test_nothing_finer_is_open(served: Served, owner: httpx2.Client) -> None:
    with part(owner, finest_level=1) as holder:
        whole = owner.get(f"/zarr/{SECRET}/zarr.json").json()
        cut = holder.get(f"/zarr/{SECRET}/zarr.json").json()
        assert (levels_in(whole), levels_in(cut)) == (["0", "1"], ["1"])
        assert 'href="1/"' in holder.get(f"/zarr/{SECRET}/").text
        assert 'href="0/"' not in holder.get(f"/zarr/{SECRET}/").text
        for key in ("0/zarr.json", "0/c/0/0/0", "0/", "0/c/", "0", "0/.zarray", "0/0/0/0"):
            for view in ("zarr", "flat"):
                answer = holder.get(f"/{view}/{SECRET}/{key}")
                assert (answer.status_code, "finer" in answer.text or "level" in answer.text) == (
                    403,
                    True,
                ), (view, key)
        attributes = holder.get(f"/flat/{SECRET}/.zattrs").json()
        assert [each["path"] for each in attributes["multiscales"][0]["datasets"]] == ["1"]
        inner = holder.get(f"/flat/{SECRET}/.zmetadata").json()["metadata"]
        assert [path for path in inner if "/" in path] == ["1/.zarray", "1/.zattrs"]
        assert levels_in(holder.get(f"/flat/{SECRET}/zarr.json").json()) == ["1"]
        scales = holder.get(f"/precomputed/{SECRET}/info").json()["scales"]
        assert [scale["key"] for scale in scales] == ["1"]
        assert holder.get(f"/precomputed/{SECRET}/0/0-16_0-16_0-16").status_code == 403
        assert holder.get(f"/precomputed/{SECRET}/1/0-16_0-16_0-16").status_code == 200
        url = f"{holder.base_url}zarr/{SECRET}/"
        group = zarr.open_group(url, mode="r")
        array = group["1"]
        assert isinstance(array, zarr.Array)
        ours = owner.get(f"/v2/datasets/{SECRET}/cutout?level=1&format=npy")
        assert np.array_equal(array[:], np.load(io.BytesIO(ours.content)))
        below = f"/v2/datasets/{SECRET}"
        assert holder.get(f"{below}/cutout?level=1&format=npy").content == ours.content
        assert holder.get(f"{below}/cutout?level=0&z=0&y=0&x=0").status_code == 403
        state = holder.get(f"{below}/neuroglancer/state").json()
        fine = owner.get(f"{below}/neuroglancer/state").json()
        assert state["dimensions"]["x"][0] == 2 * fine["dimensions"]["x"][0]
        assert holder.get(f"/view/{SECRET}").status_code == 302


def test_nothing_beside_a_box_is_open(served: Served, owner: httpx2.Client) -> None:
    voxels = served.voxels[SECRET]
    with part(owner, box=WIDE) as holder:
        inside = holder.get(f"/v2/datasets/{SECRET}/cutout?y=32:67&x=0:64&format=npy")
        assert np.array_equal(np.load(io.BytesIO(inside.content)), voxels[:, 32:, :64])
        refused = holder.get(f"/v2/datasets/{SECRET}/cutout?y=31:67&x=0:64")
        assert (refused.status_code, "[0:45, 32:67, 0:64] is open" in refused.text) == (403, True)
        assert holder.get(f"/v2/datasets/{SECRET}/cutout").status_code == 403
        url = f"{holder.base_url}zarr/{SECRET}/0/"
        array = ts.open({"driver": "zarr3", "kvstore": url}, read=True).result()
        assert np.array_equal(array[:, 32:, :64].read().result(), voxels[:, 32:, :64])
        info = holder.get(f"/precomputed/{SECRET}/info").json()
        assert len(info["scales"]) == 2
        for spans, status in (("0-16_32-48_0-16", 200), ("0-16_16-32_0-16", 403)):
            assert holder.get(f"/precomputed/{SECRET}/0/{spans}").status_code == status
        # Its ends are those of chunks, whose shards stick out of it.
        for driver in ("zarr3", "zarr"):
            flat = {"driver": driver, "kvstore": f"{holder.base_url}flat/{SECRET}/0/"}
            chunks = ts.open(flat, read=True).result()
            assert np.array_equal(chunks[:, 32:, :64].read().result(), voxels[:, 32:, :64])
            with pytest.raises(ValueError, match=r"403|PERMISSION"):
                chunks[:, 16:32].read().result()
        # An error, and not the zeros of what is not there.
        with pytest.raises(ValueError, match=r"403|PERMISSION"):
            array[:, :32].read().result()
        for key in (
            "0/c/",
            "0/c/0/",
            "0/c/0/0",
            "0/c/9/9/9",
            "0/c/0/1/0/0",
            "0/x",
            "labels/zarr.json",
        ):
            assert holder.get(f"/zarr/{SECRET}/{key}").status_code in {400, 403, 404}, key


def test_all_that_tells_of_the_whole_is_refused(served: Served, owner: httpx2.Client) -> None:
    for asked in ({"finest_level": 1}, {"box": {"z": (0, 8)}}):
        with part(owner, "lab/brain/draft", **asked) as holder:
            below = "/v2/datasets/lab/brain/draft"
            for path in (
                "?index=true",
                "/labels?z=0:8",
                "/labels/top",
                "/labels/1",
                "/labels/1/mask?z=0:8",
                "/labels/1/sparse-volume",
                "/objects",
                "/objects/segment-properties/info",
                "/mapping",
                "/cutout?level=1&bodies=true&z=0&y=0&x=0",
                "/image?level=1&bodies=true&z=0&y=0&x=0",
                "/tiles/xy/1/0/0/0?bodies=true",
            ):
                answer = holder.get(below + path)
                assert (answer.status_code, "a part of" in answer.text) == (403, True), path
            assert holder.get(below).status_code == 200
            [layer] = holder.get(f"{below}/neuroglancer/state").json()["layers"]
            assert "properties" not in str(layer["source"])


def test_what_is_no_part_is_refused(owner: httpx2.Client) -> None:
    for asked in (
        {"finest_level": 2},
        {"finest_level": -1},
        {"box": {"t": (0, 1)}},
        {"box": {"z": (0, 46)}},
        {"box": {"z": (5, 5)}},
        {"box": {"z": (-1, 5)}},
    ):
        assert owner.post(f"/v2/links/{SECRET}", json=asked).status_code == 400, asked


@pytest.fixture(scope="module")
def boxed(owner: httpx2.Client) -> Iterator[httpx2.Client]:
    """Who holds a link to `BOX`."""
    with part(owner, box=BOX) as holder:
        yield holder


def is_inside(box: Box, level: int) -> bool:
    """Return whether every voxel of level 0 that a box of a level is made of is in `BOX`."""
    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(*ends) for ends in BOX.values())] = True
    # Voxels of 40 x 10 x 10 nm: only y and x are halved.
    factors = (1, 2, 2) if level else (1, 1, 1)
    blocks = tuple(
        slice(lo * f, hi * f) for lo, hi, f in zip(box.start, box.stop, factors, strict=True)
    )
    return bool(mask[blocks].all())


@settings(max_examples=60)
@given(st.data())
def test_cutouts_are_open_inside_alone(boxed: httpx2.Client, data: st.DataObject) -> None:
    level = data.draw(st.integers(0, 1))
    shape = SHAPE if level == 0 else (45, 34, 36)
    near = [
        {0, 31, 32, 33},
        {4, 5, 6, 9, 10, 11, 33, 34, 66, 67},
        {16, 17, 32, 33, 34, 35, 36, 70, 71},
    ]
    ends = [
        sorted(
            data.draw(
                st.lists(
                    st.sampled_from(sorted(n for n in some if n <= extent))
                    | st.integers(0, extent),
                    min_size=2,
                    max_size=2,
                    unique=True,
                )
            )
        )
        for some, extent in zip(near, shape, strict=True)
    ]
    box = Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))
    asked = "&".join(f"{axis}={lo}:{hi}" for axis, (lo, hi) in zip("zyx", ends, strict=True))
    below, allowed = f"/v2/datasets/{SECRET}", 200 if is_inside(box, level) else 403
    answer = boxed.get(f"{below}/cutout?level={level}&{asked}")
    assert answer.status_code == allowed, asked
    if 1 in box.shape:
        answer = boxed.get(f"{below}/image?level={level}&{asked}")
        assert answer.status_code == allowed, asked
        # Nothing is told of the values of what is not open.
        assert answer.headers.get("x-voxlake-window", "0:65535") == "0:65535"


def test_shards_are_open_inside_alone(owner: httpx2.Client) -> None:
    for asked in ({"z": (0, 32)}, {"z": (32, 45), "y": (64, 67)}, {"y": (31, 64)}, {"x": (0, 70)}):
        with part(owner, box=asked) as holder:
            ends = {"z": (0, 45), "y": (0, 67), "x": (0, 71)} | asked
            limit = Box(*map(tuple, zip(*ends.values(), strict=True)))
            for cell in np.ndindex(2, 3, 3):
                box = Box(
                    tuple(i * SHARD for i in cell),
                    tuple(min((i + 1) * SHARD, n) for i, n in zip(cell, SHAPE, strict=True)),
                )
                key = "/".join(map(str, cell))
                status = holder.get(f"/zarr/{SECRET}/0/c/{key}").status_code
                assert status == (200 if limit.contains(box) else 403), (asked, cell)
                assert holder.head(f"/zarr/{SECRET}/0/c/{key}").status_code == status
