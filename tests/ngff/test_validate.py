"""Our validator: silent on what is right, and one finding for each thing that is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import ngff_zarr
import numpy as np
import pytest
from tests.ngff.datasets import Sample, create
from tests.servers.faulty import closed_port

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.validate import Finding, Severity, validate_dataset
from voxlake.platform import store
from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from voxlake.ngff.dataset import Dataset

type Document = dict[str, Any]

MUST, UNSUPPORTED, SHOULD = Severity.MUST, Severity.UNSUPPORTED, Severity.SHOULD


@pytest.fixture
def image(lake: StoreURL) -> Dataset:
    """An image with labels."""
    created = create(lake, Sample())
    create(lake, Sample(Kind.LABELS, dtype="uint64", name="seg", of="em"))
    return created


def edit(url: StoreURL, change: Callable[[Document], object]) -> None:
    """Change a ``zarr.json`` in place, as one of another program: it has no seal."""
    document = json.loads(store.read(url / "zarr.json").body)
    document["attributes"].pop("voxlake", None)
    change(document)
    store.write(url / "zarr.json", json.dumps(document).encode())


def only(findings: list[Finding]) -> Finding:
    [finding] = findings
    return finding


def sharding(document: Document) -> Document:
    configuration: Document = document["codecs"][0]["configuration"]
    return configuration


def levels(document: Document) -> list[Document]:
    found: list[Document] = document["attributes"]["ome"]["multiscales"][0]["datasets"]
    return found


def transform(document: Document, level: int, position: int, values: list[float]) -> None:
    kind = ("scale", "translation")[position]
    levels(document)[level]["coordinateTransformations"][position][kind] = values


def test_what_voxlake_writes_is_right(any_store: StoreURL) -> None:
    image = create(any_store, Sample())
    labels = create(any_store, Sample(Kind.LABELS, dtype="uint64", name="seg", of="em"))
    assert validate_dataset(image.url) == validate_dataset(labels.url) == []


ARRAY: list[tuple[Callable[[Document], object], Severity, str]] = [
    (lambda d: d.update(shape=[67, 71]), MUST, "damaged"),
    (lambda d: d.update(shape=[34, 36, 99]), MUST, "shape"),
    (lambda d: d.update(shape=[33, 35, 65]), SHOULD, "shape"),
    (lambda d: d.update(data_type="int8"), MUST, "differ in data type"),
    (lambda d: d.update(dimension_names=["x", "y", "z"]), MUST, "dimension_names"),
    (lambda d: d.pop("dimension_names"), MUST, "dimension_names"),
    (lambda d: d.update(node_type="group"), MUST, "no zarr array"),
    (lambda d: sharding(d)["codecs"].pop(), SHOULD, "no codec carries a checksum"),
    (
        lambda d: sharding(d)["codecs"][1]["configuration"].update(checksum=False),
        SHOULD,
        "no codec carries a checksum",
    ),
    (lambda d: sharding(d)["index_codecs"].pop(), SHOULD, "no crc32c"),
]


@pytest.mark.parametrize(("change", "severity", "says"), ARRAY)
def test_what_is_wrong_with_an_array_is_found(
    change: Callable[[Document], object], severity: Severity, says: str, image: Dataset
) -> None:
    edit(image.url / "1", change)
    finding = only(validate_dataset(image.url))
    assert finding.severity is severity
    assert says in finding.text
    assert finding.where in (str(image.url / "1"), str(image.url))


GROUP: list[tuple[Callable[[Document], object], Severity, str]] = [
    (lambda d: d["attributes"].clear(), UNSUPPORTED, "without multiscales"),
    (lambda d: d["attributes"]["ome"].update(version="9"), UNSUPPORTED, "OME-Zarr 9"),
    (lambda d: d["attributes"]["ome"]["multiscales"][0].pop("axes"), MUST, "has no 'axes'"),
    (lambda d: levels(d)[1].update(path="gone"), MUST, "no zarr array"),
    (lambda d: d.update(node_type="array"), MUST, "node_type of zarr.json is 'array'"),
    (lambda d: d.pop("node_type"), MUST, "node_type of zarr.json is None"),
    (lambda d: d.update(zarr_format="3"), MUST, "zarr_format of zarr.json is '3', not 3"),
    (lambda d: transform(d, 1, 0, [25, 20, 20]), SHOULD, "whole number"),
    (lambda d: transform(d, 1, 0, [5, 20, 20]), SHOULD, "whole number"),
    (lambda d: transform(d, 1, 1, [0, 0, 0]), SHOULD, "lies at"),
    (lambda d: transform(d, 0, 1, [0, 0, 7]), SHOULD, "lies at"),
    (
        lambda d: d["attributes"]["ome"]["multiscales"][0]["axes"][0].update(unit="pixel"),
        UNSUPPORTED,
        "pixel",
    ),
]


@pytest.mark.parametrize(("change", "severity", "says"), GROUP)
def test_what_is_wrong_with_a_group_is_found(
    change: Callable[[Document], object], severity: Severity, says: str, image: Dataset
) -> None:
    edit(image.url, change)
    findings = validate_dataset(image.url)
    assert findings
    assert {finding.severity for finding in findings} == {severity}
    assert all(says in finding.text for finding in findings)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (None, "has no .zgroup"),
        (b"x", "is damaged: not JSON"),
        (b'{"zarr_format": 3}', "zarr_format of .zgroup is 3, not 2"),
    ],
)
def test_a_group_of_zarr_v2_says_that_it_is_one(
    tmp_path: Path, body: bytes | None, says: str
) -> None:
    image = ngff_zarr.to_ngff_image(np.zeros((8, 8, 8), np.uint8), dims=["z", "y", "x"])
    ngff_zarr.to_ngff_zarr(tmp_path / "it", ngff_zarr.to_multiscales(image, 1), version="0.4")
    url = StoreURL.parse(str(tmp_path / "it"))
    before = [finding for finding in validate_dataset(url) if finding.severity is MUST]
    store.delete(url / ".zgroup")
    if body is not None:
        store.write(url / ".zgroup", body)
    after = [finding for finding in validate_dataset(url) if finding.severity is MUST]
    assert says in only([finding for finding in after if finding not in before]).text


def test_other_codecs_with_a_checksum_are_enough(image: Dataset) -> None:
    for codec in ({"name": "crc32c"}, {"name": "gzip", "configuration": {"level": 1}}):
        edit(image.url / "1", lambda d, codec=codec: sharding(d)["codecs"].__setitem__(1, codec))  # type: ignore[misc]  # a default binds the variable
        assert validate_dataset(image.url) == []


def test_a_foreign_dataset_without_shards_is_validated(tmp_path: Path) -> None:
    voxels = np.zeros((8, 8, 8), "uint8")
    found = ngff_zarr.to_ngff_image(voxels, dims=("z", "y", "x"))
    ngff_zarr.to_ome_zarr(
        str(tmp_path / "em"), ngff_zarr.to_multiscales(found, scale_factors=[]), version="0.4"
    )
    finding = only(validate_dataset(StoreURL.parse(str(tmp_path / "em"))))
    assert (finding.severity, finding.text[:8]) == (SHOULD, "no codec")


def test_labels_that_are_not_as_they_should_be(image: Dataset) -> None:
    labels = image.url / "labels" / "seg"
    edit(labels, lambda d: levels(d).pop())
    finding = only(validate_dataset(image.url))
    assert (finding.severity, finding.where) == (MUST, str(labels))
    assert "2 levels; its image has 3" in finding.text


@pytest.mark.parametrize(
    ("ome", "says"),
    [
        ({"version": "0.5", "plate": {"wells": []}}, "plate of wells"),
        ({"version": "0.5", "well": {"images": []}}, "well of a plate"),
        ({"version": "0.6", "scene": {}}, "scene of images"),
        ({"version": "0.9.dev1", "multiscales": [{}]}, "0.9.dev1"),
    ],
)
def test_what_is_no_image_is_not_broken(ome: Document, says: str, lake: StoreURL) -> None:
    document = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    store.write(lake / "zarr.json", json.dumps(document).encode())
    finding = only(validate_dataset(lake))
    assert (finding.severity, says in finding.text) == (UNSUPPORTED, True)


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
@pytest.mark.parametrize("dims", [("y", "x"), ("c", "y", "x")])
def test_an_image_of_two_dimensions_has_all_it_must(
    version: str, dims: Sequence[Literal["c", "y", "x"]], tmp_path: Path
) -> None:
    voxels = np.zeros((2, 8, 8)[-len(dims) :], "uint8")
    levels = ngff_zarr.to_multiscales(ngff_zarr.to_ngff_image(voxels, dims=dims), scale_factors=[])
    ngff_zarr.to_ome_zarr(str(tmp_path / "em"), levels, version=version)
    found = validate_dataset(StoreURL.parse(str(tmp_path / "em")))
    assert {finding.severity for finding in found} <= {SHOULD}


def test_every_breach_is_told_and_none_twice(image: Dataset) -> None:
    def spoil(document: Document) -> None:
        multiscale = document["attributes"]["ome"]["multiscales"][0]
        multiscale["axes"][2]["name"] = "y"
        levels(document)[0]["coordinateTransformations"].pop(0)
        document["attributes"]["ome"]["omero"] = {}

    edit(image.url, spoil)
    texts = [finding.text for finding in validate_dataset(image.url)]
    for says in ("as another axis", "0 scales", "omero has no 'channels'"):
        assert len([text for text in texts if says in text]) == 1
    assert len(texts) == 3


def test_the_version_and_where_it_lies(image: Dataset) -> None:
    edit(image.url, lambda d: d["attributes"]["ome"].update(version="0.4"))
    texts = {finding.text for finding in validate_dataset(image.url)}
    assert "is a group of zarr v3, of NGFF 0.4" in texts
    assert "is an array of zarr v3, of NGFF 0.4" in texts
    edit(image.url, lambda d: d["attributes"]["ome"].pop("version"))
    texts = {finding.text for finding in validate_dataset(image.url)}
    assert "has no 'version'" in texts


def test_levels_from_coarse_to_fine(image: Dataset) -> None:
    edit(image.url, lambda d: levels(d).reverse())
    texts = [finding.text for finding in validate_dataset(image.url)]
    assert [text for text in texts if "the finest must be first" in text] == [
        "lists its levels as 2, 1, 0; the finest must be first"
    ]


def test_the_group_of_labels(image: Dataset) -> None:
    group = image.url / "labels"
    for version, says in (("0.4", "is of NGFF 0.4"), (None, "the version None")):
        edit(group, lambda d, v=version: d["attributes"]["ome"].update(version=v))  # type: ignore[misc]  # a default binds the variable
        finding = only(validate_dataset(image.url))
        assert (finding.severity, says in finding.text) == (MUST, True)
    edit(group, lambda d: d["attributes"].update(ome={"version": "0.5"}))
    found = {finding.severity: finding.text for finding in validate_dataset(image.url)}
    assert found == {
        MUST: "has no 'labels', the list of the labels in it",
        SHOULD: "is not in the list that the labels group keeps",
    }


@pytest.mark.parametrize(("between", "count"), [({}, 0), ({"plate": {}}, 1)])
def test_labels_in_a_folder_of_labels(image: Dataset, between: Document, count: int) -> None:
    group = image.url / "labels"
    before = group / "seg"
    bodies = {info.url.key: store.read(info.url).body for info in store.walk(before)}
    store.delete_tree(before)
    for key, body in bodies.items():
        store.write(before / "one" / key.removeprefix(before.key), body)
    folder = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": between}}
    store.write(group / "seg" / "zarr.json", json.dumps(folder).encode())
    edit(group, lambda d: d["attributes"]["ome"].update(labels=["seg/one"]))
    found = validate_dataset(image.url)
    assert len([finding for finding in found if "has metadata" in finding.text]) == count
    assert len(found) == count


def test_a_damaged_folder_of_labels(image: Dataset) -> None:
    group = image.url / "labels"
    edit(group, lambda d: d["attributes"]["ome"].update(labels=["seg", "old/one"]))
    store.write(group / "old" / "zarr.json", b"{")
    found = {finding.where: finding.text for finding in validate_dataset(image.url)}
    assert found.keys() == {str(group / "old"), str(group / "old" / "one")}
    assert "is damaged" in found[str(group / "old")]


def test_paths_that_lead_out(image: Dataset) -> None:
    edit(image.url / "labels", lambda d: d["attributes"]["ome"].update(labels=["seg", "../../x"]))
    finding = only(validate_dataset(image.url))
    assert (finding.where, finding.severity) == (str(image.url / "labels"), MUST)
    assert "'../../x' leads outside" in finding.text
    edit(image.url, lambda d: levels(d)[1].update(path="../x"))
    finding = only(validate_dataset(image.url))
    assert (finding.where, finding.severity) == (str(image.url), MUST)
    assert "'../x' leads outside" in finding.text


def test_labels_without_image_label(image: Dataset) -> None:
    edit(image.url / "labels" / "seg", lambda d: d["attributes"]["ome"].pop("image-label"))
    assert "no image-label" in only(validate_dataset(image.url)).text


def test_labels_of_floats(image: Dataset) -> None:
    for level in ("0", "1", "2"):
        edit(
            image.url / "labels" / "seg" / level,
            lambda d: d.update(data_type="float64", fill_value=0.0),
        )
    findings = validate_dataset(image.url)
    assert [finding.text for finding in findings] == ["holds float64; labels are integers"] * 3


def test_the_list_of_labels_and_what_is_there(image: Dataset) -> None:
    group = image.url / "labels"
    edit(group, lambda d: d["attributes"]["ome"].update(labels=["ghost"]))
    found = {finding.where: finding for finding in validate_dataset(image.url)}
    assert found.keys() == {str(group / "ghost"), str(group / "seg")}
    assert found[str(group / "ghost")].severity is MUST
    assert found[str(group / "seg")].severity is SHOULD
    edit(group, lambda d: d["attributes"]["ome"].update(labels="seg"))
    assert only(validate_dataset(image.url)).where == str(group)


def test_nothing_there_is_a_finding(lake: StoreURL) -> None:
    finding = only(validate_dataset(lake / "nothing"))
    assert finding.severity is MUST
    assert "no zarr group" in finding.text


def test_a_store_that_fails_is_not_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    monkeypatch.setenv("VOXLAKE_S3_ANONYMOUS", "true")
    with pytest.raises(StoreUnavailableError):
        validate_dataset(StoreURL("s3", "bucket", "em", closed_port(), "us-east-1"))
