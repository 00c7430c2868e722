"""Objects and merges over HTTP: what is answered, what is stored, and who may do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.api.labelled import LARGEST, Labelled, assert_only_some_may, labelled_gateway

from voxlake.ngff.labels.mapping.changes import import_mapping
from voxlake.ngff.labels.mapping.log import read_entry
from voxlake.ngff.labels.mapping.mapping import open_mapping, supervoxels_of
from voxlake.ngff.labels.objects.reading import get_object, list_objects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

NEURON = {
    "type": "neuron",
    "name": "Tm3 left",
    "status": "traced",
    "confidence": 0.9,
    "parent": str(LARGEST),
    "key_values": {"side": "L"},
}


@pytest.fixture
def labelled(tmp_path: Path) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path) as served:
        yield served


@pytest.fixture
def ana(labelled: Labelled) -> Iterator[httpx2.Client]:
    with labelled.client() as client:
        yield client


def test_an_object_from_its_birth_to_its_end(labelled: Labelled, ana: httpx2.Client) -> None:
    index = labelled.opened()[1]
    put = ana.put(f"cells/objects/{LARGEST}", json=NEURON)
    assert put.status_code == 200
    want = {**NEURON, "id": str(LARGEST), "author": "ana"}
    assert {name: put.json()[name] for name in want} == want
    assert ana.get(f"cells/objects/{LARGEST}").json() == put.json()
    stored = get_object(index, LARGEST)
    assert (stored.name, stored.author, stored.parent) == ("Tm3 left", "ana", LARGEST)
    again = ana.put(f"cells/objects/{LARGEST}", json={"author": "a program"}).json()
    assert (again["author"], again["name"], again["type"]) == ("a program", "", "generic")
    assert again["created"] == put.json()["created"] < again["modified"]
    assert ana.delete(f"cells/objects/{LARGEST}").status_code == 204
    assert len(list_objects(index).table) == 0
    for answer in (ana.get(f"cells/objects/{LARGEST}"), ana.delete(f"cells/objects/{LARGEST}")):
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:voxlake:error:not-found")


def test_pages_filters_and_arrow(labelled: Labelled, ana: httpx2.Client) -> None:
    assert ana.get("cells/objects").json() == {"objects": [], "next": None, "missing": []}
    for label in (1, 2, 3, LARGEST):
        ana.put(f"cells/objects/{label}", json={**NEURON, "name": f"Tm{label}"})
    ana.put("cells/objects/2", json={"type": "synapse", "key_values": {"side": "R"}})

    def ids(**query: Any) -> list[int]:
        answer = ana.get("cells/objects", params=query)
        assert answer.status_code == 200
        return [int(each["id"]) for each in answer.json()["objects"]]

    assert ids() == [1, 2, 3, LARGEST]
    assert ids(type="synapse") == ids(key="side", value="R") == ids(status="") == [2]
    assert ids(name_prefix="Tm1") == [1, LARGEST]
    first = ana.get("cells/objects", params={"limit": 2}).json()
    assert (len(first["objects"]), first["next"]) == (2, "2")
    assert ids(after=first["next"]) == [3, LARGEST]
    answer = ana.get("cells/objects", params={"limit": 3, "format": "arrow"})
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table["id"].to_pylist() == [1, 2, 3]
    assert answer.headers["x-voxlake-next"] == "3"
    assert table["name"].to_pylist() == ["Tm1", "", "Tm3"]


def test_many_objects_at_once(labelled: Labelled, ana: httpx2.Client) -> None:
    items = [{**NEURON, "id": str(label)} for label in (1, 2, LARGEST)]
    put = ana.post("cells/objects", json={"objects": [*items, {"id": 2, "author": "a program"}]})
    assert (put.status_code, put.json()) == (200, {"number": 1})
    stored = list_objects(labelled.opened()[1]).table
    assert stored["id"].to_pylist() == [1, 2, LARGEST]
    assert stored["author"].to_pylist() == ["ana", "a program", "ana"]
    asked = {"labels": ["7", str(LARGEST), 2]}
    found = ana.post("cells/objects/lookup", json=asked).json()
    assert [each["id"] for each in found["objects"]] == ["2", str(LARGEST)]
    assert (found["missing"], found["next"]) == (["7"], None)
    table = ana.post("cells/objects/lookup", json=asked, params={"format": "parquet"})
    read = pq.read_table(pa.BufferReader(table.content))
    assert read["id"].to_pylist() == [2, LARGEST]
    assert read["key_values"].to_pylist() == [[], [("side", "L")]]
    deleted = ana.post("cells/objects/delete", json=asked)
    assert (deleted.status_code, deleted.json()) == (200, {"number": 2})
    assert list_objects(labelled.opened()[1]).table["id"].to_pylist() == [1]


def test_the_mapping_as_a_table(labelled: Labelled, ana: httpx2.Client) -> None:
    import_mapping(labelled.opened()[1], [1, 2, 3, LARGEST], [70, 70, 0, 1 << 60])
    asked = {"labels": [str(LARGEST), 9, 1, 3, 1]}
    found = ana.post("cells/mapping/lookup", json=asked).json()
    assert found["bodies"] == [str(1 << 60), "9", "70", "0", "70"]
    assert (found["supervoxels"], found["number"]) == ([str(LARGEST), "9", "1", "3", "1"], 1)
    first = ana.get("cells/mapping/pairs", params={"limit": 3}).json()
    assert (first["bodies"], first["next"]) == (["70", "70", "0"], "3")
    rest = ana.get("cells/mapping/pairs", params={"after": "3", "format": "arrow"})
    table = pa.ipc.open_stream(rest.content).read_all()
    assert table.to_pydict() == {"supervoxel": [LARGEST], "body": [1 << 60]}
    assert (rest.headers["x-voxlake-mapping"], rest.headers.get("x-voxlake-next")) == ("1", None)


def test_neuroglancer_is_told_of_objects_if_there_are_any(
    labelled: Labelled, ana: httpx2.Client
) -> None:
    def source() -> Any:
        state = ana.get("cells/neuroglancer").json()["state"]
        return next(each["source"] for each in state["layers"] if each["name"] == "cells")

    assert isinstance(source(), dict)
    ana.put("cells/objects/3", json=NEURON)
    voxels, properties = source()
    assert voxels["url"].endswith("/zarr/lab/brain/cells/|zarr3:")
    folder = f"{labelled.url}/v2/datasets/lab/brain/cells/objects/segment-properties"
    assert properties == f"{folder}/|neuroglancer-precomputed:"
    found = ana.get(f"{folder}/info").json()
    assert found["@type"] == "neuroglancer_segment_properties"
    assert found["inline"]["ids"] == ["3"]
    names = {each["id"]: each["values"] for each in found["inline"]["properties"]}
    assert names["name"] == ["Tm3 left"]
    assert names["author"] == ["ana"]
    assert names["voxels"] == [int((labelled.voxels == 3).sum())]
    ana.put("cells/objects/987654321", json=NEURON)
    inline = ana.get(f"{folder}/info").json()["inline"]
    [voxels] = [each["values"] for each in inline["properties"] if each["id"] == "voxels"]
    assert (inline["ids"][1:], voxels[1:]) == (["987654321"], [0])


def test_the_largest_segments_are_told_by_a_path(labelled: Labelled, ana: httpx2.Client) -> None:
    def told(choice: str) -> tuple[list[str], dict[str, list[Any]]]:
        answer = ana.get(f"cells/objects/segment-properties/{choice}/info")
        assert answer.status_code == 200, answer.text
        inline = answer.json()["inline"]
        return inline["ids"], {each["id"]: each["values"] for each in inline["properties"]}

    ana.put("cells/objects/3", json=NEURON)
    labels, counts = np.unique(labelled.voxels[labelled.voxels != 0], return_counts=True)
    order = sorted(zip((-counts).tolist(), labels.tolist(), strict=True))
    ids, properties = told("largest=2")
    assert ids == [str(label) for label in sorted(label for _, label in order[:2])]
    assert sorted(properties["voxels"], reverse=True) == [-count for count, _ in order[:2]]
    ids, properties = told("type=neuron,name=Tm3,bodies")
    assert (ids, properties["name"]) == (["3"], ["Tm3 left"])
    assert told("status=none")[0] == []
    for wrong in ("largest=0", "size=3", "largest=1,largest=2", "type=x", "Largest"):
        path = f"cells/objects/segment-properties/{wrong}/info"
        assert ana.get(path).status_code == 400, wrong


def test_merges_and_cleaves_are_of_who_asks(labelled: Labelled, ana: httpx2.Client) -> None:
    index = labelled.opened()[1]
    merged = ana.post("cells/merges", json={"labels": ["3", str(LARGEST), 1]}).json()
    assert (merged["number"], merged["kind"], merged["by"]) == (1, "merge", "ana")
    assert (merged["into"], merged["labels"]) == ("3", [str(LARGEST), "1"])
    entry = read_entry(index / "mapping", 1)
    assert entry is not None
    assert (entry.by, entry.number) == ("ana", 1)
    assert ana.get("cells/mapping").json().items() >= {"number": 1, "supervoxels": 2}.items()
    body = ana.get("cells/mapping/3").json()
    assert (body["body"], body["supervoxels"]) == ("3", ["1", "3", str(LARGEST)])
    member = ana.get(f"cells/mapping/{LARGEST}").json()
    assert (member["body"], member["supervoxels"], member["number"]) == ("3", [], 1)
    split = ana.post("cells/cleaves", json={"body": "3", "supervoxels": [str(LARGEST)]}).json()
    assert (split["number"], split["kind"], split["by"]) == (2, "cleave", "ana")
    assert (split["into"], split["labels"]) == (str(LARGEST), [str(LARGEST)])
    assert supervoxels_of(open_mapping(index), 3).tolist() == [1, 3]
    voxels = labelled.voxels
    found = ana.get("cells/labels/3", params={"bodies": True}).json()
    assert found["voxels"] == int(np.isin(voxels, [1, 3]).sum())


def test_history_and_undoing(ana: httpx2.Client) -> None:
    assert ana.get("cells/mapping/history").json() == {"changes": [], "next": None}
    ana.post("cells/merges", json={"labels": [1, 2]})
    ana.post("cells/merges", json={"labels": [3, str(LARGEST)]})
    undone = ana.post("cells/mapping/undo", json={"number": 2}).json()
    assert (undone["number"], undone["kind"], undone["by"]) == (3, "cleave", "ana")
    assert (undone["body"], undone["into"], undone["labels"]) == ("3", str(LARGEST), [str(LARGEST)])
    assert [ana.get(f"cells/mapping/{each}").json()["body"] for each in (2, LARGEST)] == [
        "1",
        str(LARGEST),
    ]
    first = ana.get("cells/mapping/history", params={"limit": 2}).json()
    assert [(each["number"], each["labels"]) for each in first["changes"]] == [
        (1, ["2"]),
        (2, [str(LARGEST)]),
    ]
    rest = ana.get("cells/mapping/history", params={"after": first["next"]}).json()
    assert rest == {"changes": [undone], "next": None}
    again = ana.post("cells/mapping/undo", json={"number": 2})
    assert (again.status_code, again.json()["type"]) == (409, "urn:voxlake:error:conflict")
    absent = ana.post("cells/mapping/undo", json={"number": 9})
    assert (absent.status_code, absent.json()["type"]) == (404, "urn:voxlake:error:not-found")


def test_what_does_not_fit_the_mapping_is_a_conflict(ana: httpx2.Client) -> None:
    ana.post("cells/merges", json={"labels": [1, 2]})
    for path, body in [
        ("merges", {"labels": [3, 2]}),
        ("cleaves", {"body": 3, "supervoxels": [2]}),
        ("cleaves", {"body": 2, "supervoxels": [2]}),
    ]:
        answer = ana.post(f"cells/{path}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:voxlake:error:conflict")
    assert ana.get("cells/mapping").json()["number"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("PUT", "cells/objects/0", {}, "invalid-input"),
        ("PUT", "cells/objects/1", {"id": 2}, "invalid-input"),
        ("PUT", "cells/objects/1", {"type": "house"}, "invalid-input"),
        ("PUT", "cells/objects/1", {"confidence": 2}, "invalid-input"),
        ("PUT", "em/objects/1", {}, "unsupported"),
        ("GET", "em/objects", None, "unsupported"),
        ("GET", "cells/objects?limit=0", None, "invalid-input"),
        ("GET", "cells/objects?key=side", None, "invalid-input"),
        ("GET", "cells/objects?type=house", None, "invalid-input"),
        ("GET", "cells/objects?format=csv", None, "not-acceptable"),
        ("GET", "cells/objects/segment-properties/info?limit=0", None, "invalid-input"),
        ("POST", "cells/merges", {"labels": [1]}, "invalid-input"),
        ("POST", "cells/merges", {"labels": [1, 1]}, "invalid-input"),
        ("POST", "cells/merges", {"labels": [1, 1 << 64]}, "invalid-input"),
        ("POST", "cells/cleaves", {"body": 1, "supervoxels": []}, "invalid-input"),
        ("POST", "cells/cleaves", {"body": 1, "supervoxels": [2], "into": 1}, "invalid-input"),
        ("POST", "em/merges", {"labels": [1, 2]}, "unsupported"),
        ("GET", "em/mapping", None, "unsupported"),
        ("GET", "cells/mapping/0", None, "invalid-input"),
        ("GET", "cells/mapping/history?limit=0", None, "invalid-input"),
        ("POST", "cells/mapping/undo", {"number": 0}, "invalid-input"),
        ("POST", "em/mapping/undo", {"number": 1}, "unsupported"),
        ("POST", "cells/objects", {"objects": [{"name": "of nothing"}]}, "invalid-input"),
        ("POST", "cells/objects", {"objects": [{"id": 1}] * 10_001}, "invalid-input"),
        ("POST", "em/objects", {"objects": [{"id": 1}]}, "unsupported"),
        ("POST", "cells/objects/lookup?format=csv", {"labels": [1]}, "not-acceptable"),
        ("GET", "cells/mapping/pairs?limit=0", None, "invalid-input"),
        ("POST", "cells/mapping/lookup", {"labels": [0]}, "invalid-input"),
    ],
)
def test_what_cannot_mean_anything(
    shared: Labelled, method: str, path: str, body: dict[str, Any] | None, kind: str
) -> None:
    with shared.client() as ana:
        answer = ana.request(method, path, json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:voxlake:error:{kind}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """A gateway that these tests do not change."""
    with labelled_gateway(tmp_path_factory.mktemp("shared")) as served:
        yield served


READS = [
    "objects",
    "objects/segment-properties/info",
    "mapping",
    "mapping/1",
    "mapping/history",
    "mapping/pairs",
]
CHANGES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("PUT", "objects/1", {"name": 7}),
    ("DELETE", "objects/1", None),
    ("POST", "merges", {"labels": [1]}),
    ("POST", "cleaves", {"body": 1, "supervoxels": []}),
    ("POST", "mapping/undo", {"number": 1}),
    ("POST", "objects", {"objects": [{"id": 0}]}),
    ("POST", "objects/delete", {"labels": [0]}),
]


def test_who_may_read(shared: Labelled) -> None:
    with shared.client("") as nobody, shared.client("bob") as bob, shared.client() as ana:
        for path in READS:
            for who in (nobody, bob, ana):
                assert who.get(f"cells/{path}").status_code == 200, path
            assert nobody.get(f"draft/{path}").status_code == 401, path
            assert bob.get(f"draft/{path}").status_code == 404, path
            assert ana.get(f"draft/{path}").status_code == 200, path


def test_who_may_change(shared: Labelled) -> None:
    assert_only_some_may(shared, CHANGES, {400, 404})
    with shared.client() as ana:
        assert ana.get("cells/objects").json()["objects"] == []
        assert ana.get("cells/mapping").json()["number"] == 0
