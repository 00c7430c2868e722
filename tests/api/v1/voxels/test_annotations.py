"""Ids, bounding boxes and reservations of bossDB's API, asked for by intern."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from intern.resource.boss.resource import ChannelResource
from requests import HTTPError
from tests.api.conftest import SHAPE
from tests.api.v1.conftest import FRAME
from tests.api.v1.voxels.test_cutouts import block, spans

if TYPE_CHECKING:
    import httpx2
    from tests.api.conftest import Served
    from tests.api.v1.voxels.test_cutouts import Span

LARGEST = (1 << 64) - 1


def channel(boss: Any, name: str) -> Any:
    collection, experiment, dataset = name.split("/")
    return boss.get_project(ChannelResource(dataset, collection, experiment, datatype="uint64"))


@settings(max_examples=10)
@given(box=spans())
def test_ids_in_any_box(bossdb: Served, boss: Any, box: list[Span]) -> None:
    ranges = [list(each) for each in box]
    for name in ("cells", "few"):
        found = boss.get_ids_in_region(channel(boss, f"lab/brain/{name}"), 0, *ranges)
        inside = np.unique(block(bossdb.voxels[f"lab/brain/{name}"], box))
        assert found == inside[inside != 0].tolist()


def test_ids_of_coarser_levels(bossdb: Served, boss: Any, web: httpx2.Client) -> None:
    z, y, x = SHAPE
    coarse = bossdb.voxels["lab/brain/cells"][:, ::2, ::2]
    box = [(5, 30), (3, 33), (2, 9)]
    inside = np.unique(block(coarse, box))
    ranges = [list(each) for each in box]
    found = boss.get_ids_in_region(channel(boss, "lab/brain/cells"), 1, *ranges)
    assert found == inside[inside != 0].tolist()
    beyond = web.get(f"/v1/ids/lab/brain/cells/1/{x - 3}:{x}/0:{y}/0:{z}").json()
    assert beyond == {"ids": []}


def test_ids_in_time(bossdb: Served, boss: Any) -> None:
    voxels = bossdb.voxels["lab/light/cells"]
    starts = FRAME.start[::-1]
    box = [(3, 20), (2, 21), (4, 9)]
    ranges = [[lo + start, hi + start] for (lo, hi), start in zip(box, starts, strict=True)]
    for t in ([0, 1], [1, 2], [0, 2]):
        inside = np.unique(block(voxels[slice(*t)], box))
        asked = channel(boss, "lab/light/cells"), 0, *ranges, t
        assert boss.get_ids_in_region(*asked) == inside[inside != 0].tolist()


@pytest.mark.parametrize("label", [1, 3, (1 << 53) + 1, LARGEST])
def test_bounding_boxes(bossdb: Served, boss: Any, label: int) -> None:
    where = np.argwhere(bossdb.voxels["lab/brain/cells"] == np.uint64(label))
    first, last = where.min(axis=0), where.max(axis=0) + 1
    cells = channel(boss, "lab/brain/cells")
    tight = boss.get_bounding_box(cells, 0, label, "tight")
    found = [tight[f"{name}_range"] for name in "zyx"]
    assert found == np.transpose([first, last]).tolist()
    assert tight["t_range"] == [0, 1]
    loose = boss.get_bounding_box(cells, 0, label, "loose")
    assert loose["x_range"] == loose["y_range"] == [0, 512]
    assert loose["z_range"] == [int(first[0]) // 16 * 16, -(-int(last[0]) // 16) * 16]
    coarse = boss.get_bounding_box(cells, 1, label, "tight")
    assert coarse["x_range"] == [int(first[2]) // 2, -(-int(last[2]) // 2)]
    assert coarse["z_range"] == [int(first[0]), int(last[0])]


def test_an_id_that_nothing_has(boss: Any, web: httpx2.Client) -> None:
    with pytest.raises(HTTPError, match="404"):
        boss.get_bounding_box(channel(boss, "lab/brain/cells"), 0, 424242, "tight")
    answer = web.get("/v1/boundingbox/lab/brain/cells/0/424242/?type=tight")
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (404, 404, 4004)
    for path, status, code in [
        ("boundingbox/lab/brain/absent/0/1", 404, 4000),
        ("boundingbox/lab/brain/em/0/1", 400, 1003),
        ("boundingbox/lab/brain/cells/7/1", 400, 1002),
        ("boundingbox/lab/brain/cells/0/0", 400, 1003),
        ("boundingbox/lab/brain/cells/0/1?type=any", 400, 1003),
        ("ids/lab/brain/em/0/0:5/0:5/0:5", 400, 1003),
        ("ids/lab/brain/cells/0/0:5/0:5/0:5/1:2", 400, 1001),
        ("reserve/lab/brain/em/5", 400, 1003),
        ("reserve/lab/brain/few/0", 400, 1003),
        ("reserve/lab/brain/few/many", 400, 1003),
    ]:
        answer = web.get(f"/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (status, code), path


def test_reservations_at_once_are_disjoint(
    bossdb: Served, boss: Any, nobody: httpx2.Client
) -> None:
    few = channel(boss, "lab/brain/few")
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: boss.reserve_ids(few, 10), range(32)))
    assert sorted(firsts) == list(range(min(firsts), min(firsts) + 320, 10))
    assert min(firsts) > bossdb.voxels["lab/brain/few"].max()
    answer = nobody.get("/v1/reserve/lab/brain/cells/5")
    assert answer.status_code in {401, 403}
