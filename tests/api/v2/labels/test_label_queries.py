"""Questions about labels, asked over HTTP: NumPy is the judge."""

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
    LIMIT_BYTES,
    SHAPE,
    Labelled,
    assert_only_some_may,
    boxes,
    labelled_gateway,
    query_of,
)
from tests.ngff.labels.queries.samples import (
    brute_runs,
    decode_blocks,
    decode_rles,
    decode_spans,
)
from tests.ngff.labels.writing import write_labels
from ulid import ULID

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

ARROW = "application/vnd.apache.arrow.stream"
EVERYTHING = Box.of_shape(SHAPE)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path_factory.mktemp("labelled")) as served:
        yield served


@pytest.fixture(scope="module")
def bob(labelled: Labelled) -> Iterator[httpx2.Client]:
    """Somebody who may read what is public."""
    with labelled.client("bob") as client:
        yield client


def ranges_of(where: Any) -> dict[str, list[int]]:
    ends = zip("zyx", where.min(axis=0).tolist(), (where.max(axis=0) + 1).tolist(), strict=True)
    return {axis: [lo, hi] for axis, lo, hi in ends}


def where_is(labelled: Labelled, label: int) -> Any:
    return np.argwhere(labelled.voxels == np.uint64(label))


@pytest.mark.parametrize("label", IDS)
def test_where_a_label_is(labelled: Labelled, bob: httpx2.Client, label: int) -> None:
    answer = bob.get(f"cells/labels/{label}", params={"point": True})
    found, where = answer.json(), where_is(labelled, label)
    assert (found["label"], found["voxels"]) == (str(label), len(where))
    assert found["box"] == ranges_of(where)
    cells = np.unique(where // 16, axis=0)
    loose = (cells.min(axis=0) * 16, np.minimum((cells.max(axis=0) + 1) * 16, SHAPE))
    assert list(found["loose_box"].values()) == np.transpose(loose).tolist()
    assert (found["chunks"], found["shards"]) == (
        len(cells),
        len(np.unique(where // 32, axis=0)),
    )
    assert labelled.voxels[tuple(found["point"])] == np.uint64(label)
    assert (found["consistency"], found["as_of"], found["mapping"]) == ("indexed", None, None)
    assert answer.headers["x-index-consistency"] == "indexed"
    chunks = bob.get(f"cells/labels/{label}/chunks").json()
    assert (chunks["cells"], chunks["chunk"]) == (cells.tolist(), [16, 16, 16])
    numbers = {n for first, stop in chunks["morton"] for n in range(int(first), int(stop))}
    assert len(numbers) == len(cells)


def test_an_answer_says_how_old_it_may_be(labelled: Labelled, bob: httpx2.Client) -> None:
    marker = labelled.opened()[1] / "dirty" / f"all.{ULID()}"
    store.write(marker, b"{}")
    try:
        answer = bob.get("cells/labels/1")
        assert answer.json()["consistency"] == "snapshot"
        assert answer.headers["x-index-as-of"] == answer.json()["as_of"].replace("Z", "+00:00")
        for path in ("1/chunks", "top", "1/sparse-volume"):
            assert "x-index-as-of" in bob.get(f"cells/labels/{path}").headers
        assert "x-index-as-of" not in bob.get("cells/labels").headers
    finally:
        store.delete(marker)


@settings(max_examples=25)
@given(box=boxes(), label=st.sampled_from(IDS), form=st.sampled_from(["rles", "srles", "arrow"]))
def test_runs_of_any_box(
    labelled: Labelled, bob: httpx2.Client, box: Box, label: int, form: str
) -> None:
    path = f"cells/labels/{label}/sparse-volume"
    answer = bob.get(path, params={**query_of(box), "format": form})
    assert answer.status_code == 200
    runs = brute_runs(labelled.voxels, label, box)
    if form == "arrow":
        table = pa.ipc.open_stream(answer.content).read_all()
        assert sorted(map(tuple, (row.values() for row in table.to_pylist()))) == runs
    else:
        assert {"rles": decode_rles, "srles": decode_spans}[form](answer.content) == runs


@pytest.mark.parametrize("label", [2, LARGEST])
def test_a_whole_label_in_every_form(labelled: Labelled, bob: httpx2.Client, label: int) -> None:
    path, where = f"cells/labels/{label}/sparse-volume", where_is(labelled, label)
    answer = bob.get(path, headers={"Accept": "application/vnd.dvid.blocks"})
    assert answer.headers["content-type"] == "application/vnd.dvid.blocks"
    name, mask = decode_blocks(answer.content, SHAPE)
    assert (name, np.argwhere(mask).tolist()) == (label, where.tolist())
    coarse = decode_rles(bob.get(path, params={"coarse": True}).content)
    cells = [(z, y, x + i) for z, y, x, n in coarse for i in range(n)]
    assert cells == [tuple(cell) for cell in np.unique(where // 16, axis=0).tolist()]
    # DVID's default.
    assert bob.get(path).headers["content-type"] == "application/vnd.dvid.rles"


@settings(max_examples=15)
@given(box=st.none() | boxes(), label=st.sampled_from(IDS), form=st.sampled_from(["raw", "npy"]))
def test_masks(
    labelled: Labelled, bob: httpx2.Client, box: Box | None, label: int, form: str
) -> None:
    asked = {} if box is None else query_of(box)
    answer = bob.get(f"cells/labels/{label}/mask", params={**asked, "format": form})
    shown = box or Box(*zip(*ranges_of(where_is(labelled, label)).values(), strict=True))
    want = (labelled.voxels[shown.slices] == np.uint64(label)).astype(np.uint8)
    assert answer.headers["x-voxlake-shape"] == ",".join(map(str, shown.shape))
    if form == "npy":
        got = np.load(io.BytesIO(answer.content))
    else:
        got = np.frombuffer(answer.content, np.uint8).reshape(want.shape)
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, want)


def test_many_labels_at_once(labelled: Labelled, bob: httpx2.Client) -> None:
    asked = [LARGEST, 1, 424242]
    found = bob.post("cells/labels/lookup", json={"labels": list(map(str, asked))}).json()
    assert found["missing"] == ["424242"]
    assert [each["label"] for each in found["labels"]] == ["1", str(LARGEST)]
    for each in found["labels"]:
        where = where_is(labelled, int(each["label"]))
        assert (each["voxels"], each["box"]) == (len(where), ranges_of(where))
    answer = bob.post(
        "cells/labels/lookup", json={"labels": asked}, headers={"Accept": f"{ARROW}, */*;q=0.1"}
    )
    assert answer.headers["content-type"] == ARROW
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table["label"].to_pylist() == [1, LARGEST]
    assert table["z1"].to_pylist() == [each["box"]["z"][1] for each in found["labels"]]


def test_the_largest(labelled: Labelled, bob: httpx2.Client) -> None:
    ids, counts = np.unique(labelled.voxels[labelled.voxels != 0], return_counts=True)
    order = np.lexsort((ids, -counts))
    for form in ("json", "arrow"):
        answer = bob.get("cells/labels/top", params={"n": 3, "format": form})
        if form == "json":
            got = [(int(each["label"]), each["voxels"]) for each in answer.json()["labels"]]
        else:
            table = pa.ipc.open_stream(answer.content).read_all()
            got = [(row["label"], row["voxels"]) for row in table.to_pylist()]
        assert got == [(int(ids[line]), int(counts[line])) for line in order[:3]]


def test_points(labelled: Labelled, bob: httpx2.Client) -> None:
    points = np.random.default_rng(2).integers(0, SHAPE, (200, 3))
    found = bob.post("cells/labels/points", json={"points": points.tolist()}).json()
    assert found["labels"] == [str(v) for v in labelled.voxels[tuple(points.T)].tolist()]
    floats = bob.post("cells/labels/points", json={"points": points.astype(float).tolist()})
    assert floats.json()["labels"] == found["labels"]
    assert bob.post("cells/labels/points", json={"points": []}).json()["labels"] == []
    drawn = bob.get("cells/labels/3/points", params={"count": 50, "seed": 4}).json()["points"]
    assert len(drawn) == 50
    assert (labelled.voxels[tuple(np.transpose(drawn))] == 3).all()


def test_ids_are_reserved_above_all_there_are(labelled: Labelled) -> None:
    volume, index = labelled.opened("draft")
    with labelled.client() as ana:
        # One of the labels is the largest there is.
        answer = ana.post("draft/labels/reserve", json={"count": 5})
        assert answer.json()["type"] == "urn:voxlake:error:limit-exceeded"
        voxels = np.where(labelled.voxels == np.uint64(LARGEST), np.uint64(9), labelled.voxels)
        write_labels(volume, index, volume.box, voxels)
        assert int(Labels(volume, index).view().all().labels.max()) == (1 << 53) + 1
        first = ana.post("draft/labels/reserve", json={"count": 5}).json()
        assert first == {"first": str((1 << 53) + 2), "stop": str((1 << 53) + 7)}
        second = ana.post("draft/labels/reserve", json={"count": "2"}).json()
        assert second["first"] == first["stop"]


QUESTIONS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "labels", None),
    ("GET", "labels/all", None),
    ("GET", "labels/top", None),
    ("POST", "labels/lookup", {"labels": [1]}),
    ("POST", "labels/points", {"points": [[0, 0, 0]]}),
    ("GET", "labels/1", None),
    ("GET", "labels/1/chunks", None),
    ("GET", "labels/1/points", None),
    ("GET", "labels/1/sparse-volume", None),
    ("GET", "labels/1/mask", None),
]
CHANGES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "labels/reserve", {"count": 0}),
]


