"""Labels in boxes, and where one is, against NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.conftest import SHAPE, Served

if TYPE_CHECKING:
    import httpx2

LABELS = "/v2/datasets/lab/brain/cells/labels"


@given(
    box=st.tuples(*(st.tuples(st.integers(0, n - 1), st.integers(1, n)) for n in SHAPE)),
    counts=st.booleans(),
)
@settings(max_examples=40)
def test_labels_of_any_box_equal_numpy(
    served: Served, anonymous: httpx2.Client, box: tuple[tuple[int, int], ...], counts: bool
) -> None:
    spans = [(lo, min(extent, lo + size)) for (lo, size), extent in zip(box, SHAPE, strict=True)]
    query = {axis: f"{lo}:{hi}" for axis, (lo, hi) in zip("zyx", spans, strict=True)}
    found = anonymous.get(LABELS, params={**query, "counts": counts}).json()
    voxels = served.voxels["lab/brain/cells"][tuple(slice(lo, hi) for lo, hi in spans)]
    ids, numbers = np.unique(voxels[voxels != 0], return_counts=True)
    assert found["labels"] == [str(label) for label in ids.tolist()]
    assert found["counts"] == (numbers.tolist() if counts else None)
    assert found["box"] == {axis: list(span) for axis, span in zip("zyx", spans, strict=True)}


def test_each_label_is_where_numpy_finds_it(served: Served, anonymous: httpx2.Client) -> None:
    voxels = served.voxels["lab/brain/cells"]
    everything = anonymous.get(LABELS).json()["labels"]
    assert str(2**64 - 1) in everything
    for label in everything:
        found = anonymous.get(f"{LABELS}/{label}").json()
        where = np.argwhere(voxels == np.uint64(label))
        low, high = where.min(axis=0).tolist(), (where.max(axis=0) + 1).tolist()
        assert found["label"] == label
        assert found["voxels"] == len(where)
        assert found["box"] == {
            axis: [lo, hi] for axis, lo, hi in zip("zyx", low, high, strict=True)
        }


def test_a_dataset_is_described(served: Served, owner: httpx2.Client) -> None:
    found = owner.get("/v2/datasets/lab/brain/cells").json()
    assert (found["kind"], found["of"], found["dtype"]) == ("labels", "lab/brain/em", "uint64")
    assert (found["state"], found["public"], found["index"]) == ("ready", True, None)
    assert found["store_url"] == str(served.lake / "lab/brain/em.ome.zarr/labels/cells")
    assert found["zarr_url"] == served.zarr("lab/brain/cells").rstrip("/")
    assert [axis["name"] for axis in found["axes"]] == ["z", "y", "x"]
    assert {axis["unit"] for axis in found["axes"]} == {"nanometer"}
    first, second = found["levels"]
    assert (first["shape"], first["scale"]) == (list(SHAPE), [40.0, 10.0, 10.0])
    assert (second["scale"], second["translation"]) == ([40.0, 20.0, 20.0], [0.0, 5.0, 5.0])
    assert (first["chunk"], first["shard"]) == ([16] * 3, [32] * 3)
    assert first["codecs"][0]["name"] == "sharding_indexed"


def test_the_state_of_the_index_is_told_if_asked(owner: httpx2.Client) -> None:
    url = "/v2/datasets/lab/brain/cells"
    index = owner.get(url, params={"index": True}).json()["index"]
    assert index["shards"] == index["indexed"] == 2 * 3 * 3
    assert (index["stale"], index["missing"]) == (0, 0)
    assert owner.get("/v2/datasets/lab/brain/em", params={"index": True}).status_code == 400
