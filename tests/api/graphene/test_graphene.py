"""Labels as a graph over HTTP: as Neuroglancer and CAVE's clients ask, against the voxels."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts
from numcodecs import zstd
from tests.api.graphene.conftest import API, BLOCKS, LARGEST, SHAPE, TABLE, chosen, node_of

from voxlake.api.data.labels import graphs as data
from voxlake.api.data.labels.labels import labels_in_box
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    import httpx2
    from tests.api.graphene.conftest import Graphs

FIRST = 2 << 56
CHANGED = 3 << 56


def refused(answer: httpx2.Response, status: int) -> str:
    """Return the words of an error, as Neuroglancer finds them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    problem = answer.json()
    assert problem["message"] == problem["detail"]
    return str(problem["message"])


def test_the_info_describes_graph_and_volume(graphs: Graphs) -> None:
    info = graphs.nobody.get(f"/segmentation/table/{TABLE}/info").json()
    assert info["graph"] == {
        "chunk_size": [32, 32, 32],
        "n_bits_for_layer_id": 8,
        "cv_mip": 0,
        "n_layers": 3,
        "spatial_bit_masks": {"1": 0, "2": 0, "3": 0},
    }
    assert info["data_dir"] == f"{graphs.url}/segmentation/table/{TABLE}/supervoxels"
    assert info["app"] == {"supported_api_versions": [0, 1]}
    assert (info["scales"][0]["size"], info["scales"][0]["resolution"]) == (
        [70, 45, 20],
        [10, 10, 40],
    )
    assert graphs.nobody.get("/segmentation/api/versions").json() == [0, 1]


@pytest.mark.parametrize("level", [0, 1])
def test_supervoxels_are_the_labels_with_their_layer(graphs: Graphs, level: int) -> None:
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": f"{graphs.url}/segmentation/table/{TABLE}/supervoxels/",
        "scale_index": level,
    }
    read = ts.open(spec).result().read().result()[..., 0].T
    labels = graphs.voxels[:, :: 2**level, :: 2**level]
    np.testing.assert_array_equal(read, np.where(labels, labels | np.uint64(1 << 56), 0))


@pytest.mark.parametrize("coding", ["zstd", "gzip", "identity"])
def test_a_chunk_is_compressed_as_the_client_likes(graphs: Graphs, coding: str) -> None:
    path = f"/segmentation/table/{TABLE}/supervoxels/0/64-70_32-45_16-20"
    answer = graphs.ann.get(path, headers={"accept-encoding": f"{coding};q=0.9, br"})
    assert answer.headers.get("content-encoding", "identity") == coding
    body = zstd.decompress(answer.content) if coding == "zstd" else answer.content
    ids = np.frombuffer(body, "<u8").reshape(4, 13, 6)
    labels = graphs.voxels[16:, 32:, 64:]
    np.testing.assert_array_equal(ids, np.where(labels, labels | np.uint64(1 << 56), 0))
    known = {"accept-encoding": coding, "if-none-match": answer.headers["etag"]}
    assert graphs.ann.get(path, headers=known).status_code == 304


def test_what_is_no_chunk_is_refused(graphs: Graphs) -> None:
    base = f"/segmentation/table/{TABLE}/supervoxels"
    for chunk in ("0/0-16_0-16_0-17", "0/1-17_0-16_0-16", "0/80-96_0-16_0-16", "9/0-16_0-16_0-16"):
        assert "has no chunk" in refused(graphs.nobody.get(f"{base}/{chunk}"), 404)
    refused(graphs.nobody.get(f"{base}/0/0-16"), 400)
    huge = "/segmentation/table/lab.brain.huge/supervoxels/0/0-16_0-16_0-16"
    assert "2^56" in refused(graphs.ann.get(huge), 400)
    words = refused(graphs.ann.get("/segmentation/table/lab.brain/info"), 400)
    assert "dataset '' is not valid" in words
    refused(graphs.nobody.get("/segmentation/table/lab.brain.huge/info"), 401)


