"""Coordinate systems of NGFF 0.6: what further transformations make of an image's place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.metadata.reading import parse_multiscale, read_multiscale
from voxlake.ngff.metadata.transformations import Placement, SequenceDocument, applied
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.metadata.model import Multiscale
    from voxlake.platform.store import StoreURL

type Json = dict[str, Any]

TURN = {"type": "rotation", "rotation": [[0, 1, 0], [1, 0, 0], [0, 0, -1]]}


def by(*numbers: float) -> Json:
    return {"type": "scale", "scale": list(numbers)}


def moved(*numbers: float) -> Json:
    return {"type": "translation", "translation": list(numbers)}


def sequence(*steps: Json) -> Json:
    return {"type": "sequence", "transformations": list(steps)}


def link(transformation: Json, start: Json | str, end: Json | str) -> Json:
    told = [{"name": each} if isinstance(each, str) else each for each in (start, end)]
    return {**transformation, "input": told[0], "output": told[1]}


def system(name: str, unit: str | None = "micrometer") -> Json:
    axes = [{"name": n, "type": "space"} | ({"unit": unit} if unit else {}) for n in "zyx"]
    return {"name": name, "axes": axes}


def image(*links: Json, systems: tuple[Json, ...] = ()) -> Json:
    """Return an image with voxels of 2 micrometres in the system "own"."""
    levels = [
        {
            "path": str(n),
            "coordinateTransformations": [
                link(by(*(2 * 2**n,) * 3), {"path": str(n)}, {"name": "own"})
            ],
        }
        for n in range(2)
    ]
    multiscale = {"coordinateSystems": [system("own"), *systems], "datasets": levels}
    further = {"coordinateTransformations": list(links)} if links else {}
    return {"version": "0.6", "multiscales": [multiscale | further]}


def put(url: StoreURL, ome: Json) -> StoreURL:
    document = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    store.write(url / "zarr.json", json.dumps(document).encode())
    return url


def places(found: Multiscale) -> list[tuple[float, float]]:
    return [(level.scale[2], level.translation[2]) for level in found.levels]


LAB, ATLAS, PIXELS = system("lab"), system("atlas", "millimeter"), system("pixels", None)


@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        ([], [(2, 0), (4, 0)]),
        ([link({"type": "identity"}, "own", "lab")], [(2, 0), (4, 0)]),
        ([link(by(10, 10, 10), "own", "lab")], [(20, 0), (40, 0)]),
        ([link(by(10, 10, 10), "lab", "own")], [(0.2, 0), (0.4, 0)]),
        ([link(moved(1, 2, 3), "own", "lab")], [(2, 3), (4, 3)]),
        ([link(sequence(moved(1, 1, 1), by(3, 3, 3)), "own", "lab")], [(6, 3), (12, 3)]),
        ([link(sequence(by(3, 3, 3), moved(1, 1, 1)), "lab", "own")], [(2 / 3, -1 / 3)] * 1),
        ([link(by(0.5, 0.5, 0.5), "own", "pixels")], [(2, 0), (4, 0)]),
        ([link(by(9, 9, 9), "own", "lab"), link(by(2, 2, 2), "lab", "atlas")], [(36, 0), (72, 0)]),
    ],
)
def test_an_image_is_where_its_transformations_place_it(
    links: list[Json], wanted: list[tuple[float, float]]
) -> None:
    found = parse_multiscale(image(*links, systems=(LAB, ATLAS, PIXELS)), "it")
    assert not found.lost
    for place, expected in zip(places(found), wanted, strict=False):
        assert place == pytest.approx(expected)


def test_the_unit_is_that_of_the_system_it_is_placed_in() -> None:
    found = parse_multiscale(image(link(by(1, 1, 1), "own", "atlas"), systems=(ATLAS,)), "it")
    assert found.voxel_size == VoxelSize(2, 2, 2, "millimeter")
    assert found.system == "atlas"


@pytest.mark.parametrize(
    ("further", "says"),
    [
        (TURN, "a rotation from 'own' to 'lab'"),
        ({"type": "affine", "affine": [[1, 0, 0, 0]] * 3}, "an affine"),
        ({"type": "mapAxis", "mapAxis": [2, 1, 0]}, "a mapAxis"),
        ({"type": "displacements", "path": "field"}, "a displacements"),
        ({"type": "byDimension", "transformations": []}, "a byDimension"),
        (sequence(by(1, 1, 1), TURN), "a rotation"),
        ({"type": "scale", "path": "numbers"}, "whose numbers lie in 'numbers'"),
        ({"type": "wobble"}, "a wobble"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_no_scale_and_translation_is_refused_by_name(
    further: Json, says: str, backwards: bool, lake: StoreURL
) -> None:
    ends = ("lab", "own") if backwards else ("own", "lab")
    url = put(lake / "group", image(link(further, *ends), systems=(LAB,)))
    with pytest.raises(UnsupportedError, match="scales and translations") as refused:
        read_multiscale(url)
    assert says.replace("'own' to 'lab'", "{!r} to {!r}".format(*ends)) in str(refused.value)


def test_several_systems_that_differ_are_no_place() -> None:
    ends = link(by(3, 3, 3), "own", "lab"), link(by(4, 4, 4), "own", "atlas")
    [lost] = parse_multiscale(image(*ends, systems=(LAB, ATLAS)), "it").lost
    assert "'lab' and 'atlas'" in lost
    other = system("other")
    alike = link(by(3, 3, 3), "own", "lab"), link(by(3, 3, 3), "own", "other")
    found = parse_multiscale(image(*alike, systems=(LAB, other)), "it")
    assert (found.lost, places(found)[0]) == ((), (6, 0))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (image(link(by(1, 1, 1), "own", "moon")), "no coordinate system 'moon'"),
        (image(link(by(1, 1), "own", "lab"), systems=(LAB,)), "2 numbers for 3 axes"),
        (image(by(1, 1, 1), systems=(LAB,)), "does not name"),
        (image(systems=(LAB, LAB)), "one name"),
        (image(link(by(0, 1, 1), "lab", "own"), systems=(LAB,)), "cannot be undone"),
        (image(link(by(0, 1, 1), "own", "lab"), systems=(LAB,)), "not 0"),
        (
            image(
                link({"type": "identity"}, "own", "flat"),
                systems=({"name": "flat", "axes": LAB["axes"][1:]},),
            ),
            "2 axes",
        ),
    ],
)
def test_transformations_that_contradict_are_broken(broken: Json, says: str) -> None:
    with pytest.raises(CorruptDataError, match=says):
        parse_multiscale(broken, "it")


def scene(*links: Json, systems: tuple[Json, ...] = (LAB, ATLAS)) -> Json:
    told = {"coordinateSystems": list(systems), "coordinateTransformations": list(links)}
    return {"version": "0.6", "scene": told}


def own(path: str) -> Json:
    return {"path": path, "name": "own"}


@pytest.mark.parametrize("path", ["a", "tiles/a"])
@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        ((moved(5, 5, 5), "lab", False), (2, 5)),
        ((by(3, 3, 3), "lab", False), (6, 0)),
        ((moved(5, 5, 5), "lab", True), (2, -5)),
    ],
)
def test_a_scene_places_its_images(
    links: tuple[Json, str, bool], wanted: tuple[float, float], path: str, lake: StoreURL
) -> None:
    further, name, backwards = links
    ends = ({"name": name}, own(path)) if backwards else (own(path), {"name": name})
    put(lake / "scene", scene(link(further, *ends)))
    placed = read_multiscale(put(lake / "scene" / path, image()))
    other = read_multiscale(put(lake / "scene" / "b", image()))
    assert (places(placed)[0], placed.system) == (wanted, "lab")
    assert (places(other)[0], other.system) == ((2, 0), "own")


def test_an_image_is_placed_in_the_units_of_the_one_it_is_registered_to(lake: StoreURL) -> None:
    put(lake / "scene", scene(link(by(0.001, 0.001, 0.001), own("a"), own("b"))))
    target = image()
    target["multiscales"][0]["coordinateSystems"] = [system("own", "millimeter")]
    moving, fixed = put(lake / "scene" / "a", image()), put(lake / "scene" / "b", target)
    assert read_multiscale(moving).voxel_size == VoxelSize(0.002, 0.002, 0.002, "millimeter")
    assert read_multiscale(fixed).voxel_size == VoxelSize(2, 2, 2, "millimeter")


def test_a_scene_that_turns_an_image_is_refused(lake: StoreURL) -> None:
    put(lake / "scene", scene(link(TURN, own("a"), "lab")))
    turned, still = put(lake / "scene" / "a", image()), put(lake / "scene" / "b", image())
    with pytest.raises(UnsupportedError, match="a rotation from 'own' of a to 'lab'"):
        read_multiscale(turned)
    assert places(read_multiscale(still))[0] == (2, 0)


def test_an_image_places_the_labels_in_it(lake: StoreURL) -> None:
    labels = put(lake / "em" / "labels" / "seg", image() | {"image-label": {}})
    assert places(read_multiscale(labels))[0] == (2, 0)
    put(lake / "em", image(link(moved(7, 7, 7), own("labels/seg"), "own")))
    found = read_multiscale(labels)
    assert (found.is_labels, places(found)[0]) == (True, (2, 7))
    assert places(read_multiscale(lake / "em"))[0] == (2, 0)


numbers = st.tuples(*(st.floats(0.01, 100).map(lambda x: round(x, 3)),) * 3)
steps = st.recursive(
    st.one_of(
        st.just({"type": "identity"}),
        numbers.map(lambda n: by(*n)),
        numbers.map(lambda n: moved(*n)),
    ),
    lambda inner: st.lists(inner, max_size=4).map(lambda each: sequence(*each)),
    max_leaves=6,
)


def affine(step: Json) -> npt.NDArray[np.float64]:
    """Return the 4 x 4 matrix of a transformation."""
    matrix = np.eye(4)
    match step:
        case {"scale": scale}:
            matrix[:3, :3] = np.diag(scale)
        case {"translation": translation}:
            matrix[:3, 3] = translation
        case {"transformations": inner}:
            for each in inner:
                matrix = affine(each) @ matrix
    return matrix


@given(st.lists(steps, max_size=4), numbers)
def test_what_is_applied_in_turn_is_the_product_of_affines(
    chosen: list[Json], point: tuple[float, float, float]
) -> None:
    whole = SequenceDocument.model_validate(sequence(*chosen))
    found = applied((whole,), Placement.identity(3))
    wanted = affine(sequence(*chosen)) @ (*point, 1)
    reached = np.array(found.scale) * point + found.translation
    np.testing.assert_allclose(reached, wanted[:3], rtol=1e-9)
    inverse = found.inverse()
    back = np.array(inverse.scale) * reached + inverse.translation
    np.testing.assert_allclose(back, point, rtol=1e-6, atol=1e-6)
