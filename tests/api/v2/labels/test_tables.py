"""Tables over HTTP in every form: JSON, pyarrow, polars and DuckDB are told the same by each."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.labelled import IDS, LARGEST, Labelled, boxes, labelled_gateway, query_of

from voxlake.api.formats import tables as forms
from voxlake.ngff.labels.mapping.changes import import_mapping
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.writing import put_objects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from voxlake.ngff.grid.box import Box

PARQUET = "application/vnd.apache.parquet"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path_factory.mktemp("tables")) as served:
        index = served.opened()[1]
        import_mapping(index, [1, LARGEST], [2, 2])
        traced = LabelObject(id=1, status="traced", key_values={"side": "L"})
        put_objects(index, [traced, LabelObject(id=LARGEST, status="traced"), LabelObject(id=3)])
        yield served


@pytest.fixture(scope="module")
def bob(labelled: Labelled) -> Iterator[httpx2.Client]:
    """Somebody who may read what is public."""
    with labelled.client("bob") as client:
        yield client


QUESTIONS: list[tuple[str, str, dict[str, Any], Any]] = [
    ("GET", "labels", {}, None),
    ("GET", "labels", {"counts": "true", "bodies": "true"}, None),
    ("GET", "labels/all", {}, None),
    ("GET", "labels/all", {"bodies": "true"}, None),
    ("GET", "labels/top", {"n": "3"}, None),
    ("POST", "labels/lookup", {}, {"labels": ["1", str(LARGEST), 77]}),
    ("POST", "labels/points", {}, {"points": [[0, 0, 0], [5, 9, 30], [2, 2, 2]]}),
    ("GET", f"labels/{LARGEST}/chunks", {}, None),
    ("GET", f"labels/{LARGEST}/points", {"count": "9"}, None),
    ("GET", "labels/3/sparse-volume", {"x": "3:30"}, None),
    ("GET", "objects", {}, None),
    ("POST", "objects/lookup", {}, {"labels": [3, str(LARGEST)]}),
    ("GET", "mapping/pairs", {}, None),
    ("POST", "mapping/lookup", {}, {"labels": [str(LARGEST), 3]}),
]


@pytest.mark.parametrize(("method", "path", "query", "body"), QUESTIONS)
def test_every_form_says_the_same(
    bob: httpx2.Client, tmp_path: Path, method: str, path: str, query: dict[str, str], body: Any
) -> None:
    def ask(**headers: str) -> httpx2.Response:
        return bob.request(method, f"cells/{path}", params=query, json=body, headers=headers)

    arrow = ask(accept=forms.ARROW.media_type)
    assert arrow.headers["content-type"] == forms.ARROW.media_type
    table = pa.ipc.open_stream(arrow.content).read_all()
    assert len(table) > 0
    parquet = ask(accept=f"{PARQUET}, */*;q=0.5")
    assert parquet.headers["content-type"] == PARQUET
    stored = pq.read_table(pa.BufferReader(parquet.content))
    assert stored.equals(table)
    assert stored.schema.equals(table.schema)
    file = tmp_path / "table.parquet"
    file.write_bytes(parquet.content)
    in_duckdb = duckdb.read_parquet(str(file)).to_arrow_table()
    assert in_duckdb.column_names == table.column_names
    assert in_duckdb.column(0).to_pylist() == table.column(0).to_pylist()
    in_polars = polars.read_parquet(io.BytesIO(parquet.content))
    assert in_polars.to_dict(as_series=False).keys() == table.to_pydict().keys()
    assert in_polars.to_series(0).to_list() == table.column(0).to_pylist()
    said = {"x-index-consistency", "x-voxlake-mapping", "x-voxlake-next"}
    assert {name: arrow.headers.get(name) for name in said} == {
        name: parquet.headers.get(name) for name in said
    }


@settings(max_examples=15)
@given(box=boxes(), counts=st.booleans(), limit=st.integers(1, 4))
def test_pages_of_a_box(
    labelled: Labelled, bob: httpx2.Client, box: Box, counts: bool, limit: int
) -> None:
    block = labelled.voxels[box.slices]
    ids, numbers = np.unique(block[block != 0], return_counts=True)
    query = {**query_of(box), "counts": str(counts).lower(), "limit": str(limit)}
    rows, after = [], "0"
    while after:
        asked = {**query, "after": after}
        page = bob.get("cells/labels", params=asked).json()
        binary = bob.get("cells/labels", params={**asked, "format": "arrow"})
        table = pa.ipc.open_stream(binary.content).read_all()
        assert table["label"].to_pylist() == list(map(int, page["labels"]))
        assert binary.headers.get("x-voxlake-next") == page["next"]
        assert table.column_names == (["label", "voxels"] if counts else ["label"])
        assert len(table) <= limit
        rows += table.to_pylist()
        after = page["next"]
    want = [{"label": int(one), "voxels": int(n)} for one, n in zip(ids, numbers, strict=True)]
    assert rows == (want if counts else [{"label": row["label"]} for row in want])


def test_pages_of_all_labels(labelled: Labelled, bob: httpx2.Client) -> None:
    ids, counts = np.unique(labelled.voxels[labelled.voxels != 0], return_counts=True)
    found, after = dict[int, int](), "0"
    while after:
        page = bob.get("cells/labels/all", params={"limit": 2, "after": after}).json()
        assert 0 < len(page["labels"]) <= 2
        found |= {int(each["label"]): each["voxels"] for each in page["labels"]}
        after = page["next"]
    assert found == dict(zip(ids.tolist(), counts.tolist(), strict=True))
    past = bob.get("cells/labels/all", params={"after": str(LARGEST)}).json()
    assert (past["labels"], past["next"], past["consistency"]) == ([], None, "indexed")


def test_the_largest_of_those_whose_objects_fit(labelled: Labelled, bob: httpx2.Client) -> None:
    def largest(**query: str) -> list[tuple[int, int]]:
        found = bob.get("cells/labels/top", params=query).json()["labels"]
        return [(int(each["label"]), each["voxels"]) for each in found]

    voxels = labelled.voxels
    sizes = {label: int((voxels == np.uint64(label)).sum()) for label in IDS}
    of_traced = sorted([(-sizes[label], label) for label in (1, LARGEST)])
    assert largest(status="traced") == [(label, -size) for size, label in of_traced]
    assert largest(status="traced", n="1") == largest(status="traced")[:1]
    assert largest(key="side", value="L") == [(1, sizes[1])]
    assert largest(status="absent") == []
    # Objects are of bodies then: 1 was merged into another.
    assert largest(status="traced", bodies="true") == []
    answer = bob.get("cells/labels/top", params={"key": "side"})
    assert answer.json()["type"] == "urn:voxlake:error:invalid-input"


def test_a_form_that_there_is_not(bob: httpx2.Client) -> None:
    for method, path, query, body in QUESTIONS:
        refused = bob.request(method, f"cells/{path}", params={**query, "format": "csv"}, json=body)
        assert (refused.status_code, refused.json()["type"]) == (
            406,
            "urn:voxlake:error:not-acceptable",
        ), path
        assert "parquet" in refused.json()["detail"]


@pytest.mark.parametrize("form", forms.BINARY_TABLES, ids=lambda form: form.name)
def test_parts_are_made_as_they_are_taken(form: forms.TableFormat) -> None:
    made = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(3):
            made.append(number)
            yield pa.record_batch({"label": pa.array([number, LARGEST - number], pa.uint64())})

    schema = pa.schema([("label", pa.uint64())])
    parts = form.encode(pa.RecordBatchReader.from_batches(schema, batches()))
    head = [next(parts), next(parts)]
    assert len(made) < 3
    body = b"".join([*head, *parts])
    read = (
        pa.ipc.open_stream(body).read_all()
        if form is forms.ARROW
        else pq.read_table(pa.BufferReader(body))
    )
    assert read["label"].to_pylist() == [n for i in range(3) for n in (i, LARGEST - i)]
    empty = form.encode(pa.RecordBatchReader.from_batches(schema, iter(())))
    assert len(b"".join(empty)) > 0
