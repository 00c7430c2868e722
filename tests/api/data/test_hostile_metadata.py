"""Metadata that somebody put into a lake: each is an answer about that dataset, and no failure."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


type Document = dict[str, Any]
type Change = Callable[[Document], object]

DEEP = '{"attributes":' + "[" * 100_000 + "]" * 100_000 + "}"


def scaled(value: object) -> Change:
    """Give every level a scale."""
    return lambda m: [
        each["coordinateTransformations"][0].update(scale=[value] * 3) for each in m["datasets"]
    ]


def named(*names: str) -> Change:
    """Give the axes other names."""
    return lambda m: [axis.update(name=name) for axis, name in zip(m["axes"], names, strict=True)]


def more_axes(m: Document) -> None:
    """Give the metadata five axes, and leave the array its three."""
    m["axes"] = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *m["axes"]]
    for each in m["datasets"]:
        each["coordinateTransformations"] = [{"type": "scale", "scale": [1, 1, 1, 1, 1]}]


GROUPS: dict[str, str | Change] = {
    "deep": DEEP,
    "no-json": "\x00\xff",
    "a-list": "[1]",
    "attributes-list": '{"attributes": [1]}',
    "attributes-text": '{"attributes": "ome"}',
    "ome-list": '{"attributes": {"ome": [1]}}',
    "ome-empty": '{"attributes": {"ome": {"multiscales": []}}}',
    "voxlake-list": '{"attributes": {"voxlake": [1], "ome": {"multiscales": 3}}}',
    "scale-zero": scaled(0),
    "scale-negative": scaled(-1),
    "scale-nan": scaled(float("nan")),
    "scale-infinite": scaled(float("inf")),
    "scale-tiny": scaled(5e-324),
    "scale-huge": scaled(1.7e308),
    "scale-text": scaled("10"),
    "scale-list": scaled([1]),
    "axes-more": more_axes,
    "axes-none": lambda m: m.update(axes=[]),
    "axes-crlf": named("a\r\nSet-Cookie: a=b", "b\r\n\r\n", "c\n"),
    "axes-japanese": named("日", "月", "火"),
    "axes-surrogate": named("\ud800", "y", "x"),
    "axes-twice": named("z", "z", "x"),
    "axes-channels": lambda m: [axis.update(type="channel") for axis in m["axes"]],
    "axes-times": lambda m: [axis.update(type="time") for axis in m["axes"]],
    "unit-strange": lambda m: [axis.update(unit="\r\n日") for axis in m["axes"]],
    "type-strange": lambda m: m.update(type="\ud800\r\n"),
    "path-out": lambda m: m["datasets"][0].update(path="../../../../../etc"),
    "path-nul": lambda m: m["datasets"][0].update(path="a\0b"),
    "path-empty": lambda m: m["datasets"][0].update(path=""),
    "path-long": lambda m: m["datasets"][0].update(path="p" * 300),
    "path-number": lambda m: m["datasets"][0].update(path=7),
    "levels-many": lambda m: m.update(datasets=m["datasets"][:1] * 2000),
    "no-levels": lambda m: m.update(datasets=[]),
}
ARRAYS: dict[str, str | Change] = {
    "array-deep": DEEP,
    "array-list": "[1]",
    "shape-vast": lambda a: a.update(shape=[1 << 40] * 3),
    "shape-beyond": lambda a: a.update(shape=[1 << 62] * 3),
    "shape-too-large": lambda a: a.update(shape=[1 << 70] * 3),
    "shape-negative": lambda a: a.update(shape=[-1, 8, 8]),
    "shape-empty": lambda a: a.update(shape=[0, 8, 8]),
    "shape-four": lambda a: a.update(shape=[2, 8, 8, 8]),
    "chunk-zero": lambda a: a["chunk_grid"]["configuration"].update(chunk_shape=[0, 0, 0]),
    "chunk-vast": lambda a: a["chunk_grid"]["configuration"].update(chunk_shape=[1 << 40] * 3),
    "inner-vast": lambda a: a["codecs"][0]["configuration"].update(chunk_shape=[1 << 20] * 3),
    "codec-unknown": lambda a: a.update(codecs=[{"name": "no-such-codec"}]),
    "codec-none": lambda a: a.update(codecs=[]),
    "dtype-unknown": lambda a: a.update(data_type="complex1024"),
    "dtype-bool": lambda a: a.update(data_type="bool", fill_value=False),
    "dtype-complex": lambda a: a.update(data_type="complex64", fill_value=[0, 0]),
    "fill-label": lambda a: a.update(fill_value=7),
}
FOUR = "labels-of-four-axes"


def changed(body: str, change: str | Change, *, of_group: bool) -> str:
    """Return a document with a change that nobody sealed."""
    if isinstance(change, str):
        return change
    document = json.loads(body)
    document["attributes"].pop("voxlake")
    change(document["attributes"]["ome"]["multiscales"][0] if of_group else document)
    return json.dumps(document)


def hostile(lake: StoreURL, name: str, change: str | Change, *, of_group: bool) -> None:
    """Spoil the group of a dataset, or the arrays of its levels."""
    parsed = DatasetName.parse(name)
    group = (lake / parsed.collection / parsed.experiment / f"{parsed.dataset}.ome.zarr").path
    for path in [group] if of_group else [group / "0", group / "1"]:
        file = path / "zarr.json"
        text = changed(file.read_text(), change, of_group=of_group)
        file.write_bytes(text.encode(errors="surrogatepass"))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """A gateway whose datasets are all spoilt, in images and labels, and its URL."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("hostile")))
    settings = Settings(cutout_limit_bytes=1 << 20, gateway_memory_bytes=64 << 20)
    with open_catalog(lake, settings) as catalog:
        names = []
        for kind in Kind:
            voxels = image_voxels((8, 8, 8)) if kind is Kind.IMAGE else label_voxels((8, 8, 8))
            for case in (*GROUPS, *ARRAYS):
                name = f"lab/{kind.value}/{case}"
                add_sample(lake, catalog, Sample(name, voxels, kind, public=True))
                change = GROUPS.get(case) or ARRAYS[case]
                hostile(lake, name, change, of_group=case in GROUPS)
                names.append(name)
        stack = image_voxels((2, 8, 8, 8))
        four = Sample(f"lab/labels/{FOUR}", stack, public=True, axes=("c", "z", "y", "x"))
        add_sample(lake, catalog, four)
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with run_app(app) as url:
            yield url, [*names, four.name]
    shutil.rmtree(lake.path, ignore_errors=True)


