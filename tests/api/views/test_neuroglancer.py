"""Viewer states: units, order of axes, and the half voxel between two conventions."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.conftest import SHAPE, Served

from voxlake.api.views.neuroglancer import (
    PUBLIC_VIEWER,
    Layer,
    fits_beside,
    graph_transform,
    si_unit,
    source_transform,
    viewer_state,
)
from voxlake.ngff.grid.axes import Axis, AxisType
from voxlake.ngff.labels.mapping.changes import import_mapping, merge
from voxlake.ngff.metadata.model import Level, Multiscale

if TYPE_CHECKING:
    import httpx2

ZYX = tuple(Axis(name, AxisType.SPACE, "nanometer") for name in "zyx")


def multiscale(
    scale: tuple[float, ...], translation: tuple[float, ...], axes: tuple[Axis, ...] = ZYX
) -> Multiscale:
    """Return a multiscale of one level."""
    return Multiscale("it", axes, (Level("0", scale, translation),), "0.5")


def corner(own: Multiscale, reference: Multiscale) -> list[float]:
    """Return where Neuroglancer draws the first corner of a source, in its own voxels.

    Neuroglancer 2.41.2, datasource/zarr/ome.ts: the translation in voxels, less a half; then the
    transform of the state.
    """
    level = own.levels[0]
    lower = [t / s - 0.5 for s, t in zip(level.scale, level.translation, strict=True)]
    matrix = np.array(source_transform(own, reference)["matrix"])
    return list(matrix @ [*lower, 1.0])


def graph_corner(own: Multiscale, reference: Multiscale) -> list[float]:
    """Return the same of a graph, whose volume has its first corner at 0 and its axes x first."""
    matrix = np.array(graph_transform(own, reference)["matrix"])
    return list((matrix @ [0, 0, 0, 1])[::-1])


sizes = st.tuples(*[st.floats(0.1, 1000)] * 3)
places = st.tuples(*[st.floats(-1e5, 1e5)] * 3)


@given(sizes=st.tuples(sizes, sizes), places=st.tuples(places, places))
def test_a_graph_is_drawn_where_its_voxels_are(
    sizes: tuple[tuple[float, ...], ...], places: tuple[tuple[float, ...], ...]
) -> None:
    own, reference = map(multiscale, sizes, places)
    expected = corner(own, reference)
    assert graph_corner(own, reference) == pytest.approx(expected, rel=1e-6, abs=1e-3)
    assert graph_corner(own, own) == [0, 0, 0]


def test_a_graph_has_its_axes_x_first() -> None:
    own = multiscale((40, 8, 4), (0, 0, 0))
    outer = graph_transform(own, own)["outputDimensions"]
    assert list(outer.items()) == [("x", (4e-9, "m")), ("y", (8e-9, "m")), ("z", (40e-9, "m"))]


@given(scale=sizes, translation=places)
def test_the_first_layer_begins_at_the_origin(
    scale: tuple[float, ...], translation: tuple[float, ...]
) -> None:
    image = multiscale(scale, translation)
    assert corner(image, image) == pytest.approx([0, 0, 0], abs=1e-6)


@given(scale=sizes, translation=places, factor=st.integers(1, 16), moved=st.integers(-50, 50))
@settings(max_examples=60)
def test_other_layers_keep_their_place_beside_it(
    scale: tuple[float, ...], translation: tuple[float, ...], factor: int, moved: int
) -> None:
    image = multiscale(scale, translation)
    # Labels at 1/factor of the resolution, whose first voxel begins at voxel `moved` of the image.
    coarse = multiscale(
        tuple(factor * s for s in scale),
        tuple(t + (moved + (factor - 1) / 2) * s for s, t in zip(scale, translation, strict=True)),
    )
    in_image_voxels = [factor * place for place in corner(coarse, image)]
    assert in_image_voxels == pytest.approx([moved] * 3, abs=1e-5)


def test_units_may_differ_between_layers() -> None:
    image = multiscale((40, 10, 10), (0, 0, 0))
    micrometers = tuple(Axis(name, AxisType.SPACE, "micrometer") for name in "zyx")
    labels = multiscale((0.04, 0.01, 0.01), (0, 0, 0), micrometers)
    assert corner(labels, image) == pytest.approx([0, 0, 0], abs=1e-9)
    assert source_transform(labels, image)["outputDimensions"] == {
        "z": (4e-8, "m"),
        "y": (1e-8, "m"),
        "x": (1e-8, "m"),
    }


@pytest.mark.parametrize(
    ("unit", "si"),
    [
        ("nanometer", (1e-9, "m")),
        ("angstrom", (1e-10, "m")),
        ("micrometer", (1e-6, "m")),
        ("meter", (1.0, "m")),
        ("millisecond", (1e-3, "s")),
        ("hour", (3600.0, "s")),
        (None, (1.0, "")),
        ("parsnip", (1.0, "")),
    ],
)
def test_units_are_si(unit: str | None, si: tuple[float, str]) -> None:
    assert si_unit(Axis("z", AxisType.SPACE, unit)) == si


def test_time_and_channels_have_their_own_dimensions() -> None:
    axes = (
        Axis("t", AxisType.TIME, "second"),
        Axis("c", AxisType.CHANNEL),
        *ZYX,
    )
    layer = Layer("it", "http://h/zarr/a/b/c", multiscale((2, 1, 40, 10, 10), (0,) * 5, axes),
                  (5, 3, 20, 30, 40), labels=False)  # fmt: skip
    state = viewer_state([layer])
    assert list(state["dimensions"]) == ["x", "y", "z", "t"]
    assert state["dimensions"]["t"] == (2.0, "s")
    assert state["position"] == [20, 15, 10, 0.5]
    transform = state["layers"][0]["source"]["transform"]
    assert list(transform["outputDimensions"]) == ["t", "c'", "z", "y", "x"]
    assert [row[-1] for row in transform["matrix"]] == [0.5] * 5


@pytest.mark.parametrize("names", ["zyx", "xyz", "ZYX", "yXz"])
def test_x_is_to_the_right_and_y_down_whatever_they_are_called(names: str) -> None:
    axes = tuple(Axis(name, AxisType.SPACE) for name in names)
    layer = Layer("it", "http://h", multiscale((1, 1, 1), (0, 0, 0), axes), SHAPE, labels=False)
    order = list(viewer_state([layer])["dimensions"])
    assert [name.lower() for name in order] == ["x", "y", "z"]
    assert set(order) == set(names)


def shown(client: httpx2.Client, name: str) -> list[tuple[str, str]]:
    """Return names and types of the layers of a dataset's view."""
    state = client.get(f"/v2/datasets/{name}/neuroglancer").json()["state"]
    return [(layer["name"], layer["type"]) for layer in state["layers"]]


