"""Labels with time points at the gateway: written, and asked about, at each by itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN, Served, run_app
from tests.ngff.labels.answers import check_point

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Gateway, Lake
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import NotFoundError, OutOfBoundsError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2
    import numpy.typing as npt

    from voxlake.client.labels import RemoteLabels

    type Voxels = npt.NDArray[np.uint64]

NAME = "lab/brain/cells"
AT = f"/v2/datasets/{NAME}"
SHAPE = (3, 40, 70, 130)
ASKED = {
    "kind": "labels",
    "axes": ["t", "z", "y", "x"],
    "shape": [*SHAPE],
    "voxel_size": [40, 4, 4],
    "time_step": 2,
}
LARGEST = (1 << 64) - 1
ON = "film.ome.zarr/labels/on"
WRITES: list[tuple[Box, int]] = [
    (Box((0, 3, 4, 5), (2, 30, 60, 100)), 3),
    (Box((1, 10, 4, 60), (3, 35, 70, 130)), LARGEST),
    (Box((1, 0, 0, 0), (2, 12, 20, 70)), 0),
    (Box((2, 5, 6, 7), (3, 6, 7, 8)), 9),
]
"""Boxes, one after the other, and what becomes of them."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway of a lake with labels that were written to at several time points."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("in-time") / "lake"))
    lake.path.mkdir()
    with open_catalog(lake, Settings()) as catalog:
        for place in (["lab"], ["lab", "brain"]):
            catalog.collections.add(place)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(Settings(), lake, catalog, identity)
        with run_app(app) as url:
            voxels = np.zeros(SHAPE, np.uint64)
            served = Served(url, lake, catalog, app, identity, {NAME: voxels})
            with served.client(owner=True) as client:
                assert client.post(AT, json=ASKED).status_code == 200
                for box, label in WRITES:
                    put(client, box, label)
                    voxels[box.slices] = label
            yield served


