"""Resources of bossDB are made, changed and deleted: by intern, and by requests for the codes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from intern.resource.boss.resource import (
    ChannelResource,
    CollectionResource,
    CoordinateFrameResource,
    ExperimentResource,
)
from numcodecs import blosc
from requests import HTTPError
from tests.api.conftest import TOKEN, Served
from tests.api.v1.conftest import remote

from voxlake.ngff.dataset import open_dataset
from voxlake.platform import store
from voxlake.platform.access import Role
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2


COLLECTION = CollectionResource("lab", "a lab")
FRAME = CoordinateFrameResource("bench", "of light", -5, 60, 0, 50, 3, 33, 4, 4, 40, "nanometers")
BRAIN = ExperimentResource(
    "brain",
    "lab",
    "bench",
    "a brain",
    3,
    "anisotropic",
    4,
    time_step=2,
    time_step_unit="milliseconds",
)
EM = ChannelResource("em", "lab", "brain", "image", "voxels", 0, "uint16", 0)
CELLS = ChannelResource(
    "cells", "lab", "brain", "annotation", "cells of em", 0, "uint64", 0, sources=["em"]
)
ALL = (COLLECTION, FRAME, BRAIN, EM, CELLS)
AT = "/v1/collection/lab/experiment/brain"


@pytest.fixture
def boss(empty: Served) -> Any:
    return remote(empty, TOKEN)


@pytest.fixture
def made(boss: Any) -> Any:
    """All resources, made by intern."""
    for each in ALL:
        boss.create_project(each)
    return boss


@pytest.fixture
def web(empty: Served) -> Iterator[httpx2.Client]:
    with empty.client() as client:
        client.headers["Authorization"] = f"Token {TOKEN}"
        yield client


def said(resource: Any) -> dict[str, Any]:
    """Return what a resource says, but for what the server alone knows."""
    known = {key.lstrip("_"): value for key, value in vars(resource).items()}
    for key in (
        "raw",
        "creator",
        "coll_name",
        "exp_name",
        "valid_volume",
        "cutout_ready",
        "public",
    ):
        known.pop(key, None)
    return known


def test_what_is_made_is_told(empty: Served, boss: Any) -> None:
    for each in ALL:
        answer = boss.create_project(each)
        assert said(answer) == said(boss.get_project(each))
        assert answer.name == each.name
        assert answer.description == each.description
    brain = boss.get_project(BRAIN)
    assert (brain.num_hierarchy_levels, brain.hierarchy_method) == (3, "anisotropic")
    assert (brain.num_time_samples, brain.time_step, brain.time_step_unit) == (4, 2, "milliseconds")
    cells = boss.get_project(CELLS)
    assert (cells.type, cells.datatype, cells.sources) == ("annotation", "uint64", ["em"])
    dataset = open_dataset(empty.lake / "lab/brain/em.ome.zarr")
    shapes = [dataset.level(number).shape for number in range(dataset.levels)]
    assert shapes == [(4, 30, 50, 65), (4, 30, 25, 33), (4, 30, 13, 17)]
    assert dataset.multiscale.translation == (120.0, 0.0, -20.0)
    assert dataset.multiscale.levels[0].scale == (2.0, 40.0, 4.0, 4.0)
    assert dataset.multiscale.axes[0].unit == "millisecond"
    read = boss.get_cutout(boss.get_project(EM), 0, [-5, 60], [0, 50], [3, 33])
    assert read.shape == (30, 50, 65)
    assert not read.any()


def test_voxels_come_after(made: Any) -> None:
    em, cells = made.get_project(EM), made.get_project(CELLS)
    voxels = np.random.default_rng(1).integers(1, 5000, (2, 3, 4)).astype(np.uint16)
    made.create_cutout(em, 0, [-5, -1], [4, 7], [5, 7], voxels)
    read = made.get_cutout(em, 0, [-5, -1], [4, 7], [5, 7], parallel=False)
    np.testing.assert_array_equal(read, voxels)
    ids = np.full((2, 3, 4), (1 << 63) + 5, np.uint64)
    made.create_cutout(cells, 0, [-5, -1], [4, 7], [5, 7], ids)
    box = made.get_bounding_box(cells, 0, (1 << 63) + 5, "tight")
    assert (box["x_range"], box["z_range"]) == ([-5, -1], [5, 7])


def test_annotations_have_the_time_samples_of_their_experiment(
    made: Any, web: httpx2.Client
) -> None:
    cells = made.get_project(CELLS)
    x, y, z = [-5, 59], [4, 44], [5, 25]
    voxels = np.zeros((4, 20, 40, 64), np.uint64)
    voxels[1:3, 2:9, 3:20, 5:60] = 7
    voxels[2, 10:, :5, 30:] = (1 << 63) + 5
    voxels[3, 0, 0, 0] = 11
    made.create_cutout(cells, 0, x, y, z, voxels[1:4], [1, 4])
    for times in ([0, 4], [2, 3]):
        read = made.get_cutout(cells, 0, x, y, z, times, parallel=False)
        np.testing.assert_array_equal(read.reshape(-1, 20, 40, 64), voxels[slice(*times)])
        inside = np.unique(voxels[slice(*times)])
        found = made.get_ids_in_region(cells, 0, x, y, z, times)
        assert found == inside[inside != 0].tolist()
    assert made.get_ids_in_region(cells, 0, x, y, z) == []  # at the first
    for label in (7, (1 << 63) + 5, 11):
        where = np.argwhere(voxels == np.uint64(label))
        ends = np.stack([where.min(axis=0), where.max(axis=0) + 1], axis=1)
        ends += np.array([[0], [5], [4], [-5]])
        box = made.get_bounding_box(cells, 0, label, "tight")
        assert [box[f"{name}_range"] for name in "tzyx"] == ends.tolist()
    at = "/v1/cutout/lab/brain/cells/0/-5:59/4:44/5:25"
    kept = web.get(f"{at}/1:4?filter=7", headers={"accept": "application/blosc"})
    of_7 = np.frombuffer(blosc.decompress(kept.content), np.uint64).reshape(3, 20, 40, 64)
    np.testing.assert_array_equal(of_7, voxels[1:4] * (voxels[1:4] == 7))
    assert web.put(f"{at.replace('/cutout/', '/cutout/to_black/')}/2:3").status_code == 200
    voxels[2] = 0
    np.testing.assert_array_equal(
        made.get_cutout(cells, 0, x, y, z, [0, 4], parallel=False), voxels
    )
    box = made.get_bounding_box(cells, 0, 7, "tight")
    assert box["t_range"] == [1, 2]
    assert web.get(f"{at}/3:5").json()["code"] == 1001
    assert made.reserve_ids(cells, 3) > 11


def test_levels_of_a_frame_that_begins_above_0(made: Any, web: httpx2.Client) -> None:
    """In the coordinates of a level, they begin at a half of where the frame does."""
    frame = {"x_start": 40, "x_stop": 80, "y_start": 20, "y_stop": 60, "z_start": 8, "z_stop": 18}
    size = {"x_voxel_size": 4, "y_voxel_size": 4, "z_voxel_size": 40}
    said = frame | size | {"name": "above", "description": "", "voxel_unit": "nanometers"}
    assert web.post("/v1/coord/above", json=said).status_code == 201
    place = "/v1/collection/lab/experiment/above"
    experiment = {"coord_frame": "above", "num_hierarchy_levels": 2}
    assert web.post(place, json=experiment | {"name": "above"}).status_code == 201
    channel = {"name": "em", "type": "image", "datatype": "uint8"}
    assert web.post(f"{place}/channel/em", json=channel).status_code == 201
    for box, status in [
        ("1/20:40/10:30/8:18", 200),
        ("1/20:41/10:30/8:18", 200),
        ("1/40:80/20:60/8:18", 200),  # bossDB's clients ask in the voxels of level 0
        ("1/19:40/10:30/8:18", 400),
        ("0/39:80/20:60/8:18", 400),
    ]:
        assert web.get(f"/v1/cutout/lab/above/em/{box}").status_code == status, box


def test_changes_leave_what_they_do_not_say(made: Any, web: httpx2.Client) -> None:
    collection = CollectionResource("lab-2", "another lab")
    assert said(made.update_project("lab", collection)) == said(collection)
    at = "/v1/collection/lab-2/experiment/brain"
    brain = web.put(at, json={"num_hierarchy_levels": 2, "hierarchy_method": "isotropic"}).json()
    # What there is is told; what is made from now on is planned.
    assert (brain["num_hierarchy_levels"], brain["description"]) == (3, "a brain")
    new = {"type": "image", "datatype": "uint8"}
    assert web.post(f"{at}/channel/new", json=new).status_code == 201
    told = web.get("/v1/downsample/lab-2/brain/new").json()
    assert told["extent"] == {"0": [65, 50, 30], "1": [33, 25, 15]}
    assert told["voxel_size"]["1"] == [8.0, 8.0, 80.0]
    cells = web.put(f"{at}/channel/cells", json={"public": True}).json()
    assert (cells["public"], cells["sources"]) == (True, ["em"])
    cells = web.put(f"{at}/channel/cells", json={"name": "nuclei", "base_resolution": 1}).json()
    assert (cells["name"], cells["base_resolution"], cells["sources"]) == ("nuclei", 1, ["em"])
    assert cells["description"] == "cells of em"
    assert web.get(f"{at}/channel/cells").status_code == 404
    frame = web.put("/v1/coord/bench", json={"name": "table"}).json()
    assert (frame["name"], frame["x_start"], frame["description"]) == ("table", -5, "of light")
    assert web.get(at).json()["coord_frame"] == "table"
    for wrong in (
        {"coord_frame": "x"},
        {"creator": "x"},
        {"num_time_samples": 3},
        {"num_hierarchy_levels": 0},
        {"hierarchy_method": "none"},
    ):
        answer = web.put(at, json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, 1003), wrong
    for path, wrong in (("channel/em", {"datatype": "uint8"}), ("channel/em", {"type": "image"})):
        assert web.put(f"{at}/{path}", json=wrong).json()["code"] == 1003
    assert web.put("/v1/coord/table", json={"x_start": 0}).json()["code"] == 1003


def test_what_is_public_is_that_alone(made: Any, web: httpx2.Client, empty: Served) -> None:
    with empty.client() as nobody:
        made.set_project_public_visibility(COLLECTION, public=True)
        assert nobody.get("/v1/collection/lab").json()["public"] is True
        assert nobody.get(AT).status_code == 401
        made.set_project_public_visibility(BRAIN, public=True)
        assert nobody.get(AT).json()["channels"] == []
        made.set_project_public_visibility(EM, public=True)
        assert nobody.get(AT).json()["channels"] == ["em"]
        assert nobody.get("/v1/cutout/lab/brain/em/0/0:1/0:1/3:4").status_code == 200
        made.set_project_public_visibility(EM, public=False)
        made.set_project_public_visibility(COLLECTION, public=False)
        assert nobody.get("/v1/collection/lab").status_code == 401
        assert nobody.get(AT).json()["channels"] == []
    assert web.get("/v1/collection/lab").json()["description"] == "a lab"


def test_names_are_free_again_at_once(made: Any, web: httpx2.Client, empty: Served) -> None:
    for path, code in (("/v1/collection/lab", 4003), (AT, 4003), ("/v1/coord/bench", 4003)):
        answer = web.delete(path)
        assert (answer.status_code, answer.json()["code"]) == (400, code), path
    answer = web.delete(f"{AT}/channel/em")
    assert (answer.status_code, answer.json()["code"]) == (400, 4003)
    assert "source" in answer.json()["message"]
    em = made.get_project(EM)
    made.create_cutout(em, 0, [0, 4], [0, 4], [4, 8], np.full((4, 4, 4), 7, np.uint16))
    made.delete_project(CELLS)
    made.delete_project(EM)
    with pytest.raises(HTTPError, match="404"):
        made.get_project(EM)
    again = made.create_project(EM)
    # No worker has run: it lies elsewhere.
    assert not made.get_cutout(again, 0, [0, 4], [0, 4], [4, 8], parallel=False).any()
    made.create_project(CELLS)
    for each in reversed(ALL):
        made.delete_project(each)
    assert made.list_collections() == []
    assert "bench" not in made.list_coordinate_frames()
    for each in ALL:
        made.create_project(each)
    kinds = [job.kind for job in empty.catalog.ledger.list_jobs()]
    assert kinds == ["remove"] * 4


IMAGE = {"type": "image", "datatype": "uint8"}
LABELS = {"type": "annotation", "datatype": "uint64", "sources": ["em"]}


@pytest.mark.parametrize(
    ("path", "asked", "status", "code"),
    [
        ("/v1/collection/lab", {}, 400, 1003),
        ("/v1/collection/x", {"name": "y"}, 400, 1003),
        ("/v1/collection/x", {"owner": "y"}, 400, 1003),
        ("/v1/collection/x.y", {}, 400, 1003),
        (AT, {"coord_frame": "bench"}, 400, 1003),
        ("/v1/collection/lab/experiment/x", {"coord_frame": "none"}, 404, 4000),
        ("/v1/collection/lab/experiment/x", {}, 400, 1003),
        ("/v1/collection/none/experiment/x", {"coord_frame": "bench"}, 404, 4000),
        ("/v1/coord/bench", FRAME, 400, 1003),
        ("/v1/coord/x", {"x_start": 0}, 400, 1003),
        (f"{AT}/channel/em", IMAGE, 400, 1003),
        (f"{AT}/channel/x", IMAGE | {"datatype": "uint64"}, 400, 1003),
        (f"{AT}/channel/x", IMAGE | {"datatype": "uint32"}, 400, 1003),
        (f"{AT}/channel/x", IMAGE | {"related": ["none"]}, 404, 4000),
        (f"{AT}/channel/x", IMAGE | {"default_time_sample": 4}, 400, 1003),
        (f"{AT}/channel/x", LABELS | {"sources": []}, 400, 1003),
        (f"{AT}/channel/x", LABELS | {"related": ["em"]}, 400, 1003),
        (f"{AT}/channel/x", LABELS | {"sources": ["x"]}, 400, 1003),
        ("/v1/collection/lab/experiment/none/channel/x", IMAGE, 404, 4000),
    ],
)
def test_what_is_refused(
    made: Any, web: httpx2.Client, path: str, asked: Any, status: int, code: int
) -> None:
    del made
    if asked is FRAME:
        asked = web.get(path).json()
    answer = web.post(path, json=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_of_two_at_once_one_is_told_that_it_is_made(made: Any, web: httpx2.Client) -> None:
    del made

    def make(_: int) -> int:
        return web.post(f"{AT}/channel/twin", json=IMAGE).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == [201, 400, 400, 400]


def test_a_vast_frame_costs_nothing(boss: Any, web: httpx2.Client, empty: Served) -> None:
    boss.create_project(COLLECTION)
    most = 10**7
    boss.create_project(
        CoordinateFrameResource("vast", "", 0, most, 0, most, 0, most, 1, 1, 1, "nanometers")
    )
    boss.create_project(ExperimentResource("brain", "lab", "vast", "", 10, "isotropic"))
    for each in (EM, CELLS):
        boss.create_project(each)
    read = boss.get_cutout(boss.get_project(CELLS), 0, [most - 9, most], [0, 9], [7, 9])
    assert not read.any()
    assert len(list(store.walk(empty.lake))) < 60
    assert web.get("/v1/downsample/lab/brain/em").json()["num_hierarchy_levels"] == 10


def test_who_may_add_to_an_experiment_owns_what_they_make(made: Any, empty: Served) -> None:
    del made
    empty.catalog.people.add_user("ada")
    empty.catalog.shares.share(["lab", "brain"], "ada", Role.EDITOR)
    _, secret = empty.catalog.tokens.make("ada", "x")
    # What may be done with it is remembered for a while.
    empty.app.state.gateway.records.forget(DatasetName.parse("lab/brain/cells"))
    with empty.client() as ada:
        ada.headers["Authorization"] = f"Token {secret}"
        assert ada.post(f"{AT}/channel/mine", json=IMAGE).json()["creator"] == "ada"
        assert ada.put(f"{AT}/channel/mine", json={"public": True}).json()["public"] is True
        assert ada.put(AT, json={"public": True}).json()["code"] == 3001
        assert ada.delete(f"{AT}/channel/mine").status_code == 204
        answer = ada.delete(f"{AT}/channel/cells")
        assert answer.json()["code"] == 3001, answer.text
        assert ada.post("/v1/collection/x", json={}).status_code in {403, 404}