def test_an_image_comes_with_all_its_labels_that_may_be_seen(
    anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    em, cells, draft = ("em", "image"), ("cells", "segmentation"), ("draft", "segmentation")
    assert shown(anonymous, "lab/brain/em") == [em, cells]
    assert shown(owner, "lab/brain/em") == [em, cells, draft]
    assert shown(owner, "lab/brain/draft") == [em, draft]
    assert shown(owner, "lab/brain/alone") == [("alone", "segmentation")]


def test_all_of_an_experiment_is_listed_beside_what_is_seen_first(
    anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    def layers(client: httpx2.Client) -> dict[str, bool]:
        answer = client.get("/v2/datasets/lab/brain/em/neuroglancer/state?beside=true")
        return {each["name"]: each.get("visible", True) for each in answer.json()["layers"]}

    public, seen = layers(anonymous), layers(owner)
    assert [name for name, drawn in public.items() if drawn] == ["em", "cells"]
    assert [name for name, drawn in seen.items() if drawn] == ["em", "cells", "draft"]
    assert not {"secret", "alone"} & set(public)
    assert {"secret", "alone"} <= set(seen)
    location = owner.get("/view/lab/brain/em?beside=true").headers["location"]
    state = json.loads(unquote(location.partition("#!")[2]))
    assert [each["name"] for each in state["layers"]] == list(seen)
    assert state["selectedLayer"]["layer"] == "draft"


def test_what_has_other_units_does_not_fit_beside() -> None:
    own = multiscale((40, 8, 8), (0, 0, 0))
    bare = multiscale((1, 1, 1), (0, 0, 0), tuple(Axis(name, AxisType.SPACE) for name in "zyx"))
    micrometers = tuple(Axis(name, AxisType.SPACE, "micrometer") for name in "zyx")
    assert fits_beside(multiscale((1, 1, 1), (0, 0, 0), micrometers), own)
    assert not fits_beside(bare, own)
    film = (Axis("t", AxisType.TIME, "second"), *ZYX)
    assert fits_beside(multiscale((2, 1, 1, 1), (0,) * 4, film), own)


def test_the_state_names_this_gateways_sources(served: Served, anonymous: httpx2.Client) -> None:
    found = anonymous.get("/v2/datasets/lab/brain/em/neuroglancer").json()
    state = found["state"]
    for layer in state["layers"]:
        url = layer["source"]["url"].removesuffix("|zarr3:")
        assert url == f"{served.url}/zarr/lab/brain/{layer['name']}/"
        assert anonymous.get(f"{url}zarr.json").status_code == 200
    assert state["dimensions"] == {"x": [1e-8, "m"], "y": [1e-8, "m"], "z": [4e-8, "m"]}
    assert state["position"] == [extent / 2 for extent in reversed(SHAPE)]
    viewer, _, fragment = found["link"].partition("#!")
    assert viewer == f"{served.url}/neuroglancer/"
    assert json.loads(unquote(fragment)) == state


def test_the_view_leads_to_the_viewer(anonymous: httpx2.Client) -> None:
    answer = anonymous.get("/view/lab/brain/em")
    link = anonymous.get("/v2/datasets/lab/brain/em/neuroglancer").json()["link"]
    assert (answer.status_code, answer.headers["location"]) == (302, link)


def test_sixteen_bits_are_drawn_by_the_values_that_are_there(owner: httpx2.Client) -> None:
    state = owner.get("/v2/datasets/lab/brain/secret/neuroglancer").json()["state"]
    low, high = json.loads(state["layers"][0]["shader"].partition("range=")[2].partition(")")[0])
    assert 0 <= low < 100
    assert 4900 < high < 5000


def labels_of(*bodies: list[list[int]] | None) -> list[Layer]:
    """Return a layer of labels for each list of bodies."""
    place = multiscale((1, 1, 1), (0, 0, 0))
    return [
        Layer(f"l{number}", "http://h", place, SHAPE, labels=True, bodies=each)
        for number, each in enumerate(bodies)
    ]


def test_merged_bodies_are_equivalences() -> None:
    nobody, several = viewer_state(labels_of([], [[0, 9], [1, 3, 2**64 - 2]]))["layers"]
    assert "equivalences" not in nobody
    assert several["equivalences"] == [["0", "9"], ["1", "3", str(2**64 - 2)]]


def test_too_many_merges_are_not_in_the_state_and_it_says_so() -> None:
    def chain(count: int) -> list[list[int]]:
        return [list(range(2**64 - 2 - count, 2**64 - 1))]

    state = viewer_state(labels_of(chain(9000), chain(1001), chain(1000), None))
    names = [layer["name"] for layer in state["layers"]]
    assert names == ["l0", "l1 (merges not shown)", "l2", "l3 (merges not shown)"]
    assert ["equivalences" in layer for layer in state["layers"]] == [True, False, True, False]
    assert state["selectedLayer"]["layer"] == names[-1]
    assert len(json.dumps(state)) < 250_000
    # As the viewer puts it into its address: pairs of labels, all but letters and digits escaped.
    pairs = [
        pair
        for layer in state["layers"]
        for body in layer.get("equivalences", ())
        for pair in pairwise(body)
    ]
    assert len(quote(json.dumps(pairs, separators=(",", ":")))) < 1 << 20


@pytest.mark.parametrize("into", [3, 1])
def test_a_view_has_the_merges_as_of_now(served: Served, owner: httpx2.Client, into: int) -> None:
    address = "/v2/datasets/lab/brain/draft"
    before = owner.get(f"{address}/neuroglancer/state").json()
    assert before == owner.get(f"{address}/neuroglancer").json()["state"]
    other = 4 - into
    merge(served.lake / "lab/brain/em.index/draft", [into, other])
    try:
        (layer,) = owner.get(f"{address}/neuroglancer/state").json()["layers"][1:]
        assert layer["equivalences"] == [[str(into), str(other)]]
    finally:
        import_mapping(served.lake / "lab/brain/em.index/draft", [], [])
    assert owner.get(f"{address}/neuroglancer/state").json() == before


def test_a_view_too_long_for_a_header_is_fetched_by_the_viewer(
    served: Served, owner: httpx2.Client
) -> None:
    index_url = served.lake / "lab/brain/em.index/draft"
    labels = list(range(5, 10_006))
    try:
        import_mapping(index_url, labels, [5] * len(labels))
        location = owner.get("/view/lab/brain/em").headers["location"]
        viewer, _, state = location.partition("#!")
        assert viewer == f"{served.url}/neuroglancer/"
        assert (
            owner.get(state).json()
            == (owner.get("/v2/datasets/lab/brain/em/neuroglancer").json()["state"])
        )
    finally:
        import_mapping(index_url, [], [])


def test_the_public_viewer_is_known() -> None:
    assert PUBLIC_VIEWER.startswith("https://")
