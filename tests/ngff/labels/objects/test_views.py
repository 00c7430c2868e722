"""Views of objects: Neuroglancer's segment properties, and tables that ngio reads."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from voxlake.ngff.labels.objects.feature_table import feature_table, write_feature_table
from voxlake.ngff.labels.objects.label_object import LabelObject, ObjectType
from voxlake.ngff.labels.objects.segment_properties import segment_properties
from voxlake.ngff.labels.objects.writing import put_objects
from voxlake.ngff.labels.table import LabelTable
from voxlake.platform.errors import InvalidInputError, InvalidNameError, UnsupportedError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

BIG = (1 << 53) + 1


def table_of(voxels: dict[int, int]) -> LabelTable:
    """Return a table of labels that have so many voxels, in some box each."""
    count = len(voxels)
    start = np.arange(3 * count).reshape(count, 3)
    ones = np.ones(count, np.int64)
    return LabelTable(
        np.array(list(voxels), np.uint64),
        np.array(list(voxels.values()), np.uint64),
        start,
        start + 2,
        ones,
        ones,
    )


def fill(index: StoreURL) -> None:
    put_objects(
        index,
        [
            LabelObject(
                id=7,
                type=ObjectType.NEURON,
                name="Tm3",
                author="ana",
                status="To Review",
                confidence=0.5,
                key_values={"description": "left eye", "side": "L"},
            ),
            LabelObject(id=BIG, type=ObjectType.SYNAPSE, parent=(1 << 64) - 1, status="neuron"),
        ],
    )


def shown(index: StoreURL, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the document as Neuroglancer parses it, checked as its parser and schema check it."""
    document = json.loads(segment_properties(index, *args, **kwargs).to_json())
    assert document.pop("@type") == "neuroglancer_segment_properties"
    inline = document.pop("inline")
    assert not document
    kinds = [item["type"] for item in inline["properties"]]
    assert all(kinds.count(kind) <= 1 for kind in ("label", "description", "tags"))
    assert all(isinstance(label, str) and label.isdecimal() for label in inline["ids"])
    found: dict[str, Any] = {"ids": inline["ids"]}
    for item in inline["properties"]:
        assert len(item["values"]) == len(inline["ids"])
        assert ("data_type" in item) == (item["type"] == "number")
        assert ("tags" in item) == (item["type"] == "tags")
        found[item["id"]] = item["values"]
        if item["type"] == "tags":
            assert "description" not in item
            assert len({tag.lower() for tag in item["tags"]}) == len(item["tags"])
            assert not any(" " in tag or tag.startswith("#") for tag in item["tags"])
            assert all(places == sorted(places) for places in item["values"])
            found["tags"] = [[item["tags"][place] for place in row] for row in item["values"]]
        elif item["type"] == "number":
            assert item["data_type"] in {"uint32", "float32"}
            assert all(isinstance(value, int | float) for value in item["values"])
            found[item["id"] + " as"] = item["data_type"]
        else:
            assert all(isinstance(value, str) for value in item["values"])
    return found


def test_objects_alone(lake: StoreURL) -> None:
    fill(lake)
    assert shown(lake) == {
        "ids": ["7", str(BIG)],
        "name": ["Tm3", ""],
        "description": ["left eye", ""],
        "tags": [["neuron", "to_review"], ["neuron", "synapse"]],
        "author": ["ana", ""],
        "confidence": [0.5, -1.0],
        "confidence as": "float32",
    }
    assert shown(lake, limit=1)["ids"] == ["7"]


def test_the_largest_labels_with_their_objects(lake: StoreURL) -> None:
    fill(lake)
    table = table_of({7: 10, 8: 30, 9: 5, BIG: 20, (1 << 64) - 1: 1})
    found = shown(lake, table, limit=3)
    assert found["ids"] == ["7", "8", str(BIG)]
    assert found["voxels"] == [10, 30, 20]
    assert found["voxels as"] == "uint32"
    assert found["name"] == ["Tm3", "", ""]
    assert found["tags"] == [["neuron", "to_review"], [], ["neuron", "synapse"]]
    assert shown(lake, table_of({3: 1 << 32}))["voxels as"] == "float32"
    assert shown(lake / "none", table)["ids"] == sorted(map(str, table.labels), key=int)
    assert shown(lake / "none", table_of({}))["ids"] == shown(lake / "none")["ids"] == []
    for limit in (0, 100_001):
        with pytest.raises(InvalidInputError, match=str(limit)):
            segment_properties(lake, table, limit=limit)