def test_who_may_ask(labelled: Labelled) -> None:
    with labelled.client("") as nobody, labelled.client("bob") as bob, labelled.client() as ana:
        for method, path, body in QUESTIONS:
            for who in (nobody, bob, ana):
                assert who.request(method, f"cells/{path}", json=body).status_code == 200, path
            assert nobody.request(method, f"draft/{path}", json=body).status_code == 401, path
            assert bob.request(method, f"draft/{path}", json=body).status_code == 404, path
            assert ana.request(method, f"draft/{path}", json=body).status_code == 200, path


def test_who_may_change(labelled: Labelled) -> None:
    assert_only_some_may(labelled, CHANGES, {400})


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"labels": 7}', b'{"labels": [0]}'])
def test_a_body_is_looked_at_after_the_asker(labelled: Labelled, body: bytes) -> None:
    with labelled.client("") as nobody, labelled.client("bob") as bob:
        assert nobody.post("draft/labels/lookup", content=body).status_code == 401
        assert bob.post("draft/labels/lookup", content=body).status_code == 404
        answer = bob.post("cells/labels/lookup", content=body)
        assert answer.json()["type"] == "urn:voxlake:error:invalid-input"


@pytest.mark.parametrize(
    ("path", "query", "status", "kind"),
    [
        ("cells/labels/424242", {}, 404, "not-found"),
        ("cells/labels/424242/chunks", {}, 404, "not-found"),
        ("cells/labels/424242/points", {}, 404, "not-found"),
        ("cells/labels/424242/sparse-volume", {}, 404, "not-found"),
        ("cells/labels/424242/mask", {}, 404, "not-found"),
        ("cells/labels/0", {}, 400, "invalid-input"),
        (f"cells/labels/{1 << 64}", {}, 400, "invalid-input"),
        ("cells/labels/one", {}, 400, "invalid-input"),
        ("em/labels/1", {}, 400, "unsupported"),
        ("em/labels", {}, 400, "unsupported"),
        ("em/labels/1/mask", {}, 400, "unsupported"),
        ("em/labels/1/sparse-volume", {"z": "0:1"}, 400, "unsupported"),
        ("em/labels/top", {}, 400, "unsupported"),
        ("cells/labels/top", {"n": 0}, 400, "invalid-input"),
        ("cells/labels/top", {"format": "csv"}, 406, "not-acceptable"),
        ("cells/labels/1/sparse-volume", {"format": "npy"}, 406, "not-acceptable"),
        ("cells/labels/1/sparse-volume", {"format": "blocks", "coarse": 1}, 406, "not-acceptable"),
        ("cells/labels/1/sparse-volume", {"z": "0:99"}, 400, "out-of-bounds"),
        ("cells/labels/1/mask", {"x": "9:3"}, 400, "invalid-input"),
        ("cells/labels/1/mask", {"c": "0"}, 400, "invalid-input"),
        ("cells/labels/1/mask", {"t": "1"}, 400, "out-of-bounds"),
        ("cells/labels/1/mask", {"t": "one"}, 400, "invalid-input"),
        ("cells/labels/1/mask", {"format": "gif"}, 406, "not-acceptable"),
        ("cells/labels/1/points", {"count": 10_001}, 400, "invalid-input"),
    ],
)
def test_what_cannot_be_answered(
    bob: httpx2.Client, path: str, query: dict[str, Any], status: int, kind: str
) -> None:
    answer = bob.get(path, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert answer.json()["type"] == f"urn:voxlake:error:{kind}"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("cells/labels/points", {"points": [[0, 0, 99]]}, 400),
        ("cells/labels/points", {"points": [[0, 0]]}, 400),
        ("cells/labels/points", {"points": [[0, 0, 0.5]]}, 400),
        ("cells/labels/points", {"points": [[0, 0, 2.0**53]]}, 400),
        ("cells/labels/points", {"points": [[0, 0, True]]}, 400),
        ("cells/labels/points", {"points": [[0, 0, 0]] * 10_001}, 400),
        ("cells/labels/lookup", {"labels": [1], "bodys": True}, 400),
        ("cells/labels/lookup", {"labels": ["1" * 99] * 90_000}, 413),
    ],
)
def test_bodies_that_are_refused(
    bob: httpx2.Client, path: str, body: dict[str, Any], status: int
) -> None:
    answer = bob.post(path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )


def test_answers_too_large_are_refused_before_a_voxel_is_read(labelled: Labelled) -> None:
    settings = labelled.app.state.gateway.settings
    assert settings.cutout_limit_bytes == LIMIT_BYTES
    small = settings.model_copy(update={"cutout_limit_bytes": 100})
    with labelled.client("bob") as bob:
        object.__setattr__(labelled.app.state.gateway, "settings", small)
        try:
            for path in ("1/mask", "1/sparse-volume?format=rles", "top"):
                answer = bob.get(f"cells/labels/{path}")
                assert answer.json()["type"] == "urn:voxlake:error:limit-exceeded", path
            assert bob.get("cells/labels/1/sparse-volume?format=srles").status_code == 200
        finally:
            object.__setattr__(labelled.app.state.gateway, "settings", settings)


def test_a_page_of_another_site_changes_nothing(labelled: Labelled) -> None:
    path, body = "cells/labels/reserve", {"count": 0}
    local = labelled.app.state.gateway.identity.local
    session = {"Cookie": f"{local.cookie}={local.redeem(local.new_link())}"}
    token = {"Authorization": f"Bearer {labelled.token('ana')}"}
    for origin, shown, status in [
        ("http://127.0.0.1:1", session, 403),
        ("null", session, 403),
        ("http://127.0.0.1:1", token, 400),
        (labelled.url, session, 400),
        (None, session, 403),
        (None, token, 400),
    ]:
        headers = {"Origin": origin, **shown} if origin else shown
        with labelled.client("", **headers) as ana:
            answer = ana.post(path, json=body)
        assert answer.status_code == status, origin


def references(part: Any) -> Iterator[str]:
    """Yield what a document refers to within itself."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            yield from references(value)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def test_the_openapi_document_describes_what_is_sent(labelled: Labelled) -> None:
    with labelled.client() as ana:
        document = ana.get(f"{labelled.url}/openapi.json").json()
    for reference in set(references(document)):
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
    root = "/v2/datasets/{collection}/{experiment}/{dataset}"
    for method, path, model in [
        ("post", "/labels/lookup", "LookupQuestion"),
        ("post", "/labels/points", "PointsQuestion"),
        ("post", "/labels/reserve", "ReserveQuestion"),
        ("put", "/objects/{label}", "ObjectQuestion"),
        ("post", "/merges", "MergeQuestion"),
        ("post", "/cleaves", "CleaveQuestion"),
    ]:
        operation = document["paths"][f"{root}{path}"][method]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{model}"}
        if model not in {"LookupQuestion", "PointsQuestion"}:
            assert "403" in operation["responses"], path
    sparse = document["paths"][f"{root}/labels/{{label}}/sparse-volume"]["get"]
    assert len(sparse["responses"]["200"]["content"]) == 5