def put(client: httpx2.Client, box: Box, label: int) -> None:
    ranges = {name: f"{lo}:{hi}" for name, lo, hi in zip("tzyx", box.start, box.stop, strict=True)}
    headers = {"content-type": "application/octet-stream"}
    body = np.full(box.shape, label, np.uint64).tobytes()
    answer = client.put(f"{AT}/cutout", params=ranges, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    cells = {tuple(each["cell"]) for each in answer.json()["shards"]}
    assert {cell[0] for cell in cells} == set(range(box.start[0], box.stop[0]))


@pytest.fixture
def client(own: Served) -> Iterator[httpx2.Client]:
    with own.client(owner=True) as client:
        yield client


@pytest.fixture
def gateway(own: Served) -> Iterator[Gateway]:
    with Gateway(own.url, token=TOKEN) as opened:
        yield opened


@pytest.mark.parametrize("time", [0, 1, 2])
def test_every_question_is_answered_of_its_time_point(
    own: Served, gateway: Gateway, time: int
) -> None:
    voxels = own.voxels[NAME][time]
    labels = gateway.open_labels(NAME, time=time)
    present, counts = np.unique(voxels[voxels != 0], return_counts=True)
    for table in (labels.all(), labels.find([3, 9, LARGEST]), labels.largest(5)):
        found = dict(zip(table["label"].to_pylist(), table["voxels"].to_pylist(), strict=True))
        assert found == dict(zip(present.tolist(), counts.tolist(), strict=True))
    for label in (3, 9, LARGEST):
        if label in present:
            check_label(labels, voxels, label)
        else:
            for ask in (labels.extent, labels.chunks, labels.mask):
                with pytest.raises(NotFoundError):
                    ask(label)
    points = np.argwhere(np.ones((2, 3, 4))) * (19, 23, 32)
    assert labels.at(points).tolist() == voxels[tuple(points.T)].tolist()
    part = np.s_[8:14, 2:30, 50:80]
    inside, counts = np.unique(voxels[part][voxels[part] != 0], return_counts=True)
    table = labels.in_box("8:14,2:30,50:80", counts=True)
    assert table["label"].to_pylist() == inside.tolist()
    assert table["voxels"].to_pylist() == counts.tolist()


def check_label(labels: RemoteLabels, voxels: Voxels, label: int) -> None:
    where = np.argwhere(voxels == label)
    box = Box(tuple(where.min(axis=0).tolist()), tuple((where.max(axis=0) + 1).tolist()))
    extent = labels.extent(label)
    assert (extent.voxels, extent.box) == (len(where), box)
    assert labels.chunks(label).tolist() == np.unique(where // 64, axis=0).tolist()
    mask = labels.mask(label)
    assert mask.box == box
    np.testing.assert_array_equal(mask.voxels, voxels[box.slices] == label)
    runs = labels.runs(label)
    assert runs["length"].to_numpy().sum() == len(where)
    clipped = labels.runs(label, "0:40,0:30,0:130")
    assert clipped["length"].to_numpy().sum() == np.count_nonzero(voxels[:, :30] == label)
    drawn = labels.points(label, 20)
    assert (voxels[tuple(drawn.T)] == label).all()


def test_without_a_time_point_the_first_is_asked(
    own: Served, gateway: Gateway, client: httpx2.Client
) -> None:
    first = np.count_nonzero(own.voxels[NAME][0] == 3)
    assert gateway.label(NAME, 3).voxels == first
    assert client.get(f"{AT}/labels/3", params={"point": True}).json()["voxels"] == first
    told = client.get(f"{AT}/labels", params={"z": "3"}).json()
    assert told["labels"] == ["3"]
    assert told["box"] == {"t": [0, 1], "z": [3, 4], "y": [0, 70], "x": [0, 130]}
    assert Lake(own.lake).label(NAME, 3).voxels == first
    second = Lake(own.lake).open_labels(NAME, time=1)
    assert second.view().extent(3).voxels == np.count_nonzero(own.voxels[NAME][1] == 3)


def test_a_point_of_a_label_is_of_its_time_point(own: Served, client: httpx2.Client) -> None:
    where = np.argwhere(own.voxels[NAME][2] == np.uint64(LARGEST))
    told = client.get(f"{AT}/labels/{LARGEST}", params={"point": True, "t": 2}).json()
    check_point(where, (64, 64, 64), tuple(told["point"]))


def test_a_time_point_that_is_not_there(gateway: Gateway, client: httpx2.Client) -> None:
    for time in (3, 10**14):
        labels = gateway.open_labels(NAME, time=time)
        for ask in (labels.all, labels.in_box, partial(labels.extent, 3), partial(labels.mask, 3)):
            with pytest.raises(OutOfBoundsError, match=rf"{time} .*was asked for"):
                ask()
    for path in ("labels", "labels/3/mask", "labels/3/sparse-volume"):
        answer = client.get(f"{AT}/{path}", params={"t": "0:2"})
        assert (answer.status_code, answer.json()["detail"]) == (
            400,
            "t=0:2 was asked for; labels are asked for at one time point, such as t=0",
        )
    assert client.get(f"{AT}/labels/3", params={"t": -1}).status_code == 400


def test_labels_without_time_have_time_point_0(own: Served, gateway: Gateway) -> None:
    with own.client(owner=True) as client:
        still = {"kind": "labels", "shape": [4, 5, 6], "voxel_size": [40, 4, 4]}
        assert client.post("/v2/datasets/lab/brain/still", json=still).status_code == 200
    assert len(gateway.open_labels("lab/brain/still", time=0).all()) == 0
    assert len(gateway.open_labels("lab/brain/still", time=0).in_box()) == 0
    with pytest.raises(OutOfBoundsError, match="it has 0 alone"):
        gateway.open_labels("lab/brain/still", time=1).all()


def test_ids_are_reserved_above_all_time_points(gateway: Gateway, own: Served) -> None:
    with own.client(owner=True) as client:
        name = "/v2/datasets/lab/brain/few"
        assert client.post(name, json=ASKED).status_code == 200
        box = {"t": "2", "z": "0", "y": "0", "x": "0"}
        body = np.array([41], np.uint64).tobytes()
        headers = {"content-type": "application/octet-stream"}
        client.put(f"{name}/cutout", params=box, content=body, headers=headers)
    assert gateway.open_labels("lab/brain/few").reserve(3) == range(42, 45)


def test_labels_of_an_image_in_time_have_its_time_points(own: Served) -> None:
    with own.client(owner=True) as client:
        image = {**ASKED, "kind": "image", "dtype": "uint8"}
        assert client.post("/v2/datasets/lab/brain/film", json=image).status_code == 200
        made = client.post("/v2/datasets/lab/brain/on", json={"kind": "labels", "of": "film"})
        assert made.status_code == 200, made.text
        told = [client.get(f"/v2/datasets/lab/brain/{name}").json() for name in ("film", "on")]
    for fact in ("shape", "axes"):
        assert told[0][fact] == told[1][fact]
    film, on = (open_dataset(own.lake / f"lab/brain/{name}") for name in ("film.ome.zarr", ON))
    assert [level.scale for level in film.multiscale.levels] == [
        level.scale for level in on.multiscale.levels
    ]
    assert on.multiscale.levels[0].scale == (2.0, 40.0, 4.0, 4.0)
