"""Rules of NGFF: what its JSON schemas refuse is found, and what only its words say."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ngff_zarr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from voxlake.ngff.metadata.rules.group import breaches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type Json = dict[str, Any]
type Steps = tuple[str | int, ...]
"""Keys and numbers that lead to a place in a document."""

VERSIONS = ("0.4", "0.5", "0.6")
AXES = [
    {"name": "t", "type": "time", "unit": "second"},
    {"name": "c", "type": "channel"},
    *({"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"),
]
WINDOW = {"min": 0, "max": 255, "start": 10, "end": 200}
LABEL = {
    "colors": [{"label-value": 1, "rgba": [0, 10, 255, 255]}, {"label-value": 2}],
    "properties": [{"label-value": 1, "class": "axon"}],
    "source": {"image": "../../"},
}


def by(*numbers: float) -> Json:
    return {"type": "scale", "scale": list(numbers)}


def moved(*numbers: float) -> Json:
    return {"type": "translation", "translation": list(numbers)}


def of_04(path: str, size: float) -> Json:
    steps = [by(1, 1, size, size, size), moved(0, 0, size, 0, 0)]
    return {"path": path, "coordinateTransformations": steps}


def of_06(path: str, size: float) -> Json:
    steps = {"type": "sequence", "transformations": [by(*(size,) * 5), moved(*(size,) * 5)]}
    ends = {"input": {"path": path}, "output": {"name": "own"}}
    return {"path": path, "coordinateTransformations": [steps | ends]}


def further(transformation: Json, name: str) -> Json:
    return {**transformation, "input": {"name": "own"}, "output": {"name": name}}


def right(version: str) -> Json:
    """Return OME-Zarr metadata of an image that is labels, too, and breaks no rule."""
    more: Json = {"omero": {"channels": [{"color": "00FFaa", "window": dict(WINDOW)}]}}
    more["image-label"] = copy.deepcopy(LABEL)
    if version != "0.6":
        image = {"name": "em", "axes": AXES, "datasets": [of_04("0", 1), of_04("1", 2)]}
        image["coordinateTransformations"] = [by(1, 1, 2, 2, 2)]
        whole = {"version": version} if version != "0.4" else {}
        return copy.deepcopy({**whole, "multiscales": [image], **more})
    systems = [{"name": name, "axes": AXES} for name in ("own", "lab", "turned", "mapped", "field")]
    eye = [[int(row == column) for column in range(5)] for row in range(5)]
    image = {
        "name": "em",
        "coordinateSystems": systems,
        "datasets": [of_06("0", 1), of_06("1", 2)],
        "coordinateTransformations": [
            further(by(2, 2, 2, 2, 2), "lab"),
            further({"type": "rotation", "rotation": eye}, "turned"),
            further({"type": "mapAxis", "mapAxis": [0, 1, 4, 3, 2]}, "mapped"),
            further({"type": "displacements", "path": "field"}, "field"),
        ],
    }
    return copy.deepcopy({"version": "0.6", "multiscales": [image], **more})


@cache
def schemas(version: str) -> tuple[Draft202012Validator, ...]:
    """Return the published schemas of an image and of labels."""
    folder = Path(ngff_zarr.__file__).parent / "spec" / version / "schemas"
    documents = [json.loads(path.read_text()) for path in folder.glob("*.schema")]
    registry: Registry[Any] = Registry().with_resources(
        (document["$id"], DRAFT202012.create_resource(document)) for document in documents
    )
    base = f"https://ngff.openmicroscopy.org/{version}/schemas"
    return tuple(
        Draft202012Validator({"$ref": f"{base}/{name}.schema"}, registry=registry)
        for name in ("image", "label")
    )


def is_valid(ome: Json, version: str) -> bool:
    document = ome if version == "0.4" else {"ome": ome}
    image, label = schemas(version)
    return image.is_valid(document) and ("image-label" not in ome or label.is_valid(document))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_right_breaks_no_rule(version: str) -> None:
    assert is_valid(right(version), version)
    assert list(breaches(right(version), version)) == []


def places(value: Any, path: Steps = ()) -> Iterator[Steps]:
    """Yield the way to everything in a document but its version.

    Nor to the types of axes: the schemas take an axis without one for one of space, too.
    """
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        if key != "version" and not (key == "type" and "axes" in path):
            yield (*path, key)
            if isinstance(child, dict | list):
                yield from places(child, (*path, key))


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "", "scale", "moon", -1, 0, 1.5, 300, [], {}, [{}], ["x"], [[1]], [1, 1]]
)


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
def test_what_the_schema_refuses_is_found(version: str, data: st.DataObject) -> None:
    ome = right(version)
    *way, last = data.draw(st.sampled_from(list(places(ome))))
    owner: Any = ome
    for step in way:
        owner = owner[step]
    change = data.draw(st.sampled_from(["drop", "replace", "repeat"]))
    if change == "replace":
        owner[last] = data.draw(ODD)
    elif change == "drop" or isinstance(owner, dict):
        del owner[last]
    else:
        owner.insert(last, owner[last])
    found = list(breaches(ome, version))
    assert found or is_valid(ome, version)


def multiscale(ome: Json) -> Json:
    found: Json = ome["multiscales"][0]
    return found


def axes(ome: Json) -> list[Json]:
    image = multiscale(ome)
    found: list[Json] = (image if "axes" in image else image["coordinateSystems"][0])["axes"]
    return found


def relation(ome: Json, **changes: Any) -> None:
    multiscale(ome)["coordinateTransformations"][0] = changes | {
        key: changes.get(key, {"name": name}) for key, name in (("input", "own"), ("output", "lab"))
    }


ALL: list[tuple[Callable[[Json], object], str]] = [
    (lambda o: axes(o)[4].update(name="y"), "as another axis"),
    (lambda o: axes(o).insert(5, axes(o).pop(1)), "time must be first, then channel, then space"),
    (lambda o: axes(o).insert(1, axes(o).pop(0)), "time must be first"),
    (lambda o: axes(o)[1].update(type="time"), "2 of type time"),
    (lambda o: axes(o)[0].update(type="phase"), "2 of type channel or of another"),
    (lambda o: [a.pop("type") for a in axes(o)[2:4]], "1 of type space"),
    (lambda o: o["omero"]["channels"][0].update(color="red"), "hexadecimal"),
    (lambda o: o["omero"]["channels"][0].pop("window"), "no 'window'"),
    (lambda o: o["omero"]["channels"][0]["window"].update(min="0"), "not a number"),
    (lambda o: o["image-label"]["properties"][0].update({"label-value": 1.5}), "whole number"),
    (lambda o: o["image-label"]["colors"][1].update({"label-value": "2"}), "whole number"),
    (lambda o: o["image-label"]["colors"][0].update(rgba=[0, 0, 256, 0]), "0 to 255"),
]
OLDER: list[tuple[Callable[[Json], object], str]] = [
    (lambda o: steps(o).pop(0), "0 scales"),
    (lambda o: steps(o).append(by(1, 1, 1, 1, 1)), "2 scales"),
    (lambda o: steps(o).append(moved(0, 0, 0, 0, 0)), "2 translations"),
    (lambda o: steps(o).reverse(), "before the scale"),
    (lambda o: steps(o)[0]["scale"].pop(), "4 numbers; there are 5 axes"),
    (lambda o: steps(o)[1]["translation"].append(0), "6 numbers; there are 5 axes"),
    (lambda o: steps(o)[0]["scale"].__setitem__(0, float("nan")), "not a list of numbers"),
    (lambda o: steps(o)[0]["scale"].__setitem__(0, float("inf")), "not a list of numbers"),
    (lambda o: steps(o)[0]["scale"].__setitem__(0, "1"), "not a list of numbers"),
    (lambda o: steps(o)[0]["scale"].__setitem__(0, 0), "the size 0"),
    (lambda o: steps(o).append({"type": "identity"}), "must be a scale or a translation"),
    (lambda o: multiscale(o).update(coordinateTransformations=[moved(1, 1, 1, 1, 1)]), "0 scales"),
]
NEW: list[tuple[Callable[[Json], object], str]] = [
    (lambda o: axes(o)[0].update(name=""), "is empty"),
    (lambda o: axes(o)[0].update(discrete="no"), "true or false"),
    (lambda o: axes(o)[0].update(longName=3), "not a text"),
    (lambda o: multiscale(o)["coordinateSystems"][1].update(name="own"), "another coordinate"),
    (lambda o: steps(o)[0]["input"].update(path="7"), "the level's path is '0'"),
    (lambda o: steps(o)[0]["output"].update(name="lab"), "all must lead to one"),
    (lambda o: steps(o)[0]["output"].update(name="moon"), "no coordinate system"),
    (lambda o: steps(o).append(steps(o)[0]), "exactly one"),
    (lambda o: steps(o)[0]["transformations"].reverse(), "a scale and a translation"),
    (lambda o: steps(o)[0]["transformations"].pop(), "a scale and a translation"),
    (lambda o: steps(o)[0]["transformations"][0]["scale"].pop(), "4 numbers"),
    (lambda o: relation(o, **by(1, 1)), "2 numbers; there are 5 axes"),
    (lambda o: relation(o, **by(1, 1, 1, 1, -1)), "above 0"),
    (lambda o: relation(o, type="wobble"), "does not know"),
    (lambda o: relation(o, type="mapAxis", mapAxis=[0, 1, 2, 3, 3]), "each axis once"),
    (lambda o: relation(o, type="affine", affine=[[1] * 5] * 5), "must be 5 x 6"),
    (lambda o: relation(o, type="rotation", rotation=[[2] * 5] * 5), "orthonormal"),
    (lambda o: relation(o, type="rotation", rotation=mirror()), "determinant"),
    (lambda o: relation(o, type="sequence", transformations=[]), "one or more"),
    (lambda o: relation(o, type="sequence", transformations=[by(1), by(1)]), "1 numbers"),
    (lambda o: relation(o, type="projectAxis", droppedInputs=[0]), "to 4, not to 5"),
    (lambda o: relation(o, type="projectAxis", createdOutputs=[7]), "no such axes"),
    (lambda o: relation(o, type="projectAxis"), "neither drops"),
    (lambda o: relation(o, type="bijection", forward=by(1)), "no 'inverse'"),
    (lambda o: relation(o, type="byDimension", transformations=[]), "led to once"),
    (lambda o: relation(o, type="coordinates"), "no 'path'"),
    (lambda o: relation(o, type="identity", output={"path": "labels/a"}), "no 'name'"),
    (lambda o: relation(o, **by(2, 2, 2, 2, 2), input={"name": "field"}), "neither leads from nor"),
    (
        lambda o: relation(
            o, type="mapAxis", mapAxis=[0], output={"name": "a", "path": "labels/a"}
        ),
        "relates labels",
    ),
    (lambda o: multiscale(o)["coordinateTransformations"].pop(0), "'lab' are linked to 'own'"),
]
BROKEN = [
    *((version, *each) for version in VERSIONS for each in ALL),
    *((version, *each) for version in VERSIONS[:2] for each in OLDER),
    *(("0.6", *each) for each in NEW),
    ("0.4", lambda o: multiscale(o).update(version="0.3"), "are of 0.4"),
    ("0.4", lambda o: o["image-label"].update(version="0.5"), "the image is of 0.4"),
    (
        "0.4",
        lambda o: o["image-label"]["colors"].append({"label-value": 2, "rgba": [1, 1, 1, 1]}),
        "as another color's",
    ),
    ("0.5", lambda o: o.pop("version"), "no 'version'"),
    ("0.6", lambda o: o.update(version=0.6), "not a text"),
]


def steps(ome: Json) -> list[Json]:
    found: list[Json] = multiscale(ome)["datasets"][0]["coordinateTransformations"]
    return found


def mirror() -> list[list[int]]:
    signs = (-1, 1, 1, 1, 1)
    return [[sign * (row == n) for n in range(5)] for row, sign in enumerate(signs)]


@pytest.mark.parametrize(("version", "change", "says"), BROKEN)
def test_what_only_the_words_say_is_found(
    version: str, change: Callable[[Json], object], says: str
) -> None:
    ome = right(version)
    change(ome)
    assert any(says in found for found in breaches(ome, version))


@pytest.mark.parametrize("version", VERSIONS)
def test_two_dimensions_are_enough(version: str) -> None:
    ome = right(version)
    flat = {"type": "scale", "scale": [2, 2]}
    image: Json = {"datasets": [{"path": "0", "coordinateTransformations": [dict(flat)]}]}
    if version == "0.6":
        image["coordinateSystems"] = [{"name": "own", "axes": AXES[-2:]}]
        image["datasets"][0]["coordinateTransformations"][0] |= {
            "input": {"path": "0"},
            "output": {"name": "own"},
        }
    else:
        image["axes"] = AXES[-2:]
    ome["multiscales"] = [image]
    assert is_valid(ome, version)
    assert list(breaches(ome, version)) == []
