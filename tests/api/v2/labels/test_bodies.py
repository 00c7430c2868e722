"""Bodies: the mapping applied to whatever is read, and equal to NumPy's of each voxel."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.labelled import (
    IDS,
    LARGEST,
    Labelled,
    ask_of_bodies,
    boxes,
    brute_bodies,
    labelled_gateway,
    query_of,
)
from tests.ngff.labels.queries.samples import brute_runs, decode_blocks, decode_rles, decode_spans

from voxlake.ngff.labels.mapping.changes import import_mapping, merge
from voxlake.ngff.labels.mapping.mapping import open_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from voxlake.ngff.grid.box import Box

OWNERS = {1: 70, 2: 70, (1 << 53) + 1: LARGEST, 3: 0}
BODIES = [70, LARGEST]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path_factory.mktemp("bodies")) as served:
        import_mapping(served.opened()[1], list(OWNERS), list(OWNERS.values()))
        yield served


@pytest.fixture(scope="module")
def bob(labelled: Labelled) -> Iterator[httpx2.Client]:
    with labelled.client("bob") as client:
        ask_of_bodies(client)
        yield client


@pytest.fixture(scope="module")
def voxels(labelled: Labelled) -> Any:
    return brute_bodies(labelled.voxels, OWNERS)


@settings(max_examples=15)
@given(box=boxes(), form=st.sampled_from(["raw", "npy"]))
def test_cutouts(bob: httpx2.Client, voxels: Any, box: Box, form: str) -> None:
    answer = bob.get("cells/cutout", params={**query_of(box), "format": form})
    assert answer.headers["x-voxlake-mapping"] == "1"
    assert answer.headers["x-voxlake-dtype"] == "uint64"
    got = (
        np.load(io.BytesIO(answer.content))
        if form == "npy"
        else np.frombuffer(answer.content, np.uint64).reshape(box.shape)
    )
    np.testing.assert_array_equal(got, voxels[box.slices])


def test_cutouts_of_levels_and_of_supervoxels(
    labelled: Labelled, bob: httpx2.Client, voxels: Any
) -> None:
    coarse = bob.get("cells/cutout", params={"level": 1, "format": "npy"})
    np.testing.assert_array_equal(np.load(io.BytesIO(coarse.content)), voxels[:, ::2, ::2])
    with labelled.client("bob") as plain:
        answer = plain.get("cells/cutout", params={"format": "npy"})
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), labelled.voxels)
    assert "x-voxlake-mapping" not in answer.headers


@settings(max_examples=15)
@given(box=boxes())
def test_bodies_of_a_box(bob: httpx2.Client, voxels: Any, box: Box) -> None:
    found = bob.get("cells/labels", params={**query_of(box), "counts": True}).json()
    block = voxels[box.slices]
    ids, counts = np.unique(block[block != 0], return_counts=True)
    assert (found["labels"], found["counts"]) == (list(map(str, ids.tolist())), counts.tolist())


@pytest.mark.parametrize("body", BODIES)
def test_where_a_body_is(bob: httpx2.Client, voxels: Any, body: int) -> None:
    where = np.argwhere(voxels == np.uint64(body))
    answer = bob.get(f"cells/labels/{body}", params={"point": True})
    found = answer.json()
    assert (found["voxels"], found["mapping"]) == (len(where), 1)
    assert (
        list(found["box"].values())
        == np.transpose([where.min(axis=0), where.max(axis=0) + 1]).tolist()
    )
    cells = np.unique(where // 16, axis=0)
    assert (found["chunks"], found["shards"]) == (len(cells), len(np.unique(where // 32, axis=0)))
    assert voxels[tuple(found["point"])] == np.uint64(body)
    assert bob.get(f"cells/labels/{body}/chunks").json()["cells"] == cells.tolist()
    points = bob.get(f"cells/labels/{body}/points", params={"count": 40}).json()["points"]
    assert (voxels[tuple(np.transpose(points))] == np.uint64(body)).all()
    asked = {"labels": [body, 1, 424242], "bodies": True}
    found = bob.post("cells/labels/lookup", json=asked).json()
    assert [(each["label"], each["voxels"]) for each in found["labels"]] == [
        (str(body), len(where))
    ]
    assert found["missing"] == ["1", "424242"]
    # How many chunks two supervoxels share is not known from their counts.
    assert found["labels"][0]["chunks"] is None


def test_the_largest_bodies(bob: httpx2.Client, voxels: Any) -> None:
    ids, counts = np.unique(voxels[voxels != 0], return_counts=True)
    order = np.lexsort((ids, -counts))
    found = bob.get("cells/labels/top", params={"n": 10}).json()["labels"]
    assert [(int(each["label"]), each["voxels"]) for each in found] == [
        (int(ids[line]), int(counts[line])) for line in order
    ]


def test_bodies_at_points(labelled: Labelled, bob: httpx2.Client, voxels: Any) -> None:
    points = np.random.default_rng(3).integers(0, voxels.shape, (50, 3))
    asked = {"points": points.tolist(), "bodies": True}
    found = bob.post("cells/labels/points", json=asked).json()
    assert found == {"labels": [str(v) for v in voxels[tuple(points.T)].tolist()], "mapping": 1}


@settings(max_examples=15)
@given(box=boxes(), body=st.sampled_from(BODIES), form=st.sampled_from(["rles", "srles", "arrow"]))
def test_runs_of_a_body(bob: httpx2.Client, voxels: Any, box: Box, body: int, form: str) -> None:
    path = f"cells/labels/{body}/sparse-volume"
    answer = bob.get(path, params={**query_of(box), "format": form})
    runs = brute_runs(voxels, body, box)
    if form == "arrow":
        table = pa.ipc.open_stream(answer.content).read_all()
        assert sorted(map(tuple, (row.values() for row in table.to_pylist()))) == runs
    else:
        assert {"rles": decode_rles, "srles": decode_spans}[form](answer.content) == runs
    mask = bob.get(f"cells/labels/{body}/mask", params={**query_of(box), "format": "npy"})
    want = voxels[box.slices] == np.uint64(body)
    np.testing.assert_array_equal(np.load(io.BytesIO(mask.content)), want)


def test_blocks_of_a_body_bear_its_number(bob: httpx2.Client, voxels: Any) -> None:
    answer = bob.get("cells/labels/70/sparse-volume", params={"format": "blocks"})
    name, mask = decode_blocks(answer.content, voxels.shape)
    assert name == 70
    assert np.argwhere(mask).tolist() == np.argwhere(voxels == 70).tolist()


def test_what_is_no_body(labelled: Labelled, bob: httpx2.Client) -> None:
    for path in ("", "/chunks", "/points", "/sparse-volume", "/mask"):
        answer = bob.get(f"cells/labels/1{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:voxlake:error:not-found")
        assert "70" in answer.json()["detail"]
        assert "background" in bob.get(f"cells/labels/3{path}").json()["detail"]
    assert bob.get("em/cutout").json()["type"] == "urn:voxlake:error:unsupported"


def test_a_change_is_seen_by_the_next_question(labelled: Labelled, bob: httpx2.Client) -> None:
    draft = labelled.opened("draft")[1]
    with labelled.client() as ana:
        for number, (into, body) in enumerate([(1, 2), (1, 3), (LARGEST, 1)], 1):
            merge(draft, [into, body])
            assert open_mapping(draft).number == number
            answer = ana.get(f"draft/labels/{into}", params={"bodies": True})
            assert answer.headers["x-voxlake-mapping"] == str(number)
            gone = ana.get(f"draft/labels/{body}", params={"bodies": True})
            assert gone.status_code == 404
        whole = ana.get(f"draft/labels/{LARGEST}", params={"bodies": True}).json()
    joined = np.isin(labelled.voxels, np.array([1, 2, 3, LARGEST], np.uint64))
    assert whole["voxels"] == np.count_nonzero(joined)
    assert len(IDS) == 5