QUESTIONS = (
    ("GET", "", None),
    ("GET", "?index=true", None),
    ("GET", "/cutout", None),
    ("GET", "/cutout?level=1&bodies=true", None),
    ("GET", "/cutout?z=0&y=0&x=0:4&format=npy", None),
    ("GET", "/neuroglancer", None),
    ("GET", "/labels?counts=true&z=0:9&y=0:9&x=0:9", None),
    ("GET", "/labels?z=0&y=0&x=0:4", None),
    ("GET", "/labels/top", None),
    ("GET", "/labels/1?point=true", None),
    ("GET", "/labels/1/mask", None),
    ("GET", "/labels/1/sparse-volume", None),
    ("GET", "/labels/1/points?count=2", None),
    ("POST", "/labels/points", {"points": [[0, 0, 0], [1 << 39, 1, 1]]}),
    ("POST", "/labels/lookup", {"labels": [1, 2]}),
    ("GET", "/objects", None),
    ("GET", "/mapping", None),
)


def ask_everything(client: httpx2.Client, name: str) -> dict[str, int]:
    """Return the status of each question about a dataset, and fail where one is a failure."""
    found = {}
    for method, path, body in QUESTIONS:
        answer = client.request(method, f"/v2/datasets/{name}{path}", json=body)
        # Voxels that do not fit what is said of them are damaged, whoever is wrong.
        is_damaged = answer.status_code == 500 and answer.json()["type"].endswith(":corrupt-data")
        assert answer.status_code < 500 or is_damaged, (path, answer.text)
        assert not {"set-cookie"} & answer.headers.keys(), path
        found[path] = answer.status_code
    for key in ("", "zarr.json", "0/zarr.json", "labels/zarr.json"):
        answer = client.get(f"/zarr/{name}/{key}")
        assert answer.status_code in {200, 404, 409}, (key, answer.text)
    for address in (
        *(f"flat/{name}/{key}" for key in ("", "zarr.json", ".zattrs", ".zmetadata", "0/.zarray")),
        *(f"flat/{name}/0/{key}" for key in ("", "zarr.json", "c/0/0/0", "0/0/0")),
        *(f"precomputed/{name}/{key}" for key in ("info", "0/0-8_0-8_0-8", "jpeg/info")),
    ):
        answer = client.get(f"/{address}")
        assert answer.status_code in {200, 400, 404, 409, 413}, (address, answer.text)
    return found


@pytest.mark.parametrize("case", [*GROUPS, *ARRAYS])
@pytest.mark.parametrize("kind", ["image", "labels"])
def test_metadata_are_never_a_failure(
    everything: tuple[str, list[str]], client: httpx2.Client, kind: str, case: str
) -> None:
    assert f"lab/{kind}/{case}" in everything[1]
    found = ask_everything(client, f"lab/{kind}/{case}")
    if case in SPOILT:
        assert found[""] == 409
    if case == "scale-negative":  # a flip, which the specification allows and voxlake does not read
        assert found[""] == 400


SPOILT = {
    "deep", "no-json", "a-list", "attributes-list", "attributes-text", "ome-list", "ome-empty",
    "scale-zero", "scale-nan", "scale-infinite", "scale-text", "axes-more",
    "axes-none", "axes-twice", "path-number", "no-levels", "array-deep", "array-list",
    "shape-negative", "shape-four", "chunk-zero",
}  # fmt: skip
"""Cases that are certainly wrong, and said to be."""


def test_labels_have_three_axes(client: httpx2.Client) -> None:
    found = ask_everything(client, f"lab/labels/{FOUR}")
    assert found[""] == 200
    assert found["/labels/1/mask"] == 400


@pytest.fixture(scope="module")
def client(everything: tuple[str, list[str]]) -> Iterator[httpx2.Client]:
    """Anybody."""
    with httpx2.Client(base_url=everything[0], timeout=60) as asker:
        yield asker


def test_axes_of_any_name_are_told(client: httpx2.Client) -> None:
    answer = client.get("/v2/datasets/lab/image/axes-japanese/cutout?level=0")
    assert answer.status_code == 200
    assert answer.headers["x-voxlake-axes"] == "%E6%97%A5,%E6%9C%88,%E7%81%AB"
    answer = client.get("/v2/datasets/lab/image/axes-crlf/cutout?level=0")
    assert answer.headers["x-voxlake-axes"].startswith("a%0D%0ASet-Cookie%3A%20a%3Db,")