def test_roots_and_leaves(graphs: Graphs) -> None:
    assert {label: graphs.root(label) for label in BLOCKS} == {
        label: FIRST | label for label in BLOCKS
    }
    text = graphs.get(f"node/{node_of(3)}/root", int64_as_str=1)
    assert text == {"root_id": str(FIRST | 3)}
    nodes = [node_of(label) for label in (4, 1, LARGEST)]
    expected = [FIRST | 4, FIRST | 1, FIRST | LARGEST]
    assert graphs.post("roots", {"node_ids": nodes}) == {"root_ids": expected}
    body = np.array([*nodes, 0, expected[0]], "<u8").tobytes()
    answer = graphs.nobody.post(f"{API}/roots_binary", content=body)
    assert np.frombuffer(answer.content, "<u8").tolist() == [*expected, 0, expected[0]]
    refused(graphs.nobody.post(f"{API}/roots_binary", content=b"x" * 9), 400)
    assert graphs.leaves(FIRST | 3) == {3}
    assert graphs.leaves(node_of(3)) == {3}
    assert graphs.get(f"node/{FIRST | 4}/children") == {"children_ids": [node_of(4)]}
    for node in (FIRST, CHANGED, CHANGED | 2, 7 << 56):
        assert "is no root" in refused(graphs.nobody.get(f"{API}/node/{node}/leaves"), 404)


def test_leaves_are_those_with_voxels_in_the_bounds(graphs: Graphs) -> None:
    graphs.post("merge", [chosen(1), chosen(2)])
    graphs.post("merge", [chosen(1), chosen(3)])
    root = graphs.root(2)
    rng = np.random.default_rng()
    for _ in range(20):
        start = [int(rng.integers(0, size)) for size in SHAPE]
        stop = [int(rng.integers(lo, size + 30)) for lo, size in zip(start, SHAPE, strict=True)]
        bounds = "_".join(f"{lo}-{hi}" for lo, hi in zip(start[::-1], stop[::-1], strict=True))
        inside = graphs.voxels[tuple(map(slice, start, stop))]
        expected = {1, 2, 3} & set(np.unique(inside).tolist())
        assert graphs.leaves(root, bounds=bounds) == expected
    many = graphs.post(
        "node/leaves_many", {"node_ids": [root, FIRST | 4]}, bounds="0-9_0-40_0-20", int64_as_str=1
    )
    assert many == {str(root): [str(node_of(1))], str(FIRST | 4): [str(node_of(4))]}


