"""Cutouts of some labels: in every format, as bodies too, and equal to NumPy's `isin`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.labelled import (
    IDS,
    LARGEST,
    Labelled,
    boxes,
    brute_bodies,
    labelled_gateway,
    query_of,
)

from voxlake.api.formats import FORMATS, Cutout
from voxlake.api.http.requests.query import MOST_IDS
from voxlake.client import Gateway
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.mapping.changes import import_mapping
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from voxlake.api.formats import Format

OWNERS = {1: 70, 2: 70, (1 << 53) + 1: LARGEST, 3: 0}
NAME = "lab/brain/cells"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path_factory.mktemp("filter")) as served:
        import_mapping(served.opened()[1], list(OWNERS), list(OWNERS.values()))
        yield served


@pytest.fixture(scope="module")
def bob(labelled: Labelled) -> Iterator[httpx2.Client]:
    with labelled.client("bob") as client:
        yield client


def kept(voxels: Any, labels: list[int]) -> Any:
    return np.where(np.isin(voxels, np.array(labels, np.uint64)), voxels, np.uint64(0))


@settings(max_examples=25)
@given(
    box=boxes(),
    labels=st.lists(st.sampled_from([*IDS, 70, 424_242]), min_size=1),
    bodies=st.booleans(),
    level=st.sampled_from([0, 1]),
)
def test_labels_that_are_not_listed_are_background(
    labelled: Labelled, bob: httpx2.Client, box: Box, labels: list[int], bodies: bool, level: int
) -> None:
    query = {"filter": ", ".join(map(str, labels)), "bodies": str(bodies), "format": "npy"}
    ranges = query_of(box) if level == 0 else {"level": "1"}
    got = np.load(io.BytesIO(bob.get("cells/cutout", params={**ranges, **query}).content))
    whole = brute_bodies(labelled.voxels, OWNERS) if bodies else labelled.voxels
    part = whole[box.slices] if level == 0 else whole[:, ::2, ::2]
    assert got.dtype == np.uint64
    np.testing.assert_array_equal(got, kept(part, labels))


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_in_every_format(labelled: Labelled, bob: httpx2.Client, form: Format) -> None:
    box = Box((3, 4, 5), (20, 30, 40))
    want = np.ascontiguousarray(kept(labelled.voxels[box.slices], [2, LARGEST]))
    multiscale = open_dataset(
        labelled.lake / labelled.catalog.get_dataset(DatasetName.parse(NAME)).url
    ).multiscale
    base = multiscale.levels[0]
    start = zip(base.translation, base.scale, box.start, strict=True)
    place = tuple(origin + step * lo for origin, step, lo in start)
    cutout = Cutout(NAME, 0, box, want.dtype, multiscale.axes, base.scale, place)
    query = {**query_of(box), "filter": f"2,{LARGEST}", "format": form.name}
    answer = bob.get("cells/cutout", params=query)
    if not form.accepts(cutout):
        assert answer.status_code == 406
        return
    assert answer.content == b"".join(form.encode(cutout, iter([want])))


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ({"filter": ""}, 400, "invalid-input"),
        ({"filter": "0"}, 400, "invalid-input"),
        ({"filter": "1,,2"}, 400, "invalid-input"),
        ({"filter": "-1"}, 400, "invalid-input"),
        ({"filter": "1.5"}, 400, "invalid-input"),
        ({"filter": "\u0661"}, 400, "invalid-input"),
        ({"filter": str(2**64)}, 400, "invalid-input"),
        ({"filter": "9" * 5000}, 400, "invalid-input"),
        ({"filter": ",".join(["1"] * (MOST_IDS + 1))}, 413, "limit-exceeded"),
    ],
)
def test_what_is_no_list_of_labels_is_refused(
    bob: httpx2.Client, query: dict[str, str], status: int, kind: str
) -> None:
    answer = bob.get("cells/cutout", params=query)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:voxlake:error:{kind}")


def test_an_image_has_no_labels(bob: httpx2.Client) -> None:
    answer = bob.get("em/cutout", params={"filter": "1"})
    assert answer.json()["type"] == "urn:voxlake:error:unsupported"
    assert "an image" in answer.json()["detail"]


def test_as_many_labels_as_are_taken_fit_in_an_address(
    labelled: Labelled, bob: httpx2.Client
) -> None:
    ids = [LARGEST - n for n in range(MOST_IDS)]
    answer = bob.get("cells/cutout", params={"filter": ",".join(map(str, ids)), "format": "npy"})
    np.testing.assert_array_equal(
        np.load(io.BytesIO(answer.content)), kept(labelled.voxels, [LARGEST])
    )


def test_the_client_asks_for_some_labels(labelled: Labelled) -> None:
    with Gateway(labelled.url, labelled.token("bob")) as gateway:
        found = gateway.cutout(NAME, "0:5,:,:", filter=np.array([1, LARGEST], np.uint64))
        np.testing.assert_array_equal(found, kept(labelled.voxels[:5], [1, LARGEST]))
        found = gateway.cutout(NAME, filter=[70], bodies=True)
    bodies = brute_bodies(labelled.voxels, OWNERS)
    np.testing.assert_array_equal(found, kept(bodies, [70]))
