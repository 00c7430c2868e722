"""Collections, experiments, channels and frames, asked for by intern and by plain requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from intern.resource.boss.resource import (
    ChannelResource,
    CollectionResource,
    CoordinateFrameResource,
    ExperimentResource,
)
from requests import HTTPError
from tests.api.v1.conftest import FRAME

if TYPE_CHECKING:
    import httpx2

BRAIN = ["cells", "em", "few", "secret", "vast"]


def test_what_intern_lists(boss: Any, public_boss: Any) -> None:
    assert boss.list_collections() == ["lab"]
    assert boss.list_experiments("lab") == ["brain", "light"]
    assert boss.list_channels("lab", "brain") == BRAIN
    # Some of its channels are for everybody, and itself it is not: as in bossDB.
    assert public_boss.list_collections() == []
    with pytest.raises(HTTPError, match="401"):
        public_boss.list_channels("lab", "brain")
    assert FRAME.name in boss.list_coordinate_frames()


def test_projects_as_intern_knows_them(boss: Any, public_boss: Any) -> None:
    collection = boss.get_project(CollectionResource("lab"))
    assert (collection.name, collection.description) == ("lab", "")
    light = boss.get_project(ExperimentResource("light", "lab"))
    assert (light.coord_frame, light.num_time_samples) == (FRAME.name, 3)
    brain = boss.get_project(ExperimentResource("brain", "lab"))
    assert (brain.coord_frame, brain.num_hierarchy_levels) == ("lab.brain", 2)
    assert brain.hierarchy_method == "anisotropic"
    em = public_boss.get_project(ChannelResource("em", "lab", "brain"))
    assert (em.type, em.datatype, em.base_resolution) == ("image", "uint8", 0)
    assert (em.downsample_status, em.sources) == ("DOWNSAMPLED", [])
    cells = boss.get_project(ChannelResource("cells", "lab", "brain"))
    assert (cells.type, cells.datatype) == ("annotation", "uint64")
    # Annotations of 32 bits, which bossDB has not, are read as such of 64.
    few = boss.get_project(ChannelResource("few", "lab", "brain"))
    assert (few.type, few.datatype) == ("annotation", "uint64")


def test_frames_as_intern_knows_them(boss: Any) -> None:
    bench = boss.get_project(CoordinateFrameResource(FRAME.name))
    assert (bench.x_start, bench.x_stop) == (5, 45)
    assert (bench.y_start, bench.y_stop) == (-10, 30)
    assert (bench.z_start, bench.z_stop) == (0, 21)
    sizes = bench.x_voxel_size, bench.y_voxel_size, bench.z_voxel_size
    assert (sizes, bench.voxel_unit) == ((1.0, 2.0, 3.0), "micrometers")
    own = boss.get_project(CoordinateFrameResource("lab.brain"))
    # That of `vast`, and the size of a voxel of all.
    assert (own.x_start, own.x_stop, own.z_stop) == (0, 1 << 17, 1 << 17)
    assert (own.x_voxel_size, own.z_voxel_size, own.voxel_unit) == (10.0, 40.0, "nanometers")


def test_hidden_and_absent_are_told_alike(public_boss: Any, boss: Any) -> None:
    for name in ("secret", "absent"):
        with pytest.raises(HTTPError) as refused:
            public_boss.get_project(ChannelResource(name, "lab", "brain"))
        assert "401" in str(refused.value)
    with pytest.raises(HTTPError, match="404"):
        boss.get_project(ChannelResource("absent", "lab", "brain"))


@pytest.mark.parametrize("root", ["/v1", "/latest", "/latest/"])
def test_slashes_and_the_latest(web: httpx2.Client, nobody: httpx2.Client, root: str) -> None:
    for path in ("/collection", "/collection/", "//collection//"):
        answer = web.get(f"{root}{path}")
        assert (answer.status_code, answer.json()) == (200, {"collections": ["lab"]})
    nothing = nobody.get(f"{root}/none", headers={"Authorization": "Token public"})
    assert nothing.status_code == 401


def test_errors_have_the_form_of_bossdb(web: httpx2.Client, nobody: httpx2.Client) -> None:
    for client, path, status, code in [
        (web, "/v1/collection/absent", 404, 4000),
        (web, "/v1/collection/lab/experiment/absent", 404, 4000),
        (web, "/latest/coord/absent", 404, 4000),
        (web, "/v1/coord/lab.absent", 404, 4000),
        (web, "/v1/coord/lab.light.dyes", 400, 1003),
        (web, "/v1/collection?none=1", 400, 1003),
        (web, "/v1/none", 404, 4000),
        (nobody, "/v1/collection/lab/experiment/brain/channel/secret", 401, 3004),
        (nobody, "/v1/coord/hidden.brain", 401, 3004),
    ]:
        answer = client.get(path)
        told = answer.json()
        assert (answer.status_code, told["status"], told["code"]) == (status, status, code), path
        assert told["message"]
        assert answer.headers["content-type"] == "application/json"
    # All other addresses keep theirs.
    answer = web.get("/v2/collections/absent")
    assert answer.headers["content-type"] == "application/problem+json"
    wrong = nobody.get("/v1/collection", headers={"Authorization": "Token wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, 3004)


def test_levels_are_those_of_the_zarr(web: httpx2.Client) -> None:
    found = web.get("/v1/downsample/lab/brain/em", params={"iso": "true"}).json()
    assert (found["status"], found["num_hierarchy_levels"]) == ("DOWNSAMPLED", 2)
    assert found["extent"] == {"0": [71, 67, 45], "1": [36, 34, 45]}
    assert found["voxel_size"] == {"0": [10, 10, 40], "1": [20, 20, 40]}
    assert found["cuboid_size"]["1"] == [512, 512, 16]
    flat = web.get("/v1/downsample/lab/brain/vast").json()
    assert (flat["status"], list(flat["extent"])) == ("NOT_DOWNSAMPLED", ["0"])
    assert web.get("/v1/downsample/lab/light/film").json()["extent"]["0"] == [37, 33, 20]