def test_a_box_is_read_once_for_many_roots(graphs: Graphs, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = []

    async def counted(granted: Any, box: Box, *page: Any, **options: Any) -> Any:
        boxes.append(box)
        return await labels_in_box(granted, box, *page, **options)

    monkeypatch.setattr(data, "labels_in_box", counted)
    nodes = {"node_ids": [FIRST | label for label in BLOCKS]}
    found = graphs.post("node/leaves_many", nodes, bounds="0-20_0-40_0-20")
    assert {int(root) - FIRST: leaves for root, leaves in found.items()} == {
        1: [node_of(1)],
        2: [node_of(2)],
        3: [],
        4: [node_of(4)],
        LARGEST: [],
    }
    assert boxes == [Box((0, 0, 0), (20, 40, 20))]
    every = graphs.post("node/leaves_many", nodes)
    assert every == {str(FIRST | label): [node_of(label)] for label in BLOCKS}
    assert graphs.post("node/leaves_many", {"node_ids": []}) == {}


def test_a_merge_is_seen_and_undone(graphs: Graphs) -> None:
    merged = graphs.post("merge", [chosen(1), chosen(4)], int64_as_str=1)
    root = CHANGED | 2
    assert merged == {"operation_id": 1, "new_root_ids": [str(root)], "new_lvl2_ids": []}
    assert [graphs.root(label) for label in (1, 4, 2)] == [root, root, FIRST | 2]
    assert graphs.leaves(root) == {1, 4}
    mapping = graphs.ann.get("/v2/datasets/lab/brain/cells/mapping/4").json()
    assert (mapping["body"], mapping["number"]) == ("1", 1)
    latest = {"node_ids": [str(root), FIRST | 1, FIRST | 2, 5]}
    assert graphs.post("is_latest_roots", latest) == {"is_latest": [True, False, True, False]}
    # A root that is over still has the leaves that it had.
    assert graphs.leaves(FIRST | 1) == {1}

    undone = graphs.post("undo", {"operation_id": 1})
    assert undone["new_root_ids"] == [CHANGED | 4, CHANGED | 5]
    assert [graphs.leaves(node) for node in undone["new_root_ids"]] == [{1}, {4}]
    assert graphs.leaves(root) == {1, 4}
    again = graphs.post("redo", {"operation_id": 1})
    assert again["new_root_ids"] == [CHANGED | 6]
    assert graphs.root(4) == CHANGED | 6
    conflict = graphs.ann.post(f"{API}/redo", json={"operation_id": 1})
    assert "is no body" in refused(conflict, 409)
    assert "none 9" in refused(graphs.ann.post(f"{API}/redo", json={"operation_id": 9}), 404)


def test_a_split_parts_the_supervoxels_that_are_named(graphs: Graphs) -> None:
    for label in (2, 3, 4):
        graphs.post("merge", [chosen(1), chosen(label)])
    asked = {"sources": [chosen(2)], "sinks": [chosen(3), chosen(1)]}
    preview = graphs.post("graph/split_preview", asked)
    assert preview == {
        "supervoxel_connected_components": [
            [node_of(2), node_of(4)],
            [node_of(1), node_of(3)],
        ],
        "illegal_split": False,
    }
    left, taken = graphs.post("split", asked)["new_root_ids"]
    assert (graphs.leaves(left), graphs.leaves(taken)) == ({2, 4}, {1, 3})
    both = {"sources": [chosen(2)], "sinks": [chosen(2)]}
    assert "for both sides" in refused(graphs.ann.post(f"{API}/split", json=both), 400)
    two = {"sources": [chosen(2)], "sinks": [chosen(3)]}
    assert "of the bodies 1, 3" in refused(graphs.ann.post(f"{API}/split", json=two), 400)


def test_a_supervoxel_whose_number_its_body_has_is_parted(graphs: Graphs) -> None:
    """The body keeps its number, so the new one has another than any label."""
    graphs.post("merge", [chosen(1), chosen(2)])
    asked = {"sources": [chosen(2)], "sinks": [chosen(1)]}
    left, taken = graphs.post("split", asked)["new_root_ids"]
    assert (graphs.leaves(left), graphs.leaves(taken)) == ({2}, {1})


def test_a_root_and_a_point_stand_for_the_supervoxel_there(graphs: Graphs) -> None:
    graphs.post("merge", [chosen(1), chosen(2)])
    root = graphs.root(1)
    asked = {
        "sources": [[root, 5 * 10, 5 * 10, 3 * 40]],
        "sinks": [[str(root), 25.5 * 10, 5 * 10, 19.9 * 40]],
    }
    left, taken = graphs.post("split", asked)["new_root_ids"]
    assert (graphs.leaves(left), graphs.leaves(taken)) == ({1}, {2})
    for point, words in (([695.0, 0, 0], "background"), ([-1, 0, 0], "not all of")):
        wrong = {"sources": [[left, *point]], "sinks": [chosen(1)]}
        assert words in refused(graphs.ann.post(f"{API}/split", json=wrong), 400)


def test_what_cannot_be_merged_is_said(graphs: Graphs) -> None:
    def say(body: Any, status: int) -> str:
        return refused(graphs.ann.post(f"{API}/merge", json=body), status)

    graphs.post("merge", [chosen(1), chosen(2)])
    assert "of one body already" in say([chosen(1), chosen(2)], 400)
    assert "was changed since" in say([[FIRST | 1, 0, 0, 0], chosen(3)], 409)
    assert "no voxel has 9" in say([chosen(9), chosen(3)], 404)
    for body in ([chosen(1)], {"a": 1}, [[0, 0, 0, 0], chosen(1)], [chosen(1), [1, "x", 0, 0]]):
        say(body, 400)
    body = [chosen(1), chosen(3)]
    refused(graphs.nobody.post(f"{API}/merge", json=body), 401)


def test_the_log_tells_who_did_what(graphs: Graphs) -> None:
    graphs.post("merge", [chosen(1), chosen(2)], priority=False)
    graphs.post("split", {"sources": [chosen(1)], "sinks": [chosen(2)]})
    graphs.post("merge", [chosen(3), chosen(4)])
    root = graphs.root(2)
    log = graphs.get(f"root/{root}/change_log", filtered=True)
    assert log == {
        "n_merges": 1,
        "n_splits": 1,
        "operations_ids": [1, 2],
        "past_ids": [FIRST | 1, FIRST | 2, CHANGED | 2],
        "user_info": {"ann": {"n_merges": 1, "n_splits": 1}},
    }
    details = graphs.get("operation_details", operation_ids="[1, 2]")
    assert [details[key]["operation"] for key in ("1", "2")] == ["merge", "split"]
    assert (details["2"]["labels"], details["2"]["user"]) == (["2"], "ann")
    assert details["2"]["roots"] == [CHANGED | 4, CHANGED | 5]
    made = [datetime.fromisoformat(details[key]["timestamp"]).timestamp() for key in ("1", "2")]
    times = graphs.post("root_timestamps", {"node_ids": [CHANGED | 2, root]})
    assert times["timestamp"] == made
    over = graphs.post("root_timestamps", {"node_ids": [CHANGED | 2, root]}, latest=True)
    assert over["timestamp"][0] == made[1] < over["timestamp"][1]
    began = graphs.get("oldest_timestamp")
    assert graphs.post("root_timestamps", {"node_ids": [FIRST | 1]})["timestamp"] == [
        began["epoch"]
    ]
    # What was so is told as of then.
    assert graphs.get(f"node/{node_of(2)}/root", timestamp=made[0])["root_id"] == CHANGED | 2
    assert graphs.get(f"node/{node_of(2)}/root", timestamp=0)["root_id"] == FIRST | 2
    assert graphs.post("is_latest_roots", {"node_ids": [CHANGED | 2]}, timestamp=made[0]) == {
        "is_latest": [True]
    }
    refused(graphs.ann.get(f"{API}/node/{node_of(2)}/root", params={"timestamp": 1e30}), 400)
    graph = graphs.post("lineage_graph_multiple", {"root_ids": [CHANGED | 2]}, name="x")
    assert sorted((link["source"], link["target"]) for link in graph["links"]) == [
        (FIRST | 1, CHANGED | 2),
        (FIRST | 2, CHANGED | 2),
        (CHANGED | 2, CHANGED | 4),
        (CHANGED | 2, CHANGED | 5),
    ]
    past = graphs.post("lineage_graph_multiple", {"root_ids": [root]}, timestamp_future=made[0])
    assert len(past["links"]) == 2
    refused(graphs.ann.get(f"{API}/operation_details?operation_ids=[1,]"), 400)
    assert json.loads(graphs.ann.get(f"{API}/operation_details?operation_ids=[]").text) == {}


def test_a_link_reads_the_graph_and_does_not_change_it(graphs: Graphs) -> None:
    owner = {"Authorization": "Bearer voxlake_the-owner-of-the-test-lake"}
    made = graphs.nobody.post("/v2/links/lab/brain/cells", json={}, headers=owner).json()
    base = made["url"].rstrip("/")
    info = graphs.nobody.get(f"{base}/segmentation/table/{TABLE}/info").json()
    assert info["data_dir"] == f"{base}/segmentation/table/{TABLE}/supervoxels"
    assert graphs.nobody.get(f"{base}{API}/node/{node_of(1)}/root").status_code == 200
    body = [chosen(1), chosen(2)]
    refused(graphs.nobody.post(f"{base}{API}/merge", json=body), 403)