def make_image(url: StoreURL) -> None:
    """Write an image with labels, with ngio itself."""
    import ngio

    image = ngio.create_ome_zarr_from_array(
        store=url.path / "image.ome.zarr",
        array=np.zeros((4, 64, 64), np.uint8),
        pixelsize=0.01,
        z_spacing=0.01,
        ngff_version="0.5",
        consolidation_mode="auto",
    )
    image.derive_label("cells")


@pytest.fixture(scope="module", autouse=True)
def _ngio() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ngio  # noqa: F401


@pytest.mark.folder
def test_ngio_reads_the_table(lake: StoreURL) -> None:
    import ngio
    import pandas as pd

    fill(lake / "index")
    make_image(lake)
    image = lake / "image.ome.zarr"
    table = feature_table(lake / "index", table_of({BIG: 20, 7: 10, 8: 30}))
    for name in ("b", "a", "a"):
        write_feature_table(image, "cells", name, table)
    container = ngio.open_ome_zarr_container(str(image.path))
    assert container.list_tables() == ["a", "b"]
    found = container.get_table("a")
    assert isinstance(found, ngio.tables.FeatureTable)
    assert found.reference_label == "cells"
    frame = found.dataframe
    assert frame.index.name == "label"
    assert frame.index.tolist() == [7, 8, BIG]
    assert frame["voxels"].tolist() == [10, 30, 20]
    assert frame[["z0", "y0", "x0"]].to_numpy().tolist() == [[3, 4, 5], [6, 7, 8], [0, 1, 2]]
    assert frame[["z1", "y1", "x1"]].to_numpy().tolist() == [[5, 6, 7], [8, 9, 10], [2, 3, 4]]
    assert frame["name"].fillna("?").tolist() == ["Tm3", "?", ""]
    assert frame["parent"].fillna("?").tolist() == ["?", "?", str((1 << 64) - 1)]
    assert json.loads(frame["key_values"][7]) == {"description": "left eye", "side": "L"}
    assert frame["confidence"][7] == 0.5
    assert pd.isna(frame["confidence"][8])
    # No reader of zarr finds anything strange in the group.
    assert sorted(dict(zarr.open_group(image.path, mode="r").groups())) == ["labels", "tables"]


@pytest.mark.folder
def test_the_attributes_are_those_that_ngio_writes(lake: StoreURL) -> None:
    import ngio

    make_image(lake)
    image = lake / "image.ome.zarr"
    table = feature_table(lake / "index", table_of({7: 10}))
    write_feature_table(image, "cells", "ours", table)
    frame = table.to_pandas().set_index("label")[["voxels"]]
    container = ngio.open_ome_zarr_container(str(image.path))
    container.add_table(
        "theirs", ngio.tables.FeatureTable(frame, reference_label="cells"), backend="parquet"
    )
    group = zarr.open_group(image.path / "tables", mode="r")
    assert container.list_tables() == ["ours", "theirs"]
    ours, theirs = dict(group["ours"].attrs), dict(group["theirs"].attrs)
    columns = {"categorical_columns", "measurement_columns", "metadata_columns"}
    assert ours.keys() == theirs.keys()
    assert {k: v for k, v in ours.items() if k not in columns} == {
        k: v for k, v in theirs.items() if k not in columns
    }


def test_what_has_no_table(lake: StoreURL) -> None:
    with pytest.raises(UnsupportedError, match="int64"):
        feature_table(lake, table_of({1 << 63: 1}))
    table = feature_table(lake, table_of({1: 1}))
    with pytest.raises(UnsupportedError, match="zarr v3"):
        write_feature_table(lake, "cells", "a", table)
    with pytest.raises(InvalidNameError):
        write_feature_table(lake, "cells", "../a", table)
